"""When the provider is asked, and when a channel is tried again."""

from __future__ import annotations

import pytest

from callisi_runtime.notify.tracking import backoff, next_poll, overdue


@pytest.mark.parametrize(
    ("confirm", "asked"),
    [
        (600.0, [2, 5, 10, 30, 120, 600]),
        (60.0, [2, 5, 10, 30, 60]),
        (7.0, [2, 5, 7]),
        (1800.0, [2, 5, 10, 30, 120, 600, 1800]),
    ],
)
def test_the_provider_is_asked_ever_more_rarely_and_last_at_the_deadline(
    confirm: float, asked: list[float]
) -> None:
    elapsed, moments = 0.0, []
    while not overdue(elapsed, confirm):
        elapsed += next_poll(elapsed, confirm)
        moments.append(elapsed)
    assert moments == asked


def test_a_clock_set_back_does_not_confuse_the_questions() -> None:
    assert next_poll(-3600.0, 600.0) == 2.0


def test_waits_double_up_to_the_cap() -> None:
    for tries in range(20):
        longest = min(900.0, 2.0 * 2**tries)
        assert longest / 2 <= backoff(tries, 2.0, 900.0) <= longest
