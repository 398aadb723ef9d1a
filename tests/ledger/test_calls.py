"""Calls and their obligations: known calls resume, promises close on evidence only."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.ledger import Health

from .conftest import CALL, Clock, make_note

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger


async def open_promises(ledger: Ledger) -> list[str]:
    return [obligation.call_id for obligation in await ledger.obligations()]


async def test_an_answered_call_is_a_promise_at_once(ledger: Ledger) -> None:
    assert await ledger.begin_call(CALL) is None
    assert await open_promises(ledger) == ["call-1"]


async def test_a_process_killed_right_after_the_answer_still_notifies(ledger: Ledger, clock: Clock) -> None:
    await ledger.begin_call(CALL, make_note(), due_in=60)
    clock.advance(50)
    await ledger.postpone("call-1", due_in=60)
    clock.advance(50)
    assert await ledger.claim(1, lease=60) == []
    clock.advance(10)
    assert len(await ledger.claim(1, lease=60)) == 1


async def test_the_operator_sees_what_waits(ledger: Ledger, clock: Clock) -> None:
    await ledger.begin_call(CALL, make_note(), due_in=60)
    clock.advance(75)
    assert await ledger.health() == Health(dead=0, open_obligations=1, overdue=15.0)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.onward(row, "refused", "rejected")
    assert await ledger.health() == Health(dead=1, open_obligations=1, overdue=0.0)


async def test_a_known_call_resumes_where_it_was(ledger: Ledger) -> None:
    await ledger.begin_call(CALL)
    await ledger.save_call("call-1", phase="connecting", state={"tries": [1, 2]}, epoch=1)
    known = await ledger.begin_call(dataclasses.replace(CALL, started=1_800_000_099.0))
    assert known == dataclasses.replace(CALL, phase="connecting", state={"tries": [1, 2]}, epoch=1)


async def test_a_process_that_lost_its_call_saves_nothing(ledger: Ledger) -> None:
    await ledger.begin_call(CALL)
    await ledger.save_call("call-1", phase="connecting", epoch=2)
    await ledger.save_call("call-1", phase="greeting", epoch=1)
    call = await ledger.call("call-1")
    assert call is not None
    assert (call.phase, call.epoch) == ("connecting", 2)


async def test_a_promise_closes_on_evidence_and_keeps_the_first(ledger: Ledger, clock: Clock) -> None:
    await ledger.begin_call(CALL)
    await ledger.close_obligation("call-1", "accepted_by_person")
    clock.advance(60)
    await ledger.close_obligation("call-1", "served")
    (obligation,) = await ledger.obligations(open_only=False)
    assert (obligation.evidence, obligation.closed) == ("accepted_by_person", CALL.started)


async def test_arrival_is_better_evidence_than_acceptance(ledger: Ledger) -> None:
    await ledger.begin_call(CALL)
    await ledger.close_obligation("call-1", "message_accepted")
    await ledger.close_obligation("call-1", "message_delivered")
    (obligation,) = await ledger.obligations(open_only=False)
    assert obligation.evidence == "message_delivered"


async def test_what_is_not_evidence_closes_nothing(ledger: Ledger) -> None:
    await ledger.begin_call(CALL)
    with pytest.raises(ValueError, match="not evidence: 'hung up'"):
        await ledger.close_obligation("call-1", "hung up")
    assert await open_promises(ledger) == ["call-1"]


async def test_ending_a_call_leaves_its_promise_open(ledger: Ledger) -> None:
    await ledger.begin_call(CALL)
    await ledger.end_call("call-1", outcome="caller_left", transcript=[{"role": "user", "text": "Grüß Gott"}])
    assert await open_promises(ledger) == ["call-1"]
    call = await ledger.call("call-1")
    assert call is not None
    assert (call.outcome, call.ended) == ("caller_left", CALL.started)
    assert call.transcript == [{"role": "user", "text": "Grüß Gott"}]


async def test_the_timeline_keeps_its_order(ledger: Ledger) -> None:
    await ledger.begin_call(CALL)
    for at, kind in [(3.0, "hung_up"), (1.0, "answered"), (1.0, "greeted")]:
        await ledger.add_event("call-1", at, kind, {"leg": "caller"})
    assert [event.kind for event in await ledger.timeline("call-1")] == ["answered", "greeted", "hung_up"]


async def test_calls_are_listed_newest_first_and_since(ledger: Ledger) -> None:
    for number in range(3):
        await ledger.begin_call(dataclasses.replace(CALL, id=f"call-{number}", started=100.0 + number))
    assert [call.id for call in await ledger.calls(since=101.0)] == ["call-2", "call-1"]


async def test_who_was_busy_lately_is_known_to_every_call_of_the_agent(ledger: Ledger, clock: Clock) -> None:
    await ledger.begin_call(dataclasses.replace(CALL, started=clock()))
    for at, kind, data in (
        (5.0, "effect.Dial", {"leg": "human-1", "target": 2}),
        (7.0, "event.LegFailed", {"leg": "human-1", "outcome": "busy"}),
        (8.0, "effect.Dial", {"leg": "human-2", "target": 0}),
        (9.0, "event.LegFailed", {"leg": "human-2", "outcome": "rang_out"}),
    ):
        await ledger.add_event("call-1", at, kind, data)
    clock.advance(60)
    assert await ledger.busy_targets(CALL.agent, 60) == {2}
    assert await ledger.busy_targets("another", 60) == set()
    assert await ledger.busy_targets(CALL.agent, 50) == set()
