"""Every path of the machine against the invariants: `prove(plan, sentences) -> Proof`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from callisi_runtime.flow.machine import step
from callisi_runtime.flow.model import FlowPlan
from callisi_runtime.prove import graph as whole
from callisi_runtime.prove.invariants import INVARIANTS, Invariant
from callisi_runtime.prove.sentences import TEXT_INVARIANTS, TextInvariant, faults
from callisi_runtime.prove.story import tell
from callisi_runtime.prove.walk import Graph, Machine, Walk, uncollected

__all__ = [
    "INVARIANTS",
    "TEXT_INVARIANTS",
    "Invariant",
    "Proof",
    "TextInvariant",
    "Violation",
    "prove",
    "prove_alike",
]


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise, with the shortest call that breaks it."""

    invariant: str
    """A key of `INVARIANTS` or of `TEXT_INVARIANTS`."""
    sentence: str
    """The promise, in words; for a text, what is wrong with it."""
    call: tuple[str, ...]
    """Numbered lines: who does or says what."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was walked, and what was found."""

    states: int
    """Moments that differ in what can follow."""
    transitions: int
    """Events tried in them, those included that change nothing."""
    paths: int
    """Different ways from the first ring to the end; moments that lead back to each other count as one."""
    violations: tuple[Violation, ...]

    def as_dict(self) -> dict[str, object]:
        """The proof as the JSON object that `--json` prints."""
        found = [
            {"invariant": one.invariant, "sentence": one.sentence, "call": list(one.call)}
            for one in self.violations
        ]
        return {
            "states": self.states,
            "transitions": self.transitions,
            "paths": self.paths,
            "violations": found,
        }


def prove(plan: FlowPlan, sentences: Mapping[str, str] | None = None, *, machine: Machine = step) -> Proof:
    """Walk every call that a plan makes possible, and check every invariant in every step.

    Args:
        plan: What the machine reads of the file.
        sentences: Key -> rendered text of everything that may be said; None: the texts are not judged.
        machine: The machine to be proven; tests plant defects here.

    Returns:
        One violation for each broken invariant, by the shortest call, in the order of `INVARIANTS`; then the texts'.
    """
    return prove_alike(plan, [sentences], machine=machine)[0]


def prove_alike(
    plan: FlowPlan, texts: Sequence[Mapping[str, str] | None], *, machine: Machine = step
) -> list[Proof]:
    """The proofs of files that differ in their words alone: the same keys, the same calls, walked once."""
    counted = plan.budget
    if counted is not None:
        plan = replace(plan, budget=replace(counted, exact=False))
    with uncollected():
        graph = Walk(plan, texts[0], machine).run()
        whole.check(graph)
        paths = whole.count_paths(graph)
        return [
            Proof(len(graph.nodes), graph.transitions, paths, violations(plan, graph, sentences))
            for sentences in texts
        ]


def violations(plan: FlowPlan, graph: Graph, sentences: Mapping[str, str] | None) -> tuple[Violation, ...]:
    """What was found, told in the words of one file."""
    found = [
        Violation(name, one.sentence, tell(graph, graph.broken[name], sentences))
        for name, one in INVARIANTS.items()
        if name in graph.broken
    ]
    for name, key, fault in faults(plan, sentences or {}):
        found.append(Violation(name, fault, said_in(graph, key, sentences or {})))
    return tuple(found)


def said_in(graph: Graph, key: str, sentences: Mapping[str, str]) -> tuple[str, ...]:
    """The shortest call in which a sentence is said; where none is, the sentence alone."""
    from callisi_runtime.flow.effects import Say
    from callisi_runtime.prove.walk import Broken

    for each in graph.edges:
        for edge in each:
            if Say(key) in edge.effects:
                return tell(graph, Broken(key, edge.source, edge.event, edge.effects), sentences)
    return (f" 1. agent: „{sentences[key]}“",)
