"""The rehearsal's telephone is held against the line: the same outcome tells the machine the same events."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from callisi_runtime.flow import Phase
from callisi_runtime.phone import normalise
from callisi_runtime.plan import make_plan
from callisi_runtime.rehearse.providers import Providers
from callisi_runtime.rehearse.rehearsal import Cast, Rehearsal
from callisi_runtime.rehearse.staff import parse_staff
from callisi_runtime.settings import Settings
from callisi_runtime.source import load_text
from callisi_runtime.spec import AgentSpec
from tests.line import golden

if TYPE_CHECKING:
    from collections.abc import Callable

AGENT = Path(golden.__file__).parent / "agents" / "line.yaml"
MONDAY = datetime(2026, 11, 23, 14, 5, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("case", "staff"),
    [
        ("486", "busy"),
        ("480", "unreachable"),
        ("603", "declined"),
        ("rings-out", "no-answer"),
        ("mailbox", "mailbox"),
        ("key-2", "refuses"),
    ],
)
async def test_nobody_takes_the_call(case: str, staff: str) -> None:
    await compare(case, staff, lambda call: call.runner.state.note == "accepted")


@pytest.mark.parametrize(
    ("case", "staff", "phase"),
    [
        ("caller-leaves-while-it-rings", "no-answer", Phase.CONNECTING),
        ("caller-leaves-during-the-prompt", "mailbox", Phase.ACCEPTING),
    ],
)
async def test_the_caller_leaves(case: str, staff: str, phase: Phase) -> None:
    await compare(case, staff, lambda call: call.runner.state.phase is phase and rings(call))


async def test_a_person_takes_the_call() -> None:
    await compare("accepted", "answers", lambda call: call.over)


def rings(call: Rehearsal) -> bool:
    """Whether some telephone rings, or was picked up."""
    return any(leg.state in ("ringing", "answered") for leg in call.runner.state.legs)


async def compare(case: str, staff: str, until: Callable[[Rehearsal], bool]) -> None:
    """Rehearse the recorded call; the caller hangs up when `until` says so."""
    if not golden.file_of(case).exists():
        pytest.skip(f"{case} has not been recorded on the line")
    # the rehearsed mailbox picks up later than the one on the line, where every second costs one
    text = json.dumps({"extends": AGENT.name, "transfer": {"ring_timeout": 20}})
    plan = make_plan(load_text(text, AgentSpec, base=AGENT.parent, env={}).value, Settings())
    cast = Cast(normalise("+491713920050"), MONDAY, parse_staff([staff]), Providers({}))
    call = Rehearsal(plan, cast)
    async with asyncio.timeout(20):
        await call.start()
        await call.say("Einen Mitarbeiter bitte")
        while not until(call):
            await call.run_until(call.clock.now() + 0.1)
        await call.hang_up()
        await call.finish()
    assert golden.events_of(asdict(entry) for entry in call.runner.record.timeline) == golden.read(case)
