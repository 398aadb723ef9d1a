from __future__ import annotations

import pytest

from callisi_runtime.errors import UsageError
from callisi_runtime.rehearse.providers import Providers, parse_mode, parse_seconds
from callisi_runtime.rehearse.staff import BEHAVIOURS, CONDUCT, MEANING, Staff, parse_staff


def test_every_behaviour_is_explained_and_carried_out() -> None:
    assert set(BEHAVIOURS) == set(MEANING) == set(CONDUCT)


def test_one_telephone_behaves_differently_from_the_others() -> None:
    staff = parse_staff(["answers", "2=busy"])
    assert [staff.behaviour(target) for target in (0, 1, 2)] == ["answers", "busy", "answers"]


def test_a_word_for_all_replaces_the_words_for_each() -> None:
    staff = parse_staff(["answers,2=busy"])
    staff.set("declined")
    assert staff.behaviour(1) == "declined"


@pytest.mark.parametrize("text", ["asleep", "", "x=busy", "1=asleep"])
def test_an_unknown_behaviour_names_the_known_ones(text: str) -> None:
    with pytest.raises(UsageError, match="no-answer"):
        Staff().set(text)


@pytest.mark.parametrize(("text", "seconds"), [("12s", 12.0), ("12", 12.0), ("1.5s", 1.5), ("2m", 120.0)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-3s", "3h"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="12s"):
        parse_seconds(text)


def test_codes_that_come_late_are_taken_first_and_lost_later() -> None:
    assert parse_mode("sms", "30006").late
    assert not parse_mode("sms", "21610").late
    assert not parse_mode("sms", "503").late


@pytest.mark.parametrize(
    ("name", "mode"), [("sms", "broken"), ("llm", "503"), ("stt", "lost"), ("fax", "up")]
)
def test_a_provider_cannot_be_what_it_cannot_be(name: str, mode: str) -> None:
    with pytest.raises(UsageError):
        Providers().set(name, mode)
