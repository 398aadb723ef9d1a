"""No call lasts longer than the time that is set aside for it: every course, with everything as late as it can be."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import NamedTuple

import pytest

from callisi_runtime.flow import CallState, FlowPlan, Phase, step
from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.longest import agent_minutes
from callisi_runtime.flow.model import Budget
from callisi_runtime.flow.moves import PAID_TIME
from callisi_runtime.prove.canon import canonical
from callisi_runtime.prove.happenings import GONE, Happenings
from callisi_runtime.prove.world import World, carry_out, happen

Timers = tuple[tuple[str, float], ...]
Node = tuple[CallState, World, Timers]
UNTIMED = (PAID_TIME, "word", "talk", "talk_end")
"""What never ends a call with the agent: the last net itself, words in between, and the talk with a person."""
IDLE = (on.Resumed, on.Arrived, on.ModelUp, on.EarsUp)
"""What makes no call longer: a successor finds the clock where it stands, and the rest changes nothing."""
MONEY = Budget(free=10**9, turn=0, leg=0, talk=1, seconds=10**6, tail=0.0, exact=False)

SHAPES = {
    "no channel": FlowPlan(ring_timeouts=(22,), accept_timeout=30, budget=MONEY),
    "no transfer": FlowPlan(channels=("sms",), ask_message=True, budget=MONEY),
    "both": FlowPlan(
        ring_timeouts=(22,), accept_timeout=30, channels=("sms",), then_hang_up=True, budget=MONEY
    ),
}


def after(timers: Timers, effects: tuple[do.Effect, ...], fired: str | None) -> Timers:
    """The timers that run, with the seconds that are left of each."""
    left = {name: seconds for name, seconds in timers if name != fired}
    for effect in effects:
        match effect:
            case do.StartTimer(name, seconds) if name not in UNTIMED:
                left[name] = seconds
            case do.StopTimer(name):
                left.pop(name, None)
    return tuple(sorted(left.items()))


class Step(NamedTuple):
    """What an event does in a moment, whatever the timers say."""

    fired: str | None
    effects: tuple[do.Effect, ...]
    state: CallState
    world: World
    names: dict[str, str]
    """The form has names of its own for telephones, and for their timers."""


def steps(plan: FlowPlan, happenings: Happenings, state: CallState, world: World) -> Iterator[Step]:
    """Every event that may come in a moment and changes something; of those that change the same, one."""
    seen = set()
    for event in happenings.of(world):
        if (isinstance(event, IDLE) and world.caller != "away") or getattr(event, "leg", None) == GONE:
            continue
        new, effects = step(plan, state, event)
        if new == state and not effects:
            continue
        outer = happen(world, event)
        for effect in effects:
            outer = carry_out(outer, plan, effect)
        form, around = canonical(plan, new, outer)
        names = {old.id: one.id for old, one in zip(new.legs, form.legs, strict=True) if old.id != one.id}
        clocks = tuple(one for one in effects if isinstance(one, do.StartTimer | do.StopTimer))
        fired = event.name if isinstance(event, on.TimerFired) else None
        if (fired, clocks, form, around) not in seen:
            seen.add((fired, clocks, form, around))
            yield Step(fired, clocks, form, around, names)


def longest(plan: FlowPlan) -> float:
    """Seconds that a caller can spend with the agent: events come at once, or just before the next timer."""
    happenings = Happenings(plan)
    known: dict[tuple[CallState, World], list[Step]] = {}
    start: Node = (CallState(), World(), ())
    best: dict[Node, float] = {start: 0.0}
    waiting, most = deque([start]), 0.0
    while waiting:
        node = waiting.popleft()
        (state, world, timers), spent = node, best[node]
        if world.over:
            most = max(most, spent)
            continue
        onward: list[tuple[Node, float]] = []
        due = min((seconds for _, seconds in timers), default=0.0)
        if due > 0:
            later = tuple((name, seconds - due) for name, seconds in timers)
            onward.append(((state, world, later), spent + due * (state.phase is not Phase.CONNECTED)))
        ready = {None, "talk", "talk_end", *(name for name, seconds in timers if seconds <= 0)}
        if (state, world) not in known:
            known[state, world] = list(steps(plan, happenings, state, world))
        for one in known[state, world]:
            if one.fired in ready:
                left = after(timers, one.effects, one.fired)
                if one.names:
                    left = tuple(sorted((renamed(name, one.names), seconds) for name, seconds in left))
                onward.append(((one.state, one.world, left), spent))
        for place, so_far in onward:
            if so_far > best.get(place, -1.0):
                best[place] = so_far
                waiting.append(place)
    return most


def renamed(name: str, names: dict[str, str]) -> str:
    kind, colon, leg = name.partition(":")
    return f"{kind}:{names.get(leg, leg)}" if colon else name


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SHAPES)
def test_no_course_of_a_call_lasts_longer_than_what_is_set_aside(name: str) -> None:
    plan = replace(SHAPES[name], call_seconds=60.0, patience=30.0, caller_silence=30.0)
    most = longest(plan)
    assert ceil(most / 60) <= agent_minutes(plan)
    assert most > agent_minutes(plan) * 60 * 0.5  # and not much more is set aside than what can happen
