"""Plays the calls, one after the other, each decided by the seed and its number alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from callisi_runtime.ledger import Ledger
from callisi_runtime.simulate.life import Defects, Life
from callisi_runtime.simulate.loop import VirtualLoop
from callisi_runtime.simulate.report import Finding, Report
from callisi_runtime.simulate.witness import Witness

if TYPE_CHECKING:
    from callisi_runtime.plan import CallPlan

BASE = 1_800_000_000.0
"""When the first call comes, in Unix seconds: a Friday in January."""
SLOT = 7 * 3600.0 + 61.0
"""From one call to the next; no multiple of an hour, so that calls come at all times of all days."""

PART = 20
"""Calls that a process is given at a time."""

Progress = Callable[[int], None]
"""Told how many calls have been played."""


@dataclass(frozen=True, slots=True)
class Task:
    """A part of a simulation: which calls of which seed."""

    seed: int
    numbers: range
    database: str | None = None
    """A ledger to use, empty; a file in a temporary folder when left out."""


def simulate(
    plan: CallPlan,
    calls: int,
    seed: int,
    *,
    database: str | None = None,
    only: int | None = None,
    jobs: int = 1,
    defects: Defects | None = None,
    progress: Progress | None = None,
) -> Report:
    """Play `calls` calls and report what went wrong.

    Args:
        plan: The agent.
        calls: How many.
        seed: The same seed plays the same calls, however many processes share them.
        database: A ledger to use, empty; then one process plays them all.
        only: The number of a single call to play.
        jobs: Processes that share the calls.
        defects: What is broken on purpose; for one process.
        progress: Told after each call how many are done; for one process, after each part for several.
    """
    began = time.perf_counter()
    if only is not None:
        report = play(plan, Task(seed, range(only, only + 1), database), defects)
    elif jobs > 1 and database is None and calls > PART:
        report = _shared(plan, calls, seed, jobs, progress)
    else:
        report = play(plan, Task(seed, range(calls), database), defects, progress)
    report.seconds = time.perf_counter() - began
    return report


def _shared(plan: CallPlan, calls: int, seed: int, jobs: int, progress: Progress | None) -> Report:
    """Several processes, each with a database of its own: calls never meet, so nothing changes."""
    report = Report(plan.spec.name, 0, seed)
    parts = [Task(seed, range(first, min(first + PART, calls))) for first in range(0, calls, PART)]
    # spawn: an interpreter that was forked would share what must be its own
    with ProcessPoolExecutor(jobs, get_context("spawn"), _prepare, (plan,)) as pool:
        for part in pool.map(_play_part, parts):
            report.add(part)
            if progress is not None:
                progress(report.calls)
    return report


_plan: CallPlan


def _prepare(plan: CallPlan) -> None:
    global _plan  # noqa: PLW0603  # what a worker process is given once
    _plan = plan


def _play_part(task: Task) -> Report:
    return play(_plan, task)


def play(
    plan: CallPlan, task: Task, defects: Defects | None = None, progress: Progress | None = None
) -> Report:
    """Play these calls in this process."""
    report = Report(plan.spec.name, len(task.numbers), task.seed)
    with contextlib.ExitStack() as stack:
        url = task.database or f"sqlite:///{stack.enter_context(temporary_folder())}/simulation.db"
        stumbles = stack.enter_context(watched_logs())
        stack.enter_context(restored_random())
        runner = stack.enter_context(asyncio.Runner(loop_factory=VirtualLoop))
        runner.run(_play(plan, report, replace(task, database=url), defects or Defects(), stumbles, progress))
    return report


async def _play(
    plan: CallPlan,
    report: Report,
    task: Task,
    defects: Defects,
    stumbles: list[str],
    progress: Progress | None,
) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    assert task.database is not None
    ledger = Ledger(task.database, clock=lambda: BASE + loop.time())
    await ledger.open()
    try:
        for number in task.numbers:
            await asyncio.sleep(max(0.0, number * SLOT - loop.time()))
            loop.rng = Random(f"{task.seed}:{number}:database")
            random.seed(f"{task.seed}:{number}:product")  # the product's own jitter
            stumbles.clear()
            witness = await _one(plan, ledger, report, number, defects)
            report.findings += witness.findings
            report.findings += [Finding("stumble", task.seed, number, what) for what in stumbles]
            report.story = witness.story
            if progress is not None:
                progress(number - task.numbers[0] + 1)
    finally:
        await ledger.close()


async def _one(plan: CallPlan, ledger: Ledger, report: Report, number: int, defects: Defects) -> Witness:
    witness = Witness(
        seed=report.seed,
        call=number,
        ledger=ledger,
        call_id=f"SCL_{report.seed}_{number:06}",
        at_once=plan.flow.at_once,
        has_channels=bool(plan.flow.channels),
    )
    life = Life(plan, ledger, Random(f"{report.seed}:{number}"), witness, defects)
    await life.run()
    report.counts += life.counts
    report.counts["messages"] += len(life.provider.messages)
    report.counts["dials"] += len(life.room.phones)
    report.counts["sentences"] += len(witness.sentences)
    report.counts["person took the call"] += witness.bridges > 0
    report.counts["caller wanted a person"] += witness.wishes > 0
    report.counts["late wish"] += witness.late_wishes > 0
    return witness


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """A folder in memory where there is one: a simulated crash loses no file, so nothing need reach a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="callisi-simulation-", dir=memory if memory.is_dir() else None
    ) as folder:
        yield folder


@contextlib.contextmanager
def watched_logs() -> Iterator[list[str]]:
    """Callisi's log goes nowhere; exceptions in it are kept."""
    stumbles: list[str] = []

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[0] is not None:
                stumbles.append(f"{record.getMessage()}: {record.exc_info[0].__name__}")

    logger, handler = logging.getLogger("callisi"), Watch()
    before = logger.propagate
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield stumbles
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


@contextlib.contextmanager
def restored_random() -> Iterator[None]:
    """The interpreter's own generator is as it was afterwards."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
