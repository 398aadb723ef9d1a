"""How a German reads and says numbers, dates and times."""

from __future__ import annotations

import datetime as dt

from callisi_runtime import phone

WEEKDAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
MONTHS = (
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
)


def written_phone(value: object) -> str:
    """`+4915228817386` as `0152 28817386`; what is no number comes back as it is, nothing as nothing."""
    text = "" if value is None else str(value)
    number = phone.normalise(text)
    return phone.written(number.e164) if number.e164 else text


def spoken_phone(value: object) -> str:
    """`+493023125000` as `null drei null, zwo drei, eins zwo, fünf null, null null`."""
    text = "" if value is None else str(value)
    number = phone.normalise(text)
    return phone.spoken(number.e164) if number.e164 else text


def date(value: object) -> str:
    """A date, a datetime or its ISO text as `Montag, 23. November`."""
    day = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(day, dt.date):
        raise TypeError(f"`date` takes a date, not {value!r}")
    return f"{WEEKDAYS[day.weekday()]}, {day.day}. {MONTHS[day.month - 1]}"


def time(value: object) -> str:
    """A time, a datetime or its ISO text as `14:05 Uhr`."""
    moment = _time(value) if isinstance(value, str) else value
    if not isinstance(moment, dt.time | dt.datetime):
        raise TypeError(f"`time` takes a time, not {value!r}")
    return f"{moment:%H:%M} Uhr"


def duration(value: object) -> str:
    """Seconds, or a timedelta, as `25 Sekunden`, `2 Minuten und 5 Sekunden`, `1 Stunde und 30 Minuten`."""
    if isinstance(value, dt.timedelta):
        value = value.total_seconds()
    seconds = round(float(str(value)))
    hours, minutes = divmod(seconds // 60, 60)
    units = [(hours, "Stunde", "Stunden"), (minutes, "Minute", "Minuten")]
    if not hours:
        units.append((seconds % 60, "Sekunde", "Sekunden"))
    parts = [f"{count} {one if count == 1 else many}" for count, one, many in units if count]
    return " und ".join(parts) or "0 Sekunden"


def plain(value: object) -> str:
    """A single value as text: 25.0 as `25`, 1.5 as `1,5`, True as `ja`, nothing as nothing. Others: TypeError."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "ja" if value else "nein"
    if isinstance(value, float):
        return f"{value:g}".replace(".", ",") if abs(value) < 1e6 else f"{value:.0f}"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, dt.datetime):
        return f"{date(value)}, {time(value)}"
    if isinstance(value, dt.date):
        return date(value)
    if isinstance(value, dt.time):
        return time(value)
    raise TypeError(f"{_kind(value)} cannot be written out: name one of its parts")


def _time(text: str) -> dt.time:
    return dt.datetime.fromisoformat(text).time() if len(text) > 8 else dt.time.fromisoformat(text)


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list | tuple) else "a group of values"
