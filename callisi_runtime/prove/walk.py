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
from callisi_runtime.prove.recall import Changes, Recall, apply, changes
from callisi_runtime.prove.world import World, carry_out, happen

Machine = Callable[[FlowPlan, CallState, on.Event], tuple[CallState, tuple[do.Effect, ...]]]
Node = tuple[CallState, World]

MAX_NODES = 100_000
"""More moments than any sound machine has: beyond, the walk is given up, and the proof says that calls never end."""
REPEATABLE = (on.TimerFired, on.Resumed, on.ModelUp, on.EarsUp, on.DetailGiven)
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

    def __init__(self) -> None:
        self.each: list[T] = []
        """The values, by their numbers."""

    def __missing__(self, value: T) -> int:
        self[value] = number = len(self.each)
        self.each.append(value)
        return number


class Here(NamedTuple):
    """A moment, its state and its world, each with its number."""

    number: int
    state: CallState
    state_number: int
    world: World
    world_number: int


class Reply(NamedTuple):
    """What the machine does about an event, in every state that agrees in what it has read."""

    something: bool
    """False: nothing changes, and nothing is to be done."""
    changes: Changes
    effects: tuple[do.Effect, ...]
    effects_number: int
    weighty: bool
    """The effects are such as a doubled event must not have."""


class Verdict(NamedTuple):
    """What a step does to the world, and the invariants that it breaks."""

    changes: Changes
    broken: tuple[str, ...]


Step = tuple[int, Phase, int]
"""What the world is judged by: the number of an event, the machine's phase after it, the number of its effects."""


class Coming(NamedTuple):
    """An event that may come in a world, with its number; `felt`: it changes the world."""

    number: int
    event: on.Event
    felt: bool
    once: bool
    """Its second coming is no new fact."""


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

    What the machine does about an event, and what a step does to the world, is recalled for all states and worlds
    that agree in what was read. The same state, and the same world, come in thousands of moments: they have numbers.
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
        self.reply = Recall(self._ask, CallState)
        """What the machine does in a state about an event, which is told by its number."""
        self.verdict = Recall(self._judge, World)
        """What a `Step` does to the world before it."""
        self.form = Recall(self._form, CallState, World)
        """What makes a moment its form."""
        self.known: dict[int, tuple[Coming, Coming]] = {}
        """Event, by its identity -> the same, felt and not felt."""
        self.coming: dict[World, list[Coming]] = {}
        """World -> the events that may come."""
        self.replies: dict[int, dict[int, Reply]] = {}
        """State -> event -> what the machine does about it."""
        self.verdicts: dict[tuple[int, Step], tuple[World, int, tuple[str, ...]]] = {}
        """World and step -> the world after it, with its number, and what the step breaks."""
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

    def _walk_on(self, number: int) -> None:
        state, world = self.graph.nodes[number]
        here = Here(number, state, self.states[state], world, self.worlds[world])
        coming = self.coming.get(world) or self._coming(world)
        replies = self.replies.setdefault(here.state_number, {})
        self.graph.transitions += len(coming)
        for one in coming:
            reply = replies.get(one.number)
            if reply is None:
                replies[one.number] = reply = self.reply(one.number, state)
            if reply.something or one.felt:
                self._step(here, one, reply)

    def _node(self, node: Node, edge: Edge | None) -> int:
        self.index[node] = number = len(self.graph.nodes)
        self.graph.nodes.append(node)
        self.graph.edges.append([])
        self.graph.found_by.append(edge)
        self.queue.append(number)
        return number

    def _find(self, node: Node, here: Here, one: Coming, effects: tuple[do.Effect, ...]) -> int:
        known = self.index.get(node)
        if known is not None:
            return known
        return self._node(node, Edge(here.number, len(self.graph.nodes), one.event, effects))

    def _coming(self, world: World) -> list[Coming]:
        self.coming[world] = coming = []
        for event in self.happenings.of(world):
            known = self.known.get(id(event)) or self._know(event)
            coming.append(known[happen(world, event) is not world])
        return coming

    def _know(self, event: on.Event) -> tuple[Coming, Coming]:
        number, once = self.events[event], not isinstance(event, REPEATABLE)
        self.known[id(event)] = both = (
            Coming(number, event, False, once),
            Coming(number, event, True, once),
        )
        return both

    def _ask(self, event_number: int, state: CallState) -> Reply:
        after, effects = self.machine(self.plan, state, self.events.each[event_number])
        written = changes(after)
        weighty = any(isinstance(effect, WEIGHTY) for effect in effects)
        return Reply(bool(written or effects), written, effects, self.effects[effects], weighty)

    def _step(self, here: Here, one: Coming, reply: Reply) -> None:
        state, state_number = here.state, here.state_number
        if reply.changes:
            state = apply(state, reply.changes)
            state_number = self.states[state]
        step = one.number, state.phase, reply.effects_number
        verdict = self.verdicts.get((here.world_number, step))
        world, world_number, broken = verdict or self._see(here, step)
        doubled = one.once and self._doubled(state, state_number, one)
        if broken or doubled:
            self._broken((*broken, "doubled") if doubled else broken, here, one, reply)
            return
        if state_number == here.state_number and world_number == here.world_number:
            target = here.number
        else:
            out = state_number, world_number
            target = self.forms.get(out, -1)
            if target < 0:
                inner, outer = self.form(None, state + world)
                form = apply(state, inner), apply(world, outer)
                self.forms[out] = target = self._find(form, here, one, reply.effects)
        if target != here.number or any(not isinstance(effect, do.Drop) for effect in reply.effects):
            self.graph.edges[here.number].append(Edge(here.number, target, one.event, reply.effects))

    def _broken(self, names: tuple[str, ...], here: Here, one: Coming, reply: Reply) -> None:
        for name in names:
            again = name == "doubled"
            self.graph.broken.setdefault(name, Broken(name, here.number, one.event, reply.effects, again))

    def _see(self, here: Here, step: Step) -> tuple[World, int, tuple[str, ...]]:
        written, broken = self.verdict(step, here.world)
        world = apply(here.world, written)
        self.verdicts[here.world_number, step] = seen = world, self.worlds[world], broken
        return seen

    def _judge(self, step: Step, world: World) -> Verdict:
        event_number, phase, effects_number = step
        event, effects = self.events.each[event_number], self.effects.each[effects_number]
        after, broken = judge(self.plan, self.sentences, event, phase, world, happen(world, event), effects)
        return Verdict(changes(after), tuple(broken))

    def _form(self, _: None, state: CallState, world: World) -> tuple[Changes, Changes]:
        inner, outer = canonical(self.plan, state, world)
        return changes(inner), changes(outer)

    def _doubled(self, after: CallState, number: int, one: Coming) -> bool:
        key = number, one.number
        doubled = self.doubles.get(key)
        if doubled is None:
            again = self.reply(one.number, after)
            changed = any(after[place] != value for place, value in again.changes)
            self.doubles[key] = doubled = changed or again.weighty
        return doubled


def judge(
    plan: FlowPlan,
    sentences: Mapping[str, str] | None,
    event: on.Event,
    phase: Phase,
    before: World,
    world: World,
    effects: tuple[do.Effect, ...],
) -> tuple[World, list[str]]:
    """Carry a step's effects out, and name the invariants it breaks.

    Args:
        plan: What the machine ran on.
        sentences: Key -> text, when every sentence must be one of them.
        event: What happened.
        phase: The machine's phase after the step.
        before: The world before the event.
        world: The world after the event, before the first effect.
        effects: What the machine asks for.

    Returns:
        The world after the step, and the names of the broken invariants, each once.
    """
    now = Moment(plan, sentences, event, phase, world, before, effects)
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
