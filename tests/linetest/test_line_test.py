"""`callisi line-test`, against a ledger that is written as a live call writes it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from callisi_runtime.flow import FlowPlan, Outcome
from callisi_runtime.ledger import CallRow, Ledger
from callisi_runtime.ledger.values import EventRow
from callisi_runtime.linetest import LineTest, Verdict, cases_for
from callisi_runtime.linetest.cases import ACCEPTED, MAILBOX, NO_ANSWER, Case

WITH_STAFF = FlowPlan(ring_timeouts=(25,), channels=("sms",))


async def ring(ledger: Ledger, *, outcome: Outcome, evidence: str | None, agent: str = "clara") -> None:
    """What a worker writes about one call with a transfer."""
    call = CallRow("SCL_1", agent, "+4915228817386", ledger.clock(), "call-1")
    await ledger.begin_call(call)
    await ledger.add_event(call.id, 1.0, "effect.Dial", {"leg": "human-1"})
    await ledger.add_event(call.id, 2.0, "effect.Settle", {"outcome": outcome.value})
    if evidence is not None:
        await ledger.close_obligation(call.id, evidence)
    await ledger.end_call(call.id, outcome=outcome.value)


async def judge(
    folder: Path, case: Case, *, outcome: Outcome, evidence: str | None
) -> tuple[Verdict, list[str]]:
    ledger = Ledger(f"sqlite:///{folder / 'ledger.db'}")
    await ledger.open()
    seen: list[EventRow] = []
    watching = asyncio.create_task(LineTest(ledger, "clara", seen.append).watch(case, 10.0))
    await asyncio.sleep(0)
    await ring(ledger, outcome=outcome, evidence=evidence)
    verdict = await watching
    await ledger.close()
    return verdict, [moment.kind for moment in seen]


async def test_a_call_that_a_person_accepted_went_as_it_should(tmp_path: Path) -> None:
    verdict, seen = await judge(tmp_path, ACCEPTED, outcome=Outcome.ACCEPTED, evidence="accepted_by_person")
    assert verdict.right
    assert seen == ["effect.Dial", "effect.Settle"]


async def test_a_mailbox_that_got_the_call_is_told(tmp_path: Path) -> None:
    verdict, _ = await judge(tmp_path, MAILBOX, outcome=Outcome.ACCEPTED, evidence="accepted_by_person")
    assert not verdict.right
    assert "Mailbox" in verdict.problems[0]


async def test_a_caller_whose_message_reached_nobody_is_told(tmp_path: Path) -> None:
    verdict, _ = await judge(tmp_path, NO_ANSWER, outcome=Outcome.RANG_OUT, evidence=None)
    assert not verdict.right
    assert "open obligation" in verdict.problems[0]


async def test_a_call_that_never_comes_is_told_with_what_to_check(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    await ledger.open()
    verdict = await LineTest(ledger, "clara", lambda _: None).watch(ACCEPTED, 0.4)
    await ledger.close()
    assert verdict.call is None
    assert "is the worker running" in verdict.problems[0]


@pytest.mark.parametrize(
    ("plan", "names"),
    [
        (FlowPlan(), ["greeting"]),
        (WITH_STAFF, ["greeting", "accepted", "no-answer", "mailbox", "declined", "hang-up"]),
        (replace(WITH_STAFF, accept="answer"), ["greeting", "accepted", "no-answer", "declined", "hang-up"]),
        (replace(WITH_STAFF, refer=True), ["greeting", "accepted"]),
    ],
)
def test_only_what_the_file_can_do_is_tried(plan: FlowPlan, names: list[str]) -> None:
    assert [case.name for case in cases_for(plan)] == names
