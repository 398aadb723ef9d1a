"""The walk without any of its short cuts, to hold the quick one against."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from callisi_runtime.flow import CallState, FlowPlan
from callisi_runtime.prove.canon import canonical
from callisi_runtime.prove.happenings import Happenings
from callisi_runtime.prove.walk import REPEATABLE, WEIGHTY, Machine, Node, judge
from callisi_runtime.prove.world import World, happen


class Found(NamedTuple):
    moments: list[Node]
    transitions: int
    broken: dict[str, int]
    """Invariant -> the first moment that breaks it."""


def walk(plan: FlowPlan, machine: Machine, *, forms: bool = True) -> Found:
    """Ask the machine about every event in every moment. `forms=False`: every moment counts, not only its form."""
    happenings = Happenings(plan)
    form = canonical if forms else lambda plan, state, world: (state, world)
    first = form(plan, CallState(), World())
    index, queue = {first: 0}, deque([first])
    broken: dict[str, int] = {}
    transitions = 0
    while queue:
        state, world = here = queue.popleft()
        for event in happenings.of(world):
            transitions += 1
            after, effects = machine(plan, state, event)
            found = happen(world, event)
            if not effects and after == state and found == world:
                continue
            onward, names = judge(plan, None, event, after.phase, world, found, effects)
            if not isinstance(event, REPEATABLE):
                again, more = machine(plan, after, event)
                if again != after or any(isinstance(effect, WEIGHTY) for effect in more):
                    names = [*names, "doubled"]
            for name in names:
                broken.setdefault(name, index[here])
            there = form(plan, after, onward)
            if not names and there not in index:
                index[there] = len(index)
                queue.append(there)
    return Found(list(index), transitions, broken)
