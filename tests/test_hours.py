"""Open or closed, with the time passed in."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from callisi_runtime.hours import in_words, is_open, next_opening, weekly_quarters
from callisi_runtime.spec import Hours

BERLIN = ZoneInfo("Europe/Berlin")
PRAXIS = Hours.model_validate(
    {
        "open": {"mo-fr": ["08:00-12:00", "14:00-18:00"], "sa": "09:00-12:00"},
        "closed_on": ["12-25", "2026-12-24"],
    }
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def test_without_hours_somebody_is_always_there() -> None:
    assert is_open(None, at("2026-01-01T03:00"))


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-23T07:59", False),  # a Monday
        ("2026-11-23T08:00", True),
        ("2026-11-23T11:59", True),
        ("2026-11-23T12:00", False),
        ("2026-11-23T13:00", False),
        ("2026-11-23T14:00", True),
        ("2026-11-23T18:00", False),
        ("2026-11-28T09:00", True),  # a Saturday
        ("2026-11-28T14:00", False),
        ("2026-11-29T10:00", False),  # a Sunday
    ],
)
def test_the_first_minute_counts_and_the_last_does_not(time: str, expected: bool) -> None:
    assert is_open(PRAXIS, at(time)) is expected


def test_holidays_are_closed_every_year_or_once() -> None:
    assert not is_open(PRAXIS, at("2026-12-24T10:00"))
    assert is_open(PRAXIS, at("2027-12-24T10:00"))
    assert not is_open(PRAXIS, at("2026-12-25T10:00"))
    assert not is_open(PRAXIS, at("2030-12-25T10:00"))


def test_times_are_meant_in_the_zone_of_the_hours() -> None:
    assert is_open(PRAXIS, datetime(2026, 11, 23, 7, 30, tzinfo=UTC))  # 08:30 in winter
    assert not is_open(PRAXIS, datetime(2026, 6, 22, 5, 30, tzinfo=UTC))  # 07:30 in summer
    assert is_open(PRAXIS, datetime(2026, 6, 22, 6, 30, tzinfo=UTC))


def test_the_night_in_which_the_clock_goes_back_has_one_opening() -> None:
    night = Hours.model_validate({"open": {"su": "02:00-04:00"}})
    assert is_open(night, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))  # 02:30, summer time
    assert is_open(night, datetime(2026, 10, 25, 1, 30, tzinfo=UTC))  # 02:30 again
    assert not is_open(night, datetime(2026, 10, 25, 3, 0, tzinfo=UTC))


def test_a_day_may_end_at_midnight() -> None:
    late = Hours.model_validate({"open": {"fr": "20:00-24:00", "sa": "00:00-02:00"}})
    assert is_open(late, at("2026-11-27T23:59"))
    assert is_open(late, at("2026-11-28T00:00"))
    assert not is_open(late, at("2026-11-28T02:00"))


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        ("2026-11-23T12:30", "2026-11-23T14:00"),
        ("2026-11-23T19:00", "2026-11-24T08:00"),
        ("2026-11-28T13:00", "2026-11-30T08:00"),
        ("2026-12-23T19:00", "2026-12-26T09:00"),
    ],
)
def test_the_next_opening_skips_nights_weekends_and_holidays(now: str, opening: str) -> None:
    assert next_opening(PRAXIS, at(now)) == at(opening)


def test_there_may_be_no_next_opening() -> None:
    every_day = [f"{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    never = Hours.model_validate(
        {"open": {"mo": "08:00-09:00"}, "closed_on": [*every_day, "11-30", "12-29", "12-30"]}
    )
    assert next_opening(never, at("2026-11-24T10:00")) is None


def test_hours_are_said_in_german() -> None:
    assert in_words(PRAXIS) == (
        "montags bis freitags von 08:00 bis 12:00 und von 14:00 bis 18:00 Uhr, samstags von 09:00 bis 12:00 Uhr"
    )
    assert in_words(Hours.model_validate({"open": {"mo,mi": "08:00-12:00"}})) == (
        "montags und mittwochs von 08:00 bis 12:00 Uhr"
    )


def test_german_and_english_days_are_the_same() -> None:
    german = Hours.model_validate({"open": {"di-do": "08:00-12:00", "so": "10:00-11:00"}})
    english = Hours.model_validate({"open": {"tu-th": "08:00-12:00", "su": "10:00-11:00"}})
    assert weekly_quarters(german) == weekly_quarters(english)


def test_a_range_with_a_list_names_all_its_days() -> None:
    assert in_words(Hours.model_validate({"open": {"mo-mi,fr": "08:00-12:00"}})) == (
        "montags, dienstags, mittwochs und freitags von 08:00 bis 12:00 Uhr"
    )


@pytest.mark.parametrize(
    "wrong", ["8-17", "08:00", "25:00-26:00", "08:00-24:30", "12:00-12:00", "18:00-08:00", "08.00-17.00"]
)
def test_what_is_no_span_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Hours.model_validate({"open": {"mo": wrong}})
