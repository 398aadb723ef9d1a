"""Log lines: one JSON object each, and no caller's number in any of them."""

from __future__ import annotations

import json
import logging
import os

import pytest

from callisi_runtime.live.logs import JsonLines, without_numbers


@pytest.mark.parametrize(
    "text",
    [
        "room call-_+491713920022_Ab3dE",
        "room call-_491713920022_Ab3dE",
        "dialled 0171 3920022 twice",
        "to +49 (30) 2312-5100.",
        "tel 0049301234567, then",
    ],
)
def test_what_looks_like_a_number_is_struck_out(text: str) -> None:
    assert "•••" in without_numbers(text)
    assert not any(digits in without_numbers(text) for digits in ("3920022", "2312", "1234567"))


@pytest.mark.parametrize(
    "text",
    [
        "SCL_8PTPt4LhvCzU",
        "2026-11-23T21:14:50",
        "127.0.0.1:7880",
        "after 12.25 s",
        "AJ_x1234567y",
        "404 of 1200",
    ],
)
def test_ids_times_and_addresses_stay(text: str) -> None:
    assert without_numbers(text) == text


def test_a_line_says_who_wrote_it_and_hides_numbers_in_traces() -> None:
    try:
        raise ValueError("cannot ring +491713920022")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("callisi.call", logging.ERROR, __file__, 1, "no %s", ("+491713920022",), info)
    line = json.loads(JsonLines().format(record))
    assert line["pid"] == os.getpid()
    assert line["message"] == "no •••"
    assert "3920022" not in line["trace"]
