from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callisi_runtime.source.yaml12 import resolve

from .helpers import data_of

TEXTS = [
    *(
        "12:30",
        "+49301234567",
        "0123",
        "007",
        "no",
        "on",
        "yes",
        "off",
        "2026-12-24",
        "1_000",
        ".inf",
        ".nan",
        "1e9999",
    ),
    *("+1", "0x10", "0o17", "--1", "1.2.3", "9" * 19, "nul", "tRUE", "-", "=", "<<x"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_no_number_and_no_truth_value_stays_text(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("25", 25), ("-3", -3), ("0", 0), ("0.8", 0.8), ("-0.5", -0.5), ("1e3", 1000.0), ("2.5e-1", 0.25)),
        *(("true", True), ("False", False), ("TRUE", True), ("null", None), ("~", None), ("", None)),
    ],
)
def test_numbers_truth_values_and_nothing_are_read(text: str, value: object) -> None:
    resolved = resolve(text)
    assert (resolved, type(resolved)) == (value, type(value))


@given(st.text(max_size=400))
def test_every_text_resolves_to_something(text: str) -> None:
    assert isinstance(resolve(text), str | int | float | bool | None)


@given(st.integers(-(10**17), 10**17))
def test_integers_come_back(number: int) -> None:
    assert resolve(str(number)) == number


def test_quotes_and_blocks_keep_text() -> None:
    text = "a: \"25\"\nb: 'true'\nc: |\n  25\nd: !!str 25\ne: 25\n"
    assert data_of(text) == {"a": "25", "b": "true", "c": "25\n", "d": "25", "e": 25}


def test_keys_are_always_text() -> None:
    assert data_of("1: a\ntrue: b\nnull: c\n12:30: d\n") == {"1": "a", "true": "b", "null": "c", "12:30": "d"}


def test_an_anchor_is_used_again_and_a_merge_key_adds_what_is_not_written_out() -> None:
    text = "a: &base {x: 1, y: 2}\nb:\n  <<: *base\n  y: 3\nc: *base\nd: {<<: [*base, {z: 9, x: 8}]}\n"
    data = data_of(text)
    assert data["b"] == {"x": 1, "y": 3}
    assert data["c"] == {"x": 1, "y": 2}
    assert data["d"] == {"x": 1, "y": 2, "z": 9}
