"""While somebody talks, silence is not counted: the caller is neither nudged nor told that it still rings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callisi_runtime.call import CallRunner, NoBooks
from callisi_runtime.flow import Phase
from callisi_runtime.flow import events as on
from callisi_runtime.phone import normalise
from callisi_runtime.plan import CallFacts
from tests.rehearse.kit import plan_of

from .quiet import QuietHands

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Timer:
    at: float
    action: Callable[[], None]
    stopped: bool = False

    def cancel(self) -> None:
        self.stopped = True


@dataclass(slots=True)
class HandClock:
    """Time that is moved by hand."""

    time: float = 0.0
    timers: list[Timer] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def later(self, seconds: float, action: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.time + seconds, action))
        return self.timers[-1]

    async def pass_by(self, seconds: float) -> None:
        """Fire what is due, and let everything that follows happen."""
        end = self.time + seconds
        while due := [timer for timer in self.timers if timer.at <= end and not timer.stopped]:
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.time = first.at
            first.action()
            await settled()
        self.time = end


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def ringing(while_ringing: str) -> tuple[CallRunner, HandClock]:
    """A caller for whom it rings, three seconds between two words."""
    transfer = {"to": "+493023125111", "while_ringing": while_ringing, "word_every": 3, "ring_timeout": 60}
    clock = HandClock()
    facts = CallFacts(id="1", caller=normalise("+4915228817386"))
    runner = CallRunner(plan_of(transfer=transfer), facts, QuietHands(), NoBooks(), clock)
    runner.feed(on.Arrived(allowed=(0,)))
    await settled()
    runner.feed(on.PersonWanted())
    await settled()
    runner.feed(on.LegRinging("human-1"))
    await settled()
    assert runner.state.phase is Phase.CONNECTING
    return runner, clock


def reminders(runner: CallRunner) -> int:
    """How often the caller was told that it still rings."""
    return sum(
        entry.kind == "effect.Say" and entry.data == {"key": "still_ringing"}
        for entry in runner.record.timeline
    )


async def test_who_is_asked_while_it_rings_is_not_interrupted_by_a_reminder() -> None:
    runner, clock = await ringing("ask")
    runner.talking(True)
    await clock.pass_by(20)
    assert reminders(runner) == 0
    runner.talking(False)
    await clock.pass_by(2.9)
    assert reminders(runner) == 0
    await clock.pass_by(0.2)
    assert reminders(runner) == 1
    await runner.stop()


async def test_who_only_waits_is_told_whatever_sounds_in_the_background() -> None:
    runner, clock = await ringing("tone")
    runner.talking(True)
    await clock.pass_by(6.1)
    assert reminders(runner) == 2
    runner.talking(False)
    await clock.pass_by(3)
    assert reminders(runner) == 3
    await runner.stop()


async def test_a_model_that_fails_in_mid_talk_leaves_nobody_in_silence() -> None:
    runner, clock = await ringing("ask")
    runner.talking(True)
    runner.feed(on.ModelDown())
    runner.talking(False)
    await clock.pass_by(3.1)
    assert reminders(runner) == 1
    await runner.stop()
