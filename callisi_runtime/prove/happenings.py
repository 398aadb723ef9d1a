"""Everything that may happen next in a world: what is due, what fails, and what comes late, doubled or from nowhere."""

from __future__ import annotations

import math
from itertools import combinations

from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import FlowPlan, Outcome
from callisi_runtime.flow.moves import PAID_TIME
from callisi_runtime.prove.world import World

GONE = "human-0"
"""Stands for every telephone that was given up long ago."""
NEVER_DIALLED = (Outcome.INTERRUPTED, Outcome.OVER_BUDGET)
DIAL_OUTCOMES = tuple(outcome for outcome in Outcome if outcome not in NEVER_DIALLED)
TOO_LATE = on.Resumed(elapsed=math.inf)
"""A successor comes when the time that was paid is over."""
STALE_TIMERS = (
    "call",
    "quiet",
    "word",
    "patience",
    "talk",
    "talk_end",
    "end",
    PAID_TIME,
    f"ring:{GONE}",
    f"accept:{GONE}",
)
ALWAYS: tuple[on.Event, ...] = (
    on.PersonWanted(),
    on.Withdrawn(),
    on.CallerSpoke(),
    on.MessageGiven(),
    on.DetailGiven(),
    on.GoodbyeWanted(),
    on.KeyPressed("1"),
    on.KeyPressed("5"),
    on.ModelDown(),
    on.ModelUp(),
    on.EarsDown(),
    on.EarsUp(),
    on.CallerLeft(),
    on.Said("goodbye"),
    on.Said("connecting"),
    on.LegRinging(GONE),
    on.LegAnswered(GONE),
    on.LegFailed(GONE, Outcome.BUSY),
    on.LegLeft(GONE),
    on.KeyPressed("1", GONE),
    on.Arrived(),
    on.Resumed(),
)
"""What may come in any world, sense or no sense. Said of what is being said comes before, so that it is not doubled."""


MONEY: tuple[on.Event, ...] = (on.BudgetSpent(), on.BudgetSpent(dials=True), TOO_LATE)
NO_MORE_DIALS = on.DialsSpent()
"""What may come as well where money is counted: it runs out."""


class Happenings:
    """The events that a plan makes possible; each is made once, and shared."""

    def __init__(self, plan: FlowPlan) -> None:
        self.plan = plan
        self.timers = {name: on.TimerFired(name) for name in STALE_TIMERS}
        self.said: dict[tuple[str, bool], on.Said] = {}
        self.legs: dict[str, tuple[on.Event, ...]] = {}
        self.notes: dict[int, tuple[on.Event, ...]] = {}
        self.always = (*ALWAYS, *MONEY) if plan.budget is not None else ALWAYS
        self.arrivals = (*arrivals(plan), *(event for event in ALWAYS if not isinstance(event, on.Arrived)))

    def of(self, world: World) -> list[on.Event]:
        """Every event that may come in this world."""
        if world.caller == "away":
            return list(self.arrivals)
        events: list[on.Event] = [self._said(key) for key in world.speech]
        if world.unheard:
            events += [self._said(key, heard=False) for key in world.speech]
        for phone in world.phones:
            events += self._leg(phone.id)
        for number in range(max(1, world.number - 1), world.number + 1):
            events += self._note(number)
        for name in world.timers:
            if name not in self.timers:
                self.timers[name] = on.TimerFired(name)
            events.append(self.timers[name])
        events += [self.timers[name] for name in STALE_TIMERS if name not in world.timers]
        if self.plan.budget is not None and (world.phones or not world.greeted):
            events.append(NO_MORE_DIALS)
        events += self.always
        return events

    def _said(self, key: str, *, heard: bool = True) -> on.Said:
        if (key, heard) not in self.said:
            self.said[key, heard] = on.Said(key, heard)
        return self.said[key, heard]

    def _note(self, number: int) -> tuple[on.Event, ...]:
        if number not in self.notes:
            accepted = (on.NoteAccepted(number, kind) for kind in self.plan.channels[:1])
            self.notes[number] = (on.NoteFailed(number), *accepted)
        return self.notes[number]

    def _leg(self, leg: str) -> tuple[on.Event, ...]:
        if leg not in self.legs:
            self.legs[leg] = (
                on.LegRinging(leg),
                on.LegAnswered(leg),
                on.LegLeft(leg),
                *(on.LegFailed(leg, outcome) for outcome in DIAL_OUTCOMES),
                *(on.KeyPressed(key, leg) for key in "125"),
            )
        return self.legs[leg]


def arrivals(plan: FlowPlan) -> list[on.Arrived]:
    """Every caller: number shown or hidden, open or closed, each set of targets that may be dialled."""
    targets = range(len(plan.ring_timeouts))
    sets = [
        subset for size in range(len(plan.ring_timeouts), -1, -1) for subset in combinations(targets, size)
    ]
    return [
        on.Arrived(known, open_, allowed, funds)
        for known in (True, False)
        for open_ in (True, False)
        for allowed in sets
        for funds in ((True, False) if plan.budget is not None else (True,))
    ]
