"""A pure function is asked once for all records that agree in what it has read."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from callisi_runtime.flow.model import changed
from callisi_runtime.prove.recall import Changes, Recall, apply, changes


class Lamp(NamedTuple):
    on: bool = False
    colour: str = "white"
    hours: int = 0


class Room(NamedTuple):
    dark: bool = True


def press(key: str, lamp: Lamp) -> Changes:
    """Switch it; only one that burns is used up."""
    if lamp.on:
        return changes(changed(lamp, on=False, hours=lamp.hours + 1))
    return changes(changed(lamp, on=True))


def after(recall: Recall[Changes], lamp: Lamp) -> Lamp:
    return apply(lamp, recall("press", lamp))


def test_what_was_not_read_does_not_matter() -> None:
    recall = Recall(press, Lamp)
    assert after(recall, Lamp(colour="red")) == Lamp(True, "red")
    assert after(recall, Lamp(hours=7)) == Lamp(True, hours=7)
    assert recall.asked == 1


def test_what_was_read_does() -> None:
    recall = Recall(press, Lamp)
    for hours in range(5):
        assert after(recall, Lamp(True, hours=hours)) == Lamp(False, hours=hours + 1)
    assert after(recall, Lamp()) == Lamp(True)
    assert recall.asked == 6


def test_what_was_written_is_written_even_where_it_stood_there() -> None:
    recall = Recall(lambda key, lamp: changes(changed(lamp, on=True)), Lamp)
    for lamp in (Lamp(True), Lamp(False)):
        assert after(recall, lamp).on
    assert recall.asked == 1


def test_two_records_are_read_as_one() -> None:
    recall = Recall(lambda key, lamp, room: "see" if lamp.on or not room.dark else "stumble", Lamp, Room)
    assert recall("walk", Lamp(True) + Room()) == "see"
    assert recall("walk", Lamp(True) + Room(False)) == "see"
    assert recall("walk", Lamp() + Room()) == "stumble"
    assert recall("walk", Lamp() + Room(False)) == "see"
    assert recall.asked == 3


def test_who_compares_a_record_has_read_all_of_it() -> None:
    recall = Recall(lambda key, lamp: lamp == Lamp(), Lamp)
    assert recall("new", Lamp())
    assert not recall("new", Lamp(hours=1))
    assert recall.asked == 2


def test_a_value_that_is_reached_without_its_name_is_an_error() -> None:
    recall = Recall(lambda key, lamp: [bool(value) for value in lamp], Lamp)
    with pytest.raises(TypeError, match="by the names of its fields"):
        recall("any", Lamp())


def test_what_is_not_pure_is_an_error() -> None:
    whims = ["on", "hours"]
    recall = Recall(lambda key, lamp: getattr(lamp, whims.pop(0)), Lamp)
    recall("press", Lamp())
    with pytest.raises(TypeError, match="pure"):
        recall("press", Lamp(True))
