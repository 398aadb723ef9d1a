"""`request_human_transfer`: the caller wants a person. The machine dials and speaks; the model falls silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from callisi_runtime.flow import Phase
from callisi_runtime.flow import events as on
from callisi_runtime.plan import Message
from callisi_runtime.tools.base import Answer, Arguments, Tool

if TYPE_CHECKING:
    from callisi_runtime.call import CallRunner

DESCRIPTION = (
    "Verbindet den Anrufer mit einem Menschen. Nur aufrufen, wenn der Anrufer ausdrücklich mit einem Menschen sprechen "
    "will oder du ihm nicht helfen kannst und er dem Verbinden zugestimmt hat. Kündige es nicht an und sage danach "
    "nichts: das System spricht und stellt durch."
)


class Request(Arguments):
    """What the person who is dialled should know."""

    reason: str = Field(
        default="", max_length=200, description="Worum es geht, in wenigen Worten des Anrufers."
    )


def request(arguments: Request, call: CallRunner) -> Answer:
    """Ask the machine for a person; asked twice, one telephone rings."""
    if arguments.reason:
        call.know(Message(subject=arguments.reason))
    call.feed(on.PersonWanted())
    if arguments.reason and call.state.phase is Phase.CONNECTING:
        call.feed(on.MessageGiven())
    return Answer("Das System übernimmt.", reply=False)


TOOL = Tool("request_human_transfer", DESCRIPTION, Request, request)
