"""What only the graph of all calls can tell: whether every call ends, and how many ways it may go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import Phase
from callisi_runtime.flow.moves import PAID_TIME
from callisi_runtime.prove.walk import Broken, Edge, Graph


def components(onward: Sequence[Iterable[int]]) -> list[int]:
    """The strongly connected component of each node; a component's number is higher than those it leads to.

    Args:
        onward: For each node, those it leads to.


    Tarjan's algorithm without recursion.
    """
    size = len(onward)
    order, low, component = [-1] * size, [0] * size, [-1] * size
    stack: list[int] = []
    count = found = 0
    for root in range(size):
        if order[root] >= 0:
            continue
        order[root] = low[root] = count
        count += 1
        stack.append(root)
        work = [(root, iter(onward[root]))]
        while work:
            node, rest = work[-1]
            for nxt in rest:
                if order[nxt] < 0:
                    order[nxt] = low[nxt] = count
                    count += 1
                    stack.append(nxt)
                    work.append((nxt, iter(onward[nxt])))
                    break
                if component[nxt] < 0:
                    low[node] = min(low[node], order[nxt])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    while component[node] < 0:
                        component[stack.pop()] = found
                    found += 1
    return component


def endless(graph: Graph) -> Edge | None:
    """A step of a cycle that no timer ends, or None.

    A cycle ends when some timer runs in every moment of it and is started anew by no step of it: that timer runs
    out. A successor taking over (`Resumed`) is no part of a cycle: the watchdog counts it.
    """
    onward = [
        {edge.target for edge in each if not isinstance(edge.event, on.Resumed)} for each in graph.edges
    ]
    component = components(onward)
    inside: dict[int, list[Edge]] = {}
    for source, each in enumerate(graph.edges):
        if graph.nodes[source][1].over:
            continue
        for edge in each:
            if component[source] == component[edge.target] and not isinstance(edge.event, on.Resumed):
                inside.setdefault(component[source], []).append(edge)
    for cycle in inside.values():
        clocks = frozenset.intersection(*{graph.nodes[edge.source][1].timers for edge in cycle})
        asked = (effect for edge in cycle for effect in edge.effects)
        again = {effect.name for effect in asked if isinstance(effect, do.StartTimer)}
        if (
            not clocks - again - {PAID_TIME}
        ):  # calls end without it: it is the last net where time costs money
            return min(cycle, key=lambda edge: edge.source)
    return None


def no_way_out(graph: Graph) -> int | None:
    """The first moment from which no end can be reached, or None."""
    back: list[list[int]] = [[] for _ in graph.nodes]
    for source, each in enumerate(graph.edges):
        for target in {edge.target for edge in each}:
            back[target].append(source)
    ends = [number for number, (state, _) in enumerate(graph.nodes) if state.phase is Phase.ENDED]
    seen = set(ends)
    while ends:
        for source in back[ends.pop()]:
            if source not in seen:
                seen.add(source)
                ends.append(source)
    return next((number for number in range(len(graph.nodes)) if number not in seen), None)


def count_paths(graph: Graph) -> int:
    """How many ways a call may go from its first ring to its end, a repetition counted once.

    Moments that lead to each other are one; what is counted are the different chains of steps between such groups.
    """
    targets = [[edge.target for edge in each] for each in graph.edges]
    component = components([set(each) for each in targets])
    reached: list[list[int]] = [[] for _ in range(max(component) + 1)]
    for node, each in enumerate(targets):
        reached[component[node]] += [component[target] for target in each]
    ways = [0] * len(reached)
    for number, each in enumerate(reached):  # what leads back to itself counts nothing yet
        ways[number] = sum(map(ways.__getitem__, each)) or 1
    return ways[component[0]]


def check(graph: Graph) -> None:
    """Add what the graph tells to the broken invariants. Means something only where no step was broken."""
    if not graph.whole:
        graph.broken["ends"] = Broken("ends", len(graph.nodes) - 1, None, ())
        return
    edge = endless(graph)
    if edge is not None:
        graph.broken.setdefault("ends", Broken("ends", edge.source, edge.event, edge.effects))
    if graph.broken:
        return
    stuck = no_way_out(graph)
    if stuck is not None:
        graph.broken["way_out"] = Broken("way_out", stuck, None, ())


def way_to(graph: Graph, node: int) -> Sequence[Edge]:
    """The shortest way from the first ring to a moment."""
    steps: list[Edge] = []
    edge = graph.found_by[node]
    while edge is not None:
        steps.append(edge)
        edge = graph.found_by[edge.source]
    return steps[::-1]
