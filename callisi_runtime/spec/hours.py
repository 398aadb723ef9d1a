"""`hours`: when the business is open. Pure data; `callisi_runtime.hours` decides, with `now` passed in."""

import re
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from callisi_runtime.spec.base import Part

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
GERMAN_DAYS = {"mo": "mo", "di": "tu", "mi": "we", "do": "th", "fr": "fr", "sa": "sa", "so": "su"}
DATE = r"^(\d{4}-)?\d{2}-\d{2}$"
SPAN = re.compile(r"^([01]\d|2[0-4]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)$")


def days_of(text: str) -> tuple[str, ...]:
    """`mo-fr` -> the five days; `sa` -> one; `mo,mi` -> two; English or German two-letter days."""
    found: list[str] = []
    for part in text.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        names = {**{day: day for day in DAYS}, **GERMAN_DAYS}
        if first not in names or (last and last not in names):
            raise ValueError(
                f"{text!r} is not a day: write mo, di, mi, do, fr, sa, so, or a range such as mo-fr"
            )
        start, end = DAYS.index(names[first]), DAYS.index(names[last or first])
        if end < start:
            raise ValueError(f"{text!r} runs backwards: write it as two keys")
        found.extend(DAYS[start : end + 1])
    return tuple(found)


def minutes_of(span: str) -> tuple[int, int]:
    """`08:00-17:30` -> (480, 1050), minutes after midnight; the end is after the start."""
    match = SPAN.match(span)
    if match is None:
        raise ValueError(f"{span!r} is not a time span: write it as 08:00-17:30")
    hour, minute, to_hour, to_minute = (int(part) for part in match.groups())
    start, end = hour * 60 + minute, to_hour * 60 + to_minute
    if end > 24 * 60 or start >= end:
        raise ValueError(
            f"{span!r} ends before it starts; a span over midnight is two spans, until 24:00 and from 00:00"
        )
    return start, end


def _check_date(text: str) -> str:
    from datetime import date

    try:
        date.fromisoformat(text if len(text) == len("2026-12-24") else f"2024-{text}")
    except ValueError as error:
        raise ValueError(
            f"{text!r} is not a date: write 12-25 for every year, or 2026-12-24 for once"
        ) from error
    return text


def _check_zone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone: write it as Europe/Berlin") from error
    return name


def _check_days(open_: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    seen: dict[str, str] = {}
    for key, spans in open_.items():
        for day in days_of(key):
            if day in seen:
                raise ValueError(f"{key!r} names a day that {seen[day]!r} has already")
            seen[day] = key
        times = sorted(minutes_of(span) for span in spans)
        if any(later[0] < earlier[1] for earlier, later in pairwise(times)):
            raise ValueError(f"the spans of {key!r} overlap")
    return open_


def _as_spans(value: object) -> object:
    if isinstance(value, dict):
        return {key: [span] if isinstance(span, str) else span for key, span in value.items()}
    return value


Spans = Annotated[tuple[str, ...], Field(min_length=1, max_length=6)]


class Hours(Part):
    """When somebody is there. Outside these hours nobody is dialled; the caller is told, and a message is taken."""

    timezone: Annotated[str, AfterValidator(_check_zone)] = "Europe/Berlin"
    """The zone the times are meant in."""
    open: Annotated[dict[str, str | Spans], AfterValidator(lambda value: _check_days(_normal(value)))]
    """Day or range of days -> a span, or a list of spans: `mo-fr: 08:00-17:00`, `sa: [09:00-12:00, 14:00-16:00]`."""
    closed_on: tuple[
        Annotated[str, AfterValidator(_check_date), Field(json_schema_extra={"pattern": DATE})], ...
    ] = ()
    """Holidays: `12-25` every year, `2026-12-24` once."""


def _normal(open_: dict[str, str | tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {key: (spans,) if isinstance(spans, str) else spans for key, spans in open_.items()}
