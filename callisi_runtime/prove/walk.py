"""Walk every call: breadth first from the first ring, every event in every reachable moment."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import CallState, FlowPlan, Phase
from callisi_runtime.prove.canon import canonical
from callisi_runtime.prove.happenings import Happenings
from callisi_runtime.prove.invariants import EFFECT_CHECKS, STEP_CHECKS, Moment
from callisi_runtime.prove.world import World, carry_out, happen

Machine = Callable[[FlowPlan, CallState, on.Event], tuple[CallState, tuple[do.Effect, ...]]]
Node = tuple[CallState, World]

MAX_NODES = 100_000
"""More moments than any sound machine has: beyond, the walk is given up, and the proof says that calls never end."""
REPEATABLE = (on.TimerFired, on.Resumed, on.ModelUp, on.EarsUp)
"""Events whose second coming is a new fact."""
WEIGHTY = (
    do.Say,
    do.Dial,
    do.Refer,
    do.Bridge,
    do.Prompt,
    do.Arm,
    do.Settle,
    do.Deliver,
    do.Close,
    do.HangUp,
    do.Keep,
)
"""Effects that a doubled event must not have."""


class Edge(NamedTuple):
    """One step that changed something."""

    source: int
    target: int
    event: on.Event
    effects: tuple[do.Effect, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """The first step that breaks an invariant. `event`: None where the moment itself does. `again`: it came twice."""

    invariant: str
    node: int
    event: on.Event | None
    effects: tuple[do.Effect, ...]
    again: bool = False


@dataclass(slots=True)
class Graph:
    """All moments of all calls, in the order in which they were found: the shortest way first."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[list[Edge]] = field(default_factory=list)
    found_by: list[Edge | None] = field(default_factory=list)
    broken: dict[str, Broken] = field(default_factory=dict)
    transitions: int = 0
    """Steps tried, those included that changed nothing."""
    whole: bool = True
    """Every moment was walked on from."""


T = TypeVar("T")


class Numbers(dict[T, int], Generic[T]):
    """A number for each different value: where values are compared a million times, their numbers are."""

    def __missing__(self, value: T) -> int:
        self[value] = number = len(self)
        return number


class Reply(NamedTuple):
    """What the machine does about an event in a state; the numbers stand for `after` and `effects`."""

    after: CallState
    effects: tuple[do.Effect, ...]
    state_number: int
    effects_number: int


class Verdict(NamedTuple):
    """The world after a step, with its number, and the invariants that the step breaks."""

    world: World
    number: int
    broken: tuple[str, ...]


class Coming(NamedTuple):
    """An event that may come in a world, with its number, and the world after it; `felt`: it changes the world."""

    number: int
    event: on.Event
    outer: World
    felt: bool


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for cycles meanwhile: a proof makes none, and the search would take a quarter of its time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Walk:
    """One exploration.

    The same state, and the same world, come in thousands of moments: what the machine does about an event, what the
    event does to the world and what a step does to it is found out once, and kept under numbers.
    """

    def __init__(self, plan: FlowPlan, sentences: Mapping[str, str] | None, machine: Machine) -> None:
        self.plan = plan
        self.sentences = sentences
        self.machine = machine
        self.graph = Graph()
        self.index: dict[Node, int] = {}
        self.queue: deque[int] = deque()
        self.happenings = Happenings(plan)
        self.events: Numbers[on.Event] = Numbers()
        self.states: Numbers[CallState] = Numbers()
        self.worlds: Numbers[World] = Numbers()
        self.effects: Numbers[tuple[do.Effect, ...]] = Numbers()
        self.coming: dict[World, list[Coming]] = {}
        """World -> the events that may come, and the world after each."""
        self.replies: dict[CallState, dict[int, Reply | None]] = {}
        """State -> event -> what the machine did about it; None: nothing."""
        self.verdicts: dict[tuple[int, int, Phase, int], Verdict] = {}
        """World, event, phase after it and effects -> the world after the step, and what it breaks."""
        self.doubles: dict[tuple[int, int], bool] = {}
        """State after an event, and the event -> whether the same event changes something once more."""
        self.forms: dict[tuple[int, int], int] = {}
        """State and world as they came out of a step -> the moment that has their form."""

    def run(self) -> Graph:
        """Walk to the end. A moment behind a broken promise is not walked on from."""
        self._node(canonical(self.plan, CallState(), World()), None)
        with uncollected():
            while self.queue and len(self.graph.nodes) < MAX_NODES:
                self._walk_on(self.queue.popleft())
        self.graph.whole = not self.queue
        return self.graph

    def _walk_on(self, here: int) -> None:
        state, world = self.graph.nodes[here]
        coming, replies = self._coming(world), self.replies.setdefault(state, {})
        nothing = Reply(state, (), self.states[state], self.effects[()])
        world_number = self.worlds[world]
        self.graph.transitions += len(coming)
        for one in coming:
            if one.number in replies:
                reply = replies[one.number]
            else:
                replies[one.number] = reply = self._ask(state, one.event)
            if reply is not None or one.felt:
                self._step(here, nothing.state_number, world_number, one, reply or nothing)

    def _node(self, node: Node, edge: Edge | None) -> int:
        self.index[node] = number = len(self.graph.nodes)
        self.graph.nodes.append(node)
        self.graph.edges.append([])
        self.graph.found_by.append(edge)
        self.queue.append(number)
        return number

    def _find(self, node: Node, here: int, one: Coming, effects: tuple[do.Effect, ...]) -> int:
        known = self.index.get(node)
        if known is not None:
            return known
        return self._node(node, Edge(here, len(self.graph.nodes), one.event, effects))

    def _coming(self, world: World) -> list[Coming]:
        coming = self.coming.get(world)
        if coming is None:
            coming = self.coming[world] = [
                Coming(self.events[event], event, outer, outer is not world)
                for event in self.happenings.of(world)
                for outer in (happen(world, event),)
            ]
        return coming

    def _ask(self, state: CallState, event: on.Event) -> Reply | None:
        after, effects = self.machine(self.plan, state, event)
        if not effects and after is state:
            return None
        return Reply(after, effects, self.states[after], self.effects[effects])

    def _step(self, here: int, state_number: int, world_number: int, one: Coming, reply: Reply) -> None:
        verdict = self._judge(here, world_number, one, reply)
        doubled = not isinstance(one.event, REPEATABLE) and self._doubled(one, reply)
        if verdict.broken or doubled:
            for name in (*verdict.broken, "doubled") if doubled else verdict.broken:
                again = name == "doubled"
                self.graph.broken.setdefault(name, Broken(name, here, one.event, reply.effects, again))
            return
        if reply.state_number == state_number and verdict.number == world_number:
            target = here
        else:
            out = reply.state_number, verdict.number
            target = self.forms.get(out, -1)
            if target < 0:
                form = canonical(self.plan, reply.after, verdict.world)
                self.forms[out] = target = self._find(form, here, one, reply.effects)
        if target != here or any(not isinstance(effect, do.Drop) for effect in reply.effects):
            self.graph.edges[here].append(Edge(here, target, one.event, reply.effects))

    def _judge(self, here: int, world_number: int, one: Coming, reply: Reply) -> Verdict:
        key = world_number, one.number, reply.after.phase, reply.effects_number
        verdict = self.verdicts.get(key)
        if verdict is None:
            after, before = reply.after, self.graph.nodes[here][1]
            world, broken = judge(
                self.plan, self.sentences, one.event, after, before, one.outer, reply.effects
            )
            self.verdicts[key] = verdict = Verdict(world, self.worlds[world], tuple(broken))
        return verdict

    def _doubled(self, one: Coming, reply: Reply) -> bool:
        key = reply.state_number, one.number
        doubled = self.doubles.get(key)
        if doubled is None:
            again, effects = self.machine(self.plan, reply.after, one.event)
            doubled = again != reply.after or any(isinstance(effect, WEIGHTY) for effect in effects)
            self.doubles[key] = doubled
        return doubled


def judge(
    plan: FlowPlan,
    sentences: Mapping[str, str] | None,
    event: on.Event,
    after: CallState,
    before: World,
    world: World,
    effects: tuple[do.Effect, ...],
) -> tuple[World, list[str]]:
    """Carry a step's effects out, and name the invariants it breaks.

    Args:
        plan: What the machine ran on.
        sentences: Key -> text, when every sentence must be one of them.
        event: What happened.
        after: The machine's state after the step.
        before: The world before the event.
        world: The world after the event, before the first effect.
        effects: What the machine asks for.

    Returns:
        The world after the step, and the names of the broken invariants, each once.
    """
    now = Moment(plan, sentences, event, after.phase, world, before, effects)
    broken: list[str] = []
    for effect in effects:
        for name, allows in EFFECT_CHECKS.get(type(effect), ()):
            if not allows(now, effect):
                broken.append(name)
        now.world = carry_out(now.world, plan, effect)
    for name, holds in STEP_CHECKS:
        if not holds(now):
            broken.append(name)
    return now.world, list(dict.fromkeys(broken))
