"""Playing calls in tests: an agent file of the repository, and what came out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from callisi_runtime.phone import normalise
from callisi_runtime.plan import CallPlan, make_plan
from callisi_runtime.rehearse.document import document
from callisi_runtime.rehearse.providers import Providers
from callisi_runtime.rehearse.rehearsal import Cast, Rehearsal
from callisi_runtime.rehearse.screen import Screen
from callisi_runtime.rehearse.script import play
from callisi_runtime.rehearse.staff import parse_staff
from callisi_runtime.settings import Settings
from callisi_runtime.source import load, load_text
from callisi_runtime.spec import AgentSpec

ROOT = Path(__file__).parents[2]
MONDAY = datetime(2026, 11, 23, 14, 5, tzinfo=ZoneInfo("Europe/Berlin"))
CALLER = "+49 1522 8817386"
PERSON = "Ich möchte mit einem Menschen sprechen"


def plan_of(agent: str = "variants/forward_sms.yaml", **changes: Any) -> CallPlan:
    """An agent of the repository, with keys of its file changed."""
    if not changes:
        return make_plan(load(ROOT / agent, AgentSpec, env={}).value, Settings())
    import json

    text = json.dumps({"extends": agent, **changes})
    return make_plan(load_text(text, AgentSpec, base=ROOT, env={}).value, Settings())


def cast(
    *, caller: str = CALLER, staff: str = "no-answer", providers: Mapping[str, str] | None = None
) -> Cast:
    """Who takes part."""
    return Cast(normalise(caller), MONDAY, parse_staff([staff]), Providers(dict(providers or {})))


async def played(
    lines: Sequence[str], plan: CallPlan | None = None, screen: Screen | None = None, **who: Any
) -> Rehearsal:
    """A whole call."""
    rehearsal = Rehearsal(plan or plan_of(), cast(**who), screen)
    async with asyncio.timeout(30):
        await play(rehearsal, lines)
    return rehearsal


async def outcome_of(lines: Sequence[str], plan: CallPlan | None = None, **who: Any) -> dict[str, Any]:
    """A whole call as the JSON document."""
    return document(await played(lines, plan, **who))


def said(call: Mapping[str, Any], who: str = "agent") -> list[str]:
    """What one side said."""
    return [line["text"] for line in call["transcript"] if line["who"] == who]
