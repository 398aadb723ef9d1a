"""Walk every call: breadth first from the first ring, every event in every reachable moment."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import CallState, FlowPlan
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


@dataclass(frozen=True, slots=True)
class Edge:
    """One step that changed something."""

    source: int
    target: int
    event: on.Event
    effects: tuple[do.Effect, ...]

    @property
    def started(self) -> frozenset[str]:
        """The timers that were started in this step."""
        return frozenset(effect.name for effect in self.effects if isinstance(effect, do.StartTimer))


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


class Walk:
    """One exploration."""

    def __init__(self, plan: FlowPlan, sentences: Mapping[str, str] | None, machine: Machine) -> None:
        self.plan = plan
        self.sentences = sentences
        self.machine = machine
        self.happenings = Happenings(plan)
        self.graph = Graph()
        self.index: dict[Node, int] = {}
        self.forms: dict[Node, int] = {}
        """Moments as they came out of a step -> the number of their form: most come again and again."""
        self.queue: deque[int] = deque()

    def run(self) -> Graph:
        """Walk to the end. A moment behind a broken promise is not walked on from."""
        collecting = gc.isenabled()
        gc.disable()  # nothing here is a cycle, and looking for some takes a quarter of the time
        try:
            self._walk()
        finally:
            if collecting:
                gc.enable()
        return self.graph

    def _walk(self) -> None:
        self._node(canonical(self.plan, CallState(), World()), None)
        while self.queue and len(self.graph.nodes) < MAX_NODES:
            here = self.queue.popleft()
            state, world = self.graph.nodes[here]
            for event in self.happenings.of(world):
                self._try(here, state, world, event)
        self.graph.whole = not self.queue

    def _node(self, node: Node, edge: Edge | None) -> int:
        self.index[node] = number = len(self.graph.nodes)
        self.graph.nodes.append(node)
        self.graph.edges.append([])
        self.graph.found_by.append(edge)
        self.queue.append(number)
        return number

    def _find(self, node: Node, here: int, event: on.Event, effects: tuple[do.Effect, ...]) -> int:
        known = self.index.get(node)
        return (
            known
            if known is not None
            else self._node(node, Edge(here, len(self.graph.nodes), event, effects))
        )

    def _try(self, here: int, state: CallState, world: World, event: on.Event) -> None:
        self.graph.transitions += 1
        after, effects = self.machine(self.plan, state, event)
        outer = happen(world, event)
        if not effects and after is state and outer is world:
            return
        outer, broken = judge(self.plan, self.sentences, event, after, world, outer, effects)
        if not isinstance(event, REPEATABLE) and self._doubled(after, event):
            broken.append("doubled")
        for name in broken:
            again = name == "doubled"
            self.graph.broken.setdefault(name, Broken(name, here, event, effects, again))
        if broken:
            return
        if after == state and outer == world:
            target = here
        else:
            target = self.forms.get((after, outer), -1)
            if target < 0:
                target = self._find(canonical(self.plan, after, outer), here, event, effects)
                self.forms[after, outer] = target
        if target != here or any(not isinstance(effect, do.Drop) for effect in effects):
            self.graph.edges[here].append(Edge(here, target, event, effects))

    def _doubled(self, after: CallState, event: on.Event) -> bool:
        again, effects = self.machine(self.plan, after, event)
        return again != after or any(isinstance(effect, WEIGHTY) for effect in effects)


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
