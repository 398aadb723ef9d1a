"""`current_time`: date and time where the business is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from callisi_runtime.tools.base import Answer, Arguments, Tool

if TYPE_CHECKING:
    from callisi_runtime.call import CallRunner

ZONE = "Europe/Berlin"
DAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
MONTHS = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni"),
    *("Juli", "August", "September", "Oktober", "November", "Dezember"),
)


class Nothing(Arguments):
    """No arguments."""


def tell_time(_: Nothing, call: CallRunner) -> Answer:
    """`Es ist Montag, der 23. November 2026, 14:05 Uhr.`"""
    hours = call.plan.spec.hours
    now = call.moment().astimezone(ZoneInfo(hours.timezone if hours else ZONE))
    date = f"{DAYS[now.weekday()]}, der {now.day}. {MONTHS[now.month - 1]} {now.year}"
    return Answer(f"Es ist {date}, {now:%H:%M} Uhr.")


TOOL = Tool("current_time", "Nennt das heutige Datum und die Uhrzeit.", Nothing, tell_time)
