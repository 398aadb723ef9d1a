"""The safety note: exactly one message stands behind a call at any moment, and never one too many."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy

from callisi_runtime.ledger import Ledger, Note
from callisi_runtime.ledger.values import safety_id

from .conftest import CALL, Clock, make_note

SAFETY = dataclasses.replace(make_note(), id=safety_id("call-1"), body={"texts": ["Gespräch unterbrochen"]})


def numbered(number: int) -> Note:
    return dataclasses.replace(make_note(), id=f"call-1:{number}")


@pytest.fixture(autouse=True)
async def begun(ledger: Ledger) -> None:
    await ledger.begin_call(CALL, SAFETY)


async def life(ledger: Ledger, phase: str = "conversing", note: Note = SAFETY, epoch: int = 0) -> None:
    await ledger.save_call("call-1", phase=phase, state={}, epoch=epoch, safety_note=note)


async def sent(ledger: Ledger, clock: Clock, after: float = 61) -> list[str]:
    """What goes out when the process dies now, and nobody goes on."""
    clock.advance(after)
    return sorted(row.note.id for row in await ledger.claim(9, lease=60))


async def test_a_call_that_dies_in_its_first_second_is_told_of(ledger: Ledger, clock: Clock) -> None:
    assert await sent(ledger, clock) == ["call-1:0"]


async def test_a_call_that_lives_is_not(ledger: Ledger, clock: Clock) -> None:
    for _ in range(10):
        clock.advance(50)
        await life(ledger)
        assert await ledger.claim(9, lease=60) == []
    assert await sent(ledger, clock) == ["call-1:0"]


async def test_what_the_caller_said_meanwhile_is_in_it(ledger: Ledger, clock: Clock) -> None:
    await life(ledger, note=dataclasses.replace(SAFETY, body={"texts": ["Anliegen: Termin"]}))
    clock.advance(61)
    (row,) = await ledger.claim(9, lease=60)
    assert row.note.body == {"texts": ["Anliegen: Termin"]}


@pytest.mark.parametrize("evidence", ["served", "withdrew", "accepted_by_person"])
async def test_a_promise_that_is_kept_needs_no_message(ledger: Ledger, clock: Clock, evidence: str) -> None:
    await ledger.close_obligation("call-1", evidence)
    await life(ledger, "closing")
    await life(ledger, "ended")
    assert await sent(ledger, clock) == []


async def test_while_somebody_is_dialled_only_the_transfers_own_message_waits(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.arm(numbered(1), due_in=40)
    await life(ledger, "connecting")
    assert await sent(ledger, clock) == ["call-1:1"]


async def test_a_sent_message_stands_in_for_the_rest_of_the_call(ledger: Ledger, clock: Clock) -> None:
    await ledger.arm(numbered(1), due_in=40)
    await ledger.settle("call-1", outcome="busy", send=True, note=numbered(1), body={"texts": []})
    await life(ledger)
    (row,) = await ledger.claim(9, lease=60)
    await ledger.taken(row, "SM1", poll_in=None)
    await life(ledger)
    await ledger.end_call("call-1", outcome="busy")
    assert await sent(ledger, clock) == []


async def test_a_withdrawn_transfer_gives_the_call_its_safety_note_back(ledger: Ledger, clock: Clock) -> None:
    await ledger.arm(numbered(1), due_in=40)
    await ledger.settle("call-1", outcome="caller_left", send=False, note=numbered(1))
    assert await sent(ledger, clock) == ["call-1:0"], (
        "in the same transaction, not with the next sign of life"
    )


async def test_a_person_who_took_the_call_leaves_nothing_to_send(ledger: Ledger, clock: Clock) -> None:
    await ledger.arm(numbered(1), due_in=40)
    await ledger.settle(
        "call-1", outcome="accepted", send=False, note=numbered(1), evidence="accepted_by_person"
    )
    await life(ledger, "connected")
    assert await sent(ledger, clock) == []


async def test_the_agent_has_the_caller_back_from_the_person(ledger: Ledger, clock: Clock) -> None:
    await ledger.settle("call-1", outcome="accepted", send=False, evidence="accepted_by_person")
    await life(ledger, "connected")
    await life(ledger, "conversing")
    assert await sent(ledger, clock) == ["call-1:0"]


async def test_and_says_goodbye(ledger: Ledger, clock: Clock) -> None:
    await ledger.settle("call-1", outcome="accepted", send=False, evidence="accepted_by_person")
    await life(ledger, "conversing")
    await life(ledger, "ended")
    await ledger.end_call("call-1", outcome="accepted")
    assert await sent(ledger, clock) == []


async def test_settling_one_message_leaves_another_alone(ledger: Ledger, clock: Clock) -> None:
    await ledger.arm(numbered(1), due_in=40)
    await ledger.settle("call-1", outcome="busy", send=True, note=numbered(1), body={"texts": ["besetzt"]})
    await ledger.arm(numbered(2), due_in=40)
    await ledger.settle("call-1", outcome="caller_left", send=False, note=numbered(2))
    assert await sent(ledger, clock) == ["call-1:1"]


async def test_a_call_that_ends_with_a_promise_and_no_message_is_told_of(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.end_call("call-1", outcome="lost")
    assert await sent(ledger, clock) == ["call-1:0"]


async def test_a_successor_that_has_not_seen_the_cancellation_arms_again(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.arm(numbered(1), due_in=40)
    await ledger.settle("call-1", outcome="caller_left", send=False, note=numbered(1))
    await ledger.arm(numbered(1), due_in=40)
    assert await sent(ledger, clock) == ["call-1:1"]


async def test_nor_does_a_message_stay_cancelled_that_a_successor_sends(ledger: Ledger, clock: Clock) -> None:
    await ledger.arm(numbered(1), due_in=40)
    await ledger.settle("call-1", outcome="caller_left", send=False, note=numbered(1))
    await ledger.settle("call-1", outcome="no_reply", send=True, note=numbered(1), body={"texts": []})
    assert await sent(ledger, clock) == ["call-1:1"]


async def test_what_a_person_took_over_is_not_sent_by_a_successor(ledger: Ledger, clock: Clock) -> None:
    await ledger.arm(numbered(1), due_in=40)
    await ledger.settle("call-1", outcome="accepted", send=False, evidence="accepted_by_person")
    await ledger.settle("call-1", outcome="no_reply", send=True, note=numbered(1), body={"texts": []})
    assert await sent(ledger, clock) == []


async def test_before_a_telephone_rings_one_transaction_writes_all_that_must_outlive_the_process(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.arm(numbered(1), due_in=40)
    commits = list[sqlalchemy.Connection]()
    sqlalchemy.event.listen(ledger._ready(), "commit", commits.append)
    clock.advance(30)
    await ledger.before_dial(numbered(2), due_in=40, phase="connecting", state={"leg": "human-1"}, epoch=0)
    assert len(commits) == 1, "each one waits for the disk, and the caller waits for each"
    assert await sent(ledger, clock, after=39) == []
    call = await ledger.call("call-1")
    assert call is not None
    assert (call.phase, call.state) == ("connecting", {"leg": "human-1"})
    assert await sent(ledger, clock, after=1) == ["call-1:1", "call-1:2"], "and the safety note rests"


async def test_before_the_second_dial_the_message_is_pushed_out_and_stays_one(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.before_dial(numbered(1), due_in=40)
    clock.advance(30)
    await ledger.before_dial(numbered(1), due_in=40)
    assert await sent(ledger, clock, after=39) == []
    assert await sent(ledger, clock, after=1) == ["call-1:1"]
    assert await sent(ledger, clock, after=1) == []


async def test_before_a_dial_a_message_that_was_cancelled_is_wanted_again(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.before_dial(numbered(1), due_in=40)
    await ledger.settle("call-1", outcome="caller_left", send=False, note=numbered(1))
    await ledger.before_dial(numbered(1), due_in=40)
    assert await sent(ledger, clock, after=41) == ["call-1:1"]


async def test_a_dial_of_a_call_that_a_person_took_arms_nothing_again(ledger: Ledger, clock: Clock) -> None:
    await ledger.before_dial(numbered(1), due_in=40)
    await ledger.settle("call-1", outcome="accepted", send=False, evidence="accepted_by_person")
    await ledger.before_dial(numbered(1), due_in=40)
    assert await sent(ledger, clock) == []


async def test_a_process_that_was_replaced_dials_without_touching_what_its_successor_knows(
    ledger: Ledger,
) -> None:
    await ledger.save_call("call-1", phase="conversing", state={"who": "new"}, epoch=1)
    await ledger.before_dial(numbered(1), due_in=40, phase="connecting", state={"who": "old"}, epoch=0)
    call = await ledger.call("call-1")
    assert call is not None
    assert (call.phase, call.state, call.epoch) == ("conversing", {"who": "new"}, 1)


async def test_a_process_that_was_replaced_shows_no_sign_of_life(ledger: Ledger, clock: Clock) -> None:
    await life(ledger, epoch=1)
    clock.advance(50)
    await life(ledger, epoch=0)
    assert await sent(ledger, clock, after=11) == ["call-1:0"]


async def test_a_message_that_has_gone_out_is_not_armed_again(ledger: Ledger, clock: Clock) -> None:
    clock.advance(61)
    (row,) = await ledger.claim(9, lease=60)
    await ledger.taken(row, "SM1", poll_in=None)
    await life(ledger)
    assert await sent(ledger, clock, after=1000) == []
