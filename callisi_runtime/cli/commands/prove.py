"""Walk every course that a call of an agent can take, and check in each step what must always hold.

AGENT is a file, or a folder of them. A promise that a call can break is shown as the shortest such call.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import time
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callisi_runtime.cli.files import is_scenario, yaml_files
from callisi_runtime.cli.output import count, print_json
from callisi_runtime.errors import CallisiError, ExitCode

if TYPE_CHECKING:
    from callisi_runtime.flow import FlowPlan
    from callisi_runtime.prove import Proof


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi prove --help`."""
    parser.add_argument("agents", nargs="+", metavar="AGENT", help="an agent file, or a folder of them")


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when a file has a mistake, or a call can break a promise."""
    files = [path for path in yaml_files(args.agents) if not is_scenario(path)]
    if not files:
        raise CallisiError("there are only rehearsals here; `callisi test` runs them")
    proofs = {}
    began = time.perf_counter()
    for path, proof in prove_files(files):
        proofs[path] = proof
        if not args.json:
            print(as_text(path, proof, time.perf_counter() - began))
        began = time.perf_counter()
    if args.json:
        print_json(as_document({path: proofs[path] for path in files}))
    return ExitCode.USER_ERROR if any(proof.violations for proof in proofs.values()) else ExitCode.OK


def prove_files(paths: list[Path]) -> Iterator[tuple[Path, Proof]]:
    """Each file with its proof, as they are found; files that differ in their words alone share one walk.

    Raises:
        SpecError: a file with mistakes; nothing has been proven then.
    """
    alike: dict[Hashable, list[Path]] = {}
    work: dict[Hashable, tuple[FlowPlan, list[dict[str, str]]]] = {}
    for path in paths:
        plan, sentences = read(path)
        key = plan, frozenset(sentences)
        alike.setdefault(key, []).append(path)
        work.setdefault(key, (plan, []))[1].append(sentences)
    with contextlib.ExitStack() as stack:
        found: Iterable[list[Proof]]
        if len(work) == 1:
            found = map(prove_texts, work.values())
        else:
            from concurrent.futures import ProcessPoolExecutor

            workers = min(len(work), os.cpu_count() or 1)
            pool = ProcessPoolExecutor(
                workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_DFL)
            )
            found = stack.enter_context(pool).map(prove_texts, work.values())
        for each, proofs in zip(alike.values(), found, strict=True):
            yield from zip(each, proofs, strict=True)


def read(path: Path) -> tuple[FlowPlan, dict[str, str]]:
    """What the proof of one agent reads: the machine's plan, and every sentence by its key."""
    from callisi_runtime.checks import load_agent
    from callisi_runtime.plan import flow_plan
    from callisi_runtime.render import render_agent

    spec = load_agent(path).value
    return flow_plan(spec), {one.key: one.text for one in render_agent(spec).sentences}


def prove_texts(work: tuple[FlowPlan, list[dict[str, str]]]) -> list[Proof]:
    """The proofs of files of one plan."""
    from callisi_runtime.prove import prove_alike

    return prove_alike(*work)


def as_document(proofs: dict[Path, Proof]) -> dict[str, Any]:
    """The JSON document: the sums, and each agent by itself."""
    agents = [{"file": str(path), **proof.as_dict()} for path, proof in proofs.items()]
    violations = [
        {"file": one["file"], **violation}
        for one in agents
        for violation in one["violations"]  # type: ignore[attr-defined]  # a list, by `Proof.as_dict`
    ]
    return {
        "ok": not violations,
        "states": sum(proof.states for proof in proofs.values()),
        "transitions": sum(proof.transitions for proof in proofs.values()),
        "paths": sum(proof.paths for proof in proofs.values()),
        "violations": violations,
        "agents": agents,
    }


def as_text(path: Path, proof: Proof, seconds: float) -> str:
    """One line; below it, each violation as a telephone call."""
    found = count(len(proof.violations), "violation") if proof.violations else "no violation"
    walked = (
        f"{count(proof.states, 'state')}, {count(proof.transitions, 'transition')}, {proof.paths:.3g} paths"
    )
    lines = [f"{path}: {walked}, {found} ({seconds:.1f} s)"]
    for violation in proof.violations:
        lines += [
            "",
            f"  {violation.sentence} ({violation.invariant})",
            *(f"    {line}" for line in violation.call),
        ]
    return "\n".join(lines)
