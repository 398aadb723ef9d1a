"""`end_call`: the caller is served and says goodbye."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callisi_runtime.flow import events as on
from callisi_runtime.tools.base import Answer, Arguments, Tool

if TYPE_CHECKING:
    from callisi_runtime.call import CallRunner

DESCRIPTION = (
    "Beendet das Gespräch. Nur aufrufen, wenn der Anrufer sich verabschiedet oder nichts weiter braucht. Verabschiede "
    "dich nicht selbst: das System sagt den letzten Satz."
)


class Nothing(Arguments):
    """No arguments."""


def end(_: Nothing, call: CallRunner) -> Answer:
    """Ask the machine to say goodbye."""
    call.feed(on.GoodbyeWanted())
    return Answer("Das System verabschiedet sich.", reply=False)


TOOL = Tool("end_call", DESCRIPTION, Nothing, end, after_words=True)
