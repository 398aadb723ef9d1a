"""When to ask the provider about a message on its way, and when to try again."""

from __future__ import annotations

import random

POLLS = (2.0, 5.0, 10.0, 30.0, 120.0, 600.0)
"""Seconds after sending at which the provider is asked, until its word is final."""


def next_poll(elapsed: float, confirm: float) -> float:
    """Seconds until the next question, `elapsed` seconds after sending; the last one is at `confirm`."""
    elapsed = max(0.0, elapsed)
    moments = [moment for moment in POLLS if moment < confirm] + [confirm]
    later = [moment for moment in moments if moment > elapsed + 0.5]
    return (later[0] - elapsed) if later else 1.0


def overdue(elapsed: float, confirm: float) -> bool:
    """The last question has been asked."""
    return elapsed >= confirm - 0.5


def backoff(tries: int, base: float, cap: float) -> float:
    """Seconds before try number `tries` + 1: doubling, with jitter so that many do not come back at once."""
    return random.uniform(0.5, 1.0) * min(cap, base * 2.0**tries)
