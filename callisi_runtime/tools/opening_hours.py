"""`opening_hours`: when somebody is there, and whether somebody is there now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callisi_runtime.hours import in_words, is_open, next_opening
from callisi_runtime.tools.base import Answer, Arguments, Tool
from callisi_runtime.tools.current_time import DAYS

if TYPE_CHECKING:
    from callisi_runtime.call import CallRunner


class Nothing(Arguments):
    """No arguments."""


def tell_hours(_: Nothing, call: CallRunner) -> Answer:
    """The hours as a sentence, and what follows from them at this moment."""
    hours = call.plan.spec.hours
    if hours is None:
        return Answer("Es sind keine festen Öffnungszeiten hinterlegt.")
    known = f"Geöffnet ist {in_words(hours)}."
    now = call.moment()
    if is_open(hours, now):
        return Answer(f"{known} Jetzt ist geöffnet.")
    opening = next_opening(hours, now)
    if opening is None:
        return Answer(f"{known} Jetzt ist geschlossen.")
    return Answer(
        f"{known} Jetzt ist geschlossen, wieder geöffnet ist am {DAYS[opening.weekday()]}, {opening:%d.%m., %H:%M} Uhr."
    )


TOOL = Tool("opening_hours", "Nennt die Öffnungszeiten und ob gerade geöffnet ist.", Nothing, tell_hours)
