"""Whether the day has money for one more call, by a real ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callisi_runtime.call.funds import funds_of_the_day
from callisi_runtime.checks import load_agent
from callisi_runtime.ledger import CallRow, Ledger
from callisi_runtime.phone import normalise
from callisi_runtime.plan import CallFacts, CallPlan, make_plan
from callisi_runtime.settings import Settings

NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
AGENT = """\
extends: {variants}/forward_sms.yaml
name: clara
limits:
  cost:
    {{per_call: 4 EUR, per_day: 10 EUR, minute: 0.04 EUR, turn: 0.02 EUR, forward_minute: 0.10 EUR, message: 0.12 EUR}}
"""


@pytest.fixture
def plan(tmp_path: Path) -> CallPlan:
    path = tmp_path / "clara.yaml"
    path.write_text(AGENT.format(variants=Path("variants").resolve()), encoding="utf-8")
    return make_plan(load_agent(path, {}).value, Settings())


@pytest.fixture
async def ledger() -> AsyncIterator[Ledger]:
    made = Ledger("sqlite://", clock=NOON.timestamp)
    await made.open()
    yield made
    await made.close()


async def begin(ledger: Ledger, call_id: str, *, started: datetime = NOON, agent: str = "clara") -> CallFacts:
    await ledger.begin_call(CallRow(call_id, agent, None, started.timestamp(), "room"), None)
    return CallFacts(id=call_id, caller=normalise("anonymous"), started=started)


async def end(ledger: Ledger, call_id: str, **flow: int) -> None:
    await ledger.save_call(call_id, phase="ended", state={"flow": flow}, epoch=0)
    await ledger.end_call(call_id, outcome="served")


async def test_calls_that_go_on_count_as_a_whole(plan: CallPlan, ledger: Ledger) -> None:
    calls = [await begin(ledger, f"call-{number}") for number in range(3)]
    assert not await funds_of_the_day(plan, ledger, calls[2])  # 4 + 4 + 4 is more than 10


async def test_two_calls_may_go_on_at_once(plan: CallPlan, ledger: Ledger) -> None:
    calls = [await begin(ledger, f"call-{number}") for number in range(2)]
    assert [await funds_of_the_day(plan, ledger, call) for call in calls] == [True, True]


async def test_of_calls_that_begin_at_once_too_many_are_never_let_through(
    plan: CallPlan, ledger: Ledger
) -> None:
    calls = [await begin(ledger, f"call-{number}") for number in range(8)]
    assert sum([await funds_of_the_day(plan, ledger, call) for call in calls]) <= 2


async def test_a_call_that_is_over_counts_as_what_it_cost(plan: CallPlan, ledger: Ledger) -> None:
    for number in range(6):
        await begin(ledger, f"call-{number}")
        await end(ledger, f"call-{number}", paid=200_000, notes=0)
    # six times a minute, a message and 0.20 EUR: 2.16 EUR, and 4 EUR for this one
    assert await funds_of_the_day(plan, ledger, await begin(ledger, "now"))


async def test_a_call_whose_end_nobody_wrote_down_counts_as_a_whole(plan: CallPlan, ledger: Ledger) -> None:
    for number in range(2):
        await begin(ledger, f"call-{number}", started=NOON - timedelta(hours=3))
    assert not await funds_of_the_day(plan, ledger, await begin(ledger, "now"))


async def test_yesterday_and_other_agents_do_not_count(plan: CallPlan, ledger: Ledger) -> None:
    for number in range(5):
        await begin(ledger, f"other-{number}", agent="paula")
        await begin(ledger, f"before-{number}", started=NOON - timedelta(hours=13))
        await end(ledger, f"before-{number}", paid=9_000_000)
    assert await funds_of_the_day(plan, ledger, await begin(ledger, "now"))


async def test_a_ledger_that_cannot_be_read_refuses_nobody(plan: CallPlan, tmp_path: Path) -> None:
    broken = Ledger(f"sqlite:///{tmp_path}/nothing/there.db")
    facts = CallFacts(id="now", caller=normalise("anonymous"), started=NOON)
    assert await funds_of_the_day(plan, broken, facts)
    await broken.close()
