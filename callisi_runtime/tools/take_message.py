"""`take_message`: what the caller wants the staff to know. The machine sends it and says what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from callisi_runtime.flow import Phase
from callisi_runtime.plan import Message
from callisi_runtime.tools.base import Answer, Arguments, Tool

if TYPE_CHECKING:
    from callisi_runtime.call import CallRunner

DESCRIPTION = (
    "Nimmt eine Nachricht des Anrufers für das Team auf. Erst aufrufen, wenn das Anliegen klar ist; bei unterdrückter "
    "Nummer auch nach einer Rückrufnummer fragen. Sage danach nichts: das System sagt, was aus der Nachricht wurde."
)


class Given(Arguments):
    """The message."""

    subject: str = Field(
        min_length=2, max_length=300, description="Das Anliegen, in den Worten des Anrufers."
    )
    name: str = Field(
        default="", max_length=80, description="Der Name des Anrufers, wenn er ihn genannt hat."
    )
    callback: str = Field(
        default="", max_length=40, description="Die Rückrufnummer, wenn er eine genannt hat."
    )


def take(arguments: Given, call: CallRunner) -> Answer:
    """Hand the message to the machine; while it rings, it is told to the person who picks up."""
    rings = call.state.phase in (Phase.CONNECTING, Phase.ACCEPTING)
    call.take_message(Message(arguments.subject, arguments.name, arguments.callback))
    return Answer("Das Anliegen ist notiert. Es klingelt noch.") if rings else Answer("Notiert.", reply=False)


TOOL = Tool("take_message", DESCRIPTION, Given, take)
