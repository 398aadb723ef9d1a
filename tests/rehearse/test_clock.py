from __future__ import annotations

import asyncio
from functools import partial

from callisi_runtime.rehearse.clock import VirtualClock


def test_time_stands_still_until_it_is_let_pass() -> None:
    clock = VirtualClock()
    clock.later(1.0, lambda: None)
    assert clock.now() == 0.0


def test_timers_fire_in_the_order_of_their_moments() -> None:
    clock = VirtualClock()
    fired: list[float] = []
    for seconds in (3.0, 1.0, 2.0):
        clock.later(seconds, lambda: fired.append(clock.now()))
    while clock.advance(10.0):
        pass
    assert fired == [1.0, 2.0, 3.0]
    assert clock.now() == 10.0


def test_timers_of_the_same_moment_fire_in_the_order_they_were_asked_for() -> None:
    clock = VirtualClock()
    fired: list[str] = []
    for name in "abc":
        clock.later(1.0, partial(fired.append, name))
    while clock.advance(1.0):
        pass
    assert fired == ["a", "b", "c"]


def test_a_timer_that_was_cancelled_never_fires() -> None:
    clock = VirtualClock()
    fired: list[str] = []
    clock.later(1.0, lambda: fired.append("no")).cancel()
    assert not clock.advance(5.0)
    assert fired == []


async def test_somebody_sleeps_until_time_has_passed() -> None:
    clock = VirtualClock()
    sleeping = asyncio.create_task(clock.sleep(5.0))
    await asyncio.sleep(0)
    clock.advance(4.9)
    await asyncio.sleep(0)
    assert not sleeping.done()
    clock.advance(5.0)
    await sleeping
