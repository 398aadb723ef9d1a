"""Running scenarios: each as its own call, several at a time when there are many."""

from __future__ import annotations

import asyncio
import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from callisi_runtime.errors import CallisiError, UsageError
from callisi_runtime.phone import normalise
from callisi_runtime.plan import CallPlan, make_plan
from callisi_runtime.rehearse.document import document
from callisi_runtime.rehearse.providers import Providers
from callisi_runtime.rehearse.rehearsal import Cast, Rehearsal
from callisi_runtime.rehearse.scenario import Scenario
from callisi_runtime.rehearse.screen import TextScreen
from callisi_runtime.rehearse.script import play
from callisi_runtime.rehearse.staff import Staff
from callisi_runtime.rehearse.verdict import Difference, differences
from callisi_runtime.settings import Settings
from callisi_runtime.source import load, load_text
from callisi_runtime.spec import AgentSpec

FOR_ONE_PROCESS = 150
"""Scenarios that one process plays faster than a second one starts."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one scenario went, for one agent."""

    file: str
    agent: str
    title: str
    differences: tuple[str, ...] = ()
    timeline: str = ""
    """The call as it went, with the differences in their places."""
    error: str | None = None
    """Why it could not be played."""
    seconds: float = 0.0
    """Real seconds."""
    call: Mapping[str, object] = field(default_factory=dict)
    """As `callisi-run --json` prints it."""

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return self.error is None and not self.differences


def run_files(files: Sequence[Path], environ: Mapping[str, str], jobs: int | None = None) -> list[Result]:
    """Play every scenario, in the order of the files.

    Args:
        files: Scenario files.
        environ: The machine's variables.
        jobs: Processes; as many as are worth while when left out.
    """
    if jobs is None:
        jobs = min(os.cpu_count() or 1, 1 + len(files) // FOR_ONE_PROCESS)
    if jobs <= 1 or len(files) < 2:
        return [result for file in files for result in run_file(file, environ)]
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial
    from multiprocessing import get_context

    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        work = partial(run_file, environ=dict(environ))
        each = pool.map(work, files, chunksize=max(1, len(files) // (4 * jobs)))
        return [result for results in each for result in results]


def run_file(file: Path, environ: Mapping[str, str]) -> list[Result]:
    """Play one scenario with each of its agents."""
    try:
        scenario = load(file, Scenario, env=environ).value
    except CallisiError as error:
        return [Result(str(file), "", file.stem, error=str(error))]
    return [_run(file, scenario, agent, environ) for agent in scenario.agent]


def _run(file: Path, scenario: Scenario, agent: str, environ: Mapping[str, str]) -> Result:
    title = scenario.title or file.stem.replace("_", " ")
    began = time.perf_counter()
    try:
        plan = plan_of(file, scenario, agent, {**environ, **scenario.env})
        rehearsal, screen, error = asyncio.run(_play(plan, scenario))
    except CallisiError as problem:
        return Result(str(file), Path(agent).stem, title, error=str(problem))
    found = differences(scenario.expect, rehearsal)
    return Result(
        file=str(file),
        agent=Path(agent).stem,
        title=title,
        differences=tuple(one.expected for one in found),
        timeline=screen.marked(found),
        error=error,
        seconds=time.perf_counter() - began,
        call=document(rehearsal),
    )


async def _play(plan: CallPlan, scenario: Scenario) -> tuple[Rehearsal, MarkedScreen, str | None]:
    screen = MarkedScreen(plan.spec.display)
    rehearsal = Rehearsal(plan, cast_of(plan, scenario), screen)
    try:
        await play(rehearsal, scenario.call)
    except UsageError as error:  # an act that makes no sense at its place
        return rehearsal, screen, str(error)
    return rehearsal, screen, None


def plan_of(file: Path, scenario: Scenario, agent: str, environ: Mapping[str, str]) -> CallPlan:
    """The agent of a scenario, with what is different here."""
    if scenario.agent_with:
        text = json.dumps({"extends": agent, **scenario.agent_with}, ensure_ascii=False)
        spec = load_text(text, AgentSpec, name=f"{file} (with)", base=file.parent, env=environ).value
    else:
        spec = load(os.path.relpath(file.parent / agent), AgentSpec, env=environ).value
    return make_plan(spec, Settings.from_environ(environ))


def cast_of(plan: CallPlan, scenario: Scenario) -> Cast:
    """Who takes part."""
    zone = ZoneInfo(plan.spec.hours.timezone if plan.spec.hours else "Europe/Berlin")
    moment = datetime.fromisoformat(scenario.at)
    staff = Staff(scenario.staff[0])
    for index, behaviour in enumerate(scenario.staff[1:], start=2):
        staff.set(f"{index}={behaviour}")
    return Cast(
        caller=normalise("anonymous" if scenario.caller == "hidden" else scenario.caller),
        at=moment if moment.tzinfo else moment.replace(tzinfo=zone),
        staff=staff,
        providers=Providers({str(name): mode for name, mode in scenario.providers.items()}),
        funds=not scenario.day_used_up,
    )


class MarkedScreen(TextScreen):
    """Keeps the timeline, to show it with the differences in their places."""

    def __init__(self, agent: str) -> None:
        super().__init__(agent, io.StringIO(), colour=False)
        self.rows: list[tuple[float, str]] = []

    def _row(self, at: float, name: str, text: str, colour: str) -> None:
        self.rows.append((at, self.layout(at, name, text)))

    def marked(self, found: Sequence[Difference]) -> str:
        """The timeline; each difference below the last line of its moment."""
        lines: list[str] = []
        waiting = sorted((one for one in found if one.at is not None), key=lambda one: one.at or 0.0)
        for index, (_, row) in enumerate(self.rows):
            lines.append(row)
            following = self.rows[index + 1][0] if index + 1 < len(self.rows) else float("inf")
            while waiting and (waiting[0].at or 0.0) + 0.001 < following:
                lines.append(f">>>>>  {waiting.pop(0).expected}")
        lines += [f">>>>>  {one.expected}" for one in found if one.at is None]
        return "\n".join(lines)
