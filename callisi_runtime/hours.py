"""Open or closed, decided with `now` passed in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from callisi_runtime.spec.hours import DAYS, days_of, minutes_of

if TYPE_CHECKING:
    from callisi_runtime.spec.hours import Hours

GERMAN = {"mo": "montags", "tu": "dienstags", "we": "mittwochs", "th": "donnerstags", "fr": "freitags"} | {
    "sa": "samstags",
    "su": "sonntags",
}


def is_open(hours: Hours | None, now: datetime) -> bool:
    """Whether somebody is there at `now` (an aware time). Without hours, always."""
    if hours is None:
        return True
    local = now.astimezone(ZoneInfo(hours.timezone))
    if any(local.strftime("%Y-%m-%d").endswith(day) for day in hours.closed_on):
        return False
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in _spans(hours, DAYS[local.weekday()]))


def next_opening(hours: Hours, now: datetime) -> datetime | None:
    """The next time at which `is_open` becomes true, within two weeks; in the zone of the hours."""
    local = now.astimezone(ZoneInfo(hours.timezone))
    for ahead in range(15):
        midnight = (local + timedelta(days=ahead)).replace(hour=0, minute=0, second=0, microsecond=0)
        for start, _ in sorted(_spans(hours, DAYS[midnight.weekday()])):
            opening = midnight + timedelta(minutes=start)
            if opening > local and is_open(hours, opening):
                return opening
    return None


def in_words(hours: Hours) -> str:
    """The hours as a German sentence would list them: `montags bis freitags von 08:00 bis 17:00 Uhr`."""
    parts = []
    for key, spans in hours.open.items():
        days = days_of(key)
        name = GERMAN[days[0]] if len(days) == 1 else f"{GERMAN[days[0]]} bis {GERMAN[days[-1]]}"
        if "," in key:
            *first, last = (GERMAN[day] for day in days)
            name = f"{', '.join(first)} und {last}"
        times = (spans,) if isinstance(spans, str) else spans
        parts.append(f"{name} von {' und von '.join(_span_in_words(span) for span in times)} Uhr")
    return ", ".join(parts)


def _span_in_words(span: str) -> str:
    start, _, end = span.replace(" ", "").partition("-")
    return f"{start} bis {end}"


def _spans(hours: Hours, day: str) -> list[tuple[int, int]]:
    for key, spans in hours.open.items():
        if day in days_of(key):
            return [minutes_of(span) for span in ((spans,) if isinstance(spans, str) else spans)]
    return []


def weekly_quarters(hours: Hours) -> frozenset[tuple[int, int]]:
    """Every open quarter of an hour of a week, as (day 0 to 6, quarter 0 to 95); holidays left aside."""
    return frozenset(
        (number, quarter)
        for number, day in enumerate(DAYS)
        for start, end in _spans(hours, day)
        for quarter in range(start // 15, -(-end // 15))
    )
