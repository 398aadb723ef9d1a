"""The outbox: who gets a message, when, and who must never get one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from callisi_runtime.ledger import Fault, Ledger, NoteRow

from .conftest import CALL, Clock, make_note

LEASE = 60.0


async def armed(ledger: Ledger, *channels: str, due_in: float = 30.0, **options: Any) -> str:
    note = make_note(*channels, **options)
    await ledger.begin_call(CALL)
    await ledger.arm(note, due_in=due_in)
    return note.id


async def sent(ledger: Ledger, *channels: str, **options: Any) -> NoteRow:
    """A claimed notification of a call that nobody took."""
    await armed(ledger, *channels, **options)
    await ledger.settle("call-1", outcome="no_answer", send=True)
    (row,) = await ledger.claim(5, lease=LEASE)
    return row


async def state(ledger: Ledger) -> tuple[str, int]:
    row = await ledger.notification("call-1:no_answer")
    assert row is not None
    return row.state, row.step


async def evidence(ledger: Ledger) -> str | None:
    (obligation,) = await ledger.obligations(open_only=False)
    return obligation.evidence


async def test_an_armed_message_waits_for_the_call(ledger: Ledger) -> None:
    await armed(ledger)
    assert await ledger.claim(5, lease=LEASE) == []


async def test_a_call_that_died_notifies_by_itself(ledger: Ledger, clock: Clock) -> None:
    note_id = await armed(ledger, due_in=30)
    clock.advance(30)
    (row,) = await ledger.claim(5, lease=LEASE)
    assert (row.note.id, row.state) == (note_id, "due")


async def test_a_call_that_a_person_took_never_notifies(ledger: Ledger, clock: Clock) -> None:
    await armed(ledger)
    await ledger.settle("call-1", outcome="answered", send=False, evidence="accepted_by_person")
    clock.advance(1e6)
    assert await ledger.claim(5, lease=LEASE) == []
    assert await state(ledger) == ("cancelled", 0)
    assert await evidence(ledger) == "accepted_by_person"


async def test_a_switch_that_fired_is_called_back_while_nobody_has_sent(ledger: Ledger, clock: Clock) -> None:
    await armed(ledger)
    clock.advance(31)
    (row,) = await ledger.claim(5, lease=LEASE)
    await ledger.again(row, Fault("busy"), wait=5, unknown=False)
    await ledger.settle("call-1", outcome="answered", send=False)
    clock.advance(1e6)
    assert await ledger.claim(5, lease=LEASE) == []


async def test_settling_sends_at_once_and_with_the_final_words(ledger: Ledger) -> None:
    await armed(ledger)
    await ledger.settle("call-1", outcome="busy", send=True, body={"texts": ["besetzt"]})
    (row,) = await ledger.claim(5, lease=LEASE)
    assert row.note.body == {"texts": ["besetzt"]}
    call = await ledger.call("call-1")
    assert call is not None
    assert call.outcome == "busy"


async def test_settling_after_the_switch_fired_makes_no_second_message(ledger: Ledger, clock: Clock) -> None:
    await armed(ledger)
    clock.advance(31)
    (row,) = await ledger.claim(5, lease=LEASE)
    await ledger.taken(row, "SM1", poll_in=None)
    await ledger.settle("call-1", outcome="no_answer", send=True)
    clock.advance(1e6)
    assert await ledger.claim(5, lease=LEASE) == []


async def test_settling_brings_its_own_message_when_arming_failed(ledger: Ledger) -> None:
    await ledger.begin_call(CALL)
    await ledger.settle("call-1", outcome="no_answer", send=True, note=make_note())
    assert len(await ledger.claim(5, lease=LEASE)) == 1


async def test_the_final_words_of_one_message_are_not_those_of_another(ledger: Ledger) -> None:
    await ledger.begin_call(CALL)
    first, second = (dataclasses.replace(make_note(), id=f"call-1:{number}") for number in (1, 2))
    for note in (first, second):
        await ledger.arm(note, due_in=30)
    await ledger.settle("call-1", outcome="busy", send=True, note=second, body={"texts": ["besetzt"]})
    (row,) = await ledger.claim(5, lease=LEASE)
    assert (row.note.id, row.note.body) == ("call-1:2", {"texts": ["besetzt"]})
    assert [row.state for row in await ledger.notifications() if row.note.id == "call-1:1"] == ["armed"]


async def test_arming_twice_is_arming_once(ledger: Ledger) -> None:
    await armed(ledger)
    await armed(ledger, "email")
    (row,) = await ledger.notifications()
    assert row.at.channel == "sms"


async def test_the_switch_is_pushed_out_while_the_next_person_is_dialled(
    ledger: Ledger, clock: Clock
) -> None:
    await armed(ledger, due_in=30)
    clock.advance(20)
    await ledger.postpone("call-1", due_in=30)
    clock.advance(20)
    assert await ledger.claim(5, lease=LEASE) == []
    clock.advance(10)
    assert len(await ledger.claim(5, lease=LEASE)) == 1


async def test_nobody_else_gets_a_claimed_message_until_its_lease_ends(ledger: Ledger, clock: Clock) -> None:
    row = await sent(ledger)
    assert (row.open, row.doubt) == (True, False)
    clock.advance(LEASE - 1)
    assert await ledger.claim(5, lease=LEASE) == []
    clock.advance(1)
    (again,) = await ledger.claim(5, lease=LEASE)
    assert again.doubt, "the first sender may have sent it: whoever comes next must look"


async def test_a_sender_that_wakes_up_late_records_nothing(ledger: Ledger, clock: Clock) -> None:
    frozen = await sent(ledger, "sms", "email")
    clock.advance(LEASE)
    (other,) = await ledger.claim(5, lease=LEASE)
    assert await ledger.taken(other, "SM2", poll_in=None)
    assert not await ledger.onward(frozen, "sms: refused", "rejected")
    assert not await ledger.taken(frozen, "SM1", poll_in=None)
    assert await state(ledger) == ("done", 0)
    assert [attempt.info for attempt in await ledger.attempts(other.note.id)] == ["SM2"]


async def test_a_known_failure_leaves_no_doubt(ledger: Ledger, clock: Clock) -> None:
    row = await sent(ledger)
    await ledger.again(row, Fault("429"), wait=5, unknown=False)
    clock.advance(5)
    (again,) = await ledger.claim(5, lease=LEASE)
    assert (again.doubt, again.tries) == (False, 1)


async def test_an_unknown_end_leaves_doubt(ledger: Ledger, clock: Clock) -> None:
    row = await sent(ledger)
    await ledger.again(row, Fault("timeout"), wait=5, unknown=True)
    clock.advance(5)
    (again,) = await ledger.claim(5, lease=LEASE)
    assert again.doubt


async def test_tries_used_up_go_to_the_next_channel_then_to_the_dead(ledger: Ledger) -> None:
    row = await sent(ledger, "sms", "email", tries=1)
    await ledger.again(row, Fault("503"), wait=5, unknown=True)
    assert await state(ledger) == ("due", 1)
    (row,) = await ledger.claim(5, lease=LEASE)
    assert (row.tries, row.doubt, row.at.channel) == (0, False, "email")
    await ledger.again(row, Fault("503"), wait=5, unknown=True)
    assert await state(ledger) == ("dead", 1)
    assert [row.error for row in await ledger.notifications(dead=True)] == ["503"]


async def test_accepted_is_enough_where_the_file_says_sent(ledger: Ledger) -> None:
    row = await sent(ledger, accept="sent")
    await ledger.taken(row, "SM1", poll_in=2)
    assert await state(ledger) == ("waiting", 0)
    assert await evidence(ledger) == "message_accepted"


async def test_accepted_is_not_enough_where_the_file_says_delivered(ledger: Ledger, clock: Clock) -> None:
    row = await sent(ledger, accept="delivered")
    await ledger.taken(row, "SM1", poll_in=2)
    assert await evidence(ledger) is None
    clock.advance(2)
    (row,) = await ledger.claim(5, lease=LEASE)
    assert (row.state, row.open) == ("waiting", False)
    await ledger.arrived(row, "delivered")
    assert await state(ledger) == ("done", 0)
    assert await evidence(ledger) == "message_delivered"


async def test_a_promise_kept_by_a_lost_message_is_open_again(ledger: Ledger, clock: Clock) -> None:
    row = await sent(ledger, "sms", "email", accept="sent")
    await ledger.taken(row, "SM1", poll_in=2)
    clock.advance(2)
    (row,) = await ledger.claim(5, lease=LEASE)
    await ledger.lost(row, Fault("sms: undelivered"))
    assert await state(ledger) == ("due", 1)
    assert await evidence(ledger) is None
    assert [obligation.call_id for obligation in await ledger.obligations()] == ["call-1"]


async def test_a_lost_message_is_sent_again_on_the_same_channel_where_that_may_help(
    ledger: Ledger, clock: Clock
) -> None:
    row = await sent(ledger, "sms", "email")
    for expected in [("due", 0), ("due", 1)]:
        await ledger.taken(row, "SM1", poll_in=2)
        clock.advance(2)
        (row,) = await ledger.claim(5, lease=LEASE)
        await ledger.lost(row, Fault("30003", again_after=60, times=1))
        assert await state(ledger) == expected
        clock.advance(60)
        (row,) = await ledger.claim(5, lease=LEASE)


async def test_a_person_outranks_a_lost_message(ledger: Ledger, clock: Clock) -> None:
    row = await sent(ledger)
    await ledger.taken(row, "SM1", poll_in=2)
    await ledger.close_obligation("call-1", "served")
    clock.advance(2)
    (row,) = await ledger.claim(5, lease=LEASE)
    await ledger.lost(row, Fault("undelivered"))
    assert await evidence(ledger) == "served"


async def test_a_dead_letter_starts_over_once(ledger: Ledger) -> None:
    row = await sent(ledger, "sms", "email")
    await ledger.onward(row, "sms: 401", "rejected")
    (row,) = await ledger.claim(5, lease=LEASE)
    await ledger.onward(row, "email: 535", "rejected")
    assert await ledger.redrive(row.note.id)
    assert not await ledger.redrive(row.note.id)
    assert await state(ledger) == ("due", 0)
    history = [(attempt.step, attempt.what) for attempt in await ledger.attempts(row.note.id)]
    assert history == [(0, "rejected"), (1, "rejected"), (0, "redriven")]


async def test_a_clock_set_back_an_hour_delays_nothing(ledger: Ledger, clock: Clock) -> None:
    await armed(ledger, due_in=30)
    clock.advance(-3600)
    assert await ledger.claim(5, lease=LEASE) == [], "the person's telephone still rings"
    clock.advance(30)
    assert len(await ledger.claim(5, lease=LEASE)) == 1


@pytest.mark.parametrize("limit", [1, 3])
async def test_a_claim_takes_no_more_than_it_can_carry(ledger: Ledger, limit: int) -> None:
    for number in range(5):
        await ledger.arm(make_note(call_id=f"call-{number}"), due_in=0)
    assert len(await ledger.claim(limit, lease=LEASE)) == limit


async def test_one_message_is_claimed_by_name(ledger: Ledger) -> None:
    for number in range(3):
        await ledger.arm(make_note(call_id=f"call-{number}"), due_in=0)
    (row,) = await ledger.claim(5, lease=LEASE, note_id="call-2:no_answer")
    assert row.note.id == "call-2:no_answer"
