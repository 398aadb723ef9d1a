"""A callback that nobody takes over: it goes on to the next channel, and after the last one it is an alarm."""

from __future__ import annotations

import dataclasses

from callisi_runtime.ledger import Fault, Ledger, Receipt

from .conftest import CALL, Clock, make_note

AFTER = 900.0
NOTE = "call-1:no_answer"
FAULT = Fault("undelivered")


async def reached(ledger: Ledger, *channels: str) -> None:
    """The first channel's message has arrived, and nobody has answered it."""
    await ledger.begin_call(CALL)
    note = dataclasses.replace(make_note(*channels), escalate=AFTER)
    await ledger.settle("call-1", outcome="no_answer", send=True, note=note)
    await deliver(ledger)


async def deliver(ledger: Ledger, sid: str = "SM1") -> None:
    (row,) = await ledger.claim(5, lease=60)
    await ledger.taken(row, sid, poll_in=600)
    assert await ledger.apply_receipt(NOTE, row.step, Receipt("delivered", sid), FAULT) == "applied"


async def nobody_answers(ledger: Ledger, clock: Clock, after: float = AFTER) -> str | None:
    """What becomes of it when its time has passed."""
    clock.advance(after)
    rows = await ledger.claim(5, lease=60)
    return await ledger.unclaimed(rows[0]) if rows else None


async def standing(ledger: Ledger) -> tuple[str, int, str | None]:
    """State and step of the message, and what keeps the promise."""
    row = await ledger.notification(NOTE)
    (promise,) = await ledger.obligations(open_only=False)
    assert row is not None
    return row.state, row.step, promise.evidence


async def test_the_next_channel_is_told_and_the_promise_stays_kept(ledger: Ledger, clock: Clock) -> None:
    await reached(ledger, "sms", "email")
    assert await nobody_answers(ledger, clock) == "due"
    assert await standing(ledger) == ("due", 1, "message_delivered")


async def test_after_the_last_channel_it_is_dead_and_the_promise_is_open(
    ledger: Ledger, clock: Clock
) -> None:
    await reached(ledger)
    assert await nobody_answers(ledger, clock) == "dead"
    assert await standing(ledger) == ("dead", 0, None)
    health = await ledger.health()
    assert (health.dead, health.open_obligations) == (1, 1)
    assert [row.error for row in await ledger.notifications(dead=True)] == ["nobody took the callback over"]
    assert [entry.what for entry in await ledger.attempts(NOTE)] == ["sent", "delivered", "unclaimed"]


async def test_not_before_its_time(ledger: Ledger, clock: Clock) -> None:
    await reached(ledger)
    assert await nobody_answers(ledger, clock, AFTER - 1) is None
    assert await standing(ledger) == ("unclaimed", 0, "message_delivered")


async def test_without_a_time_to_escalate_a_message_that_arrived_is_the_end(
    ledger: Ledger, clock: Clock
) -> None:
    await ledger.begin_call(CALL)
    await ledger.settle("call-1", outcome="no_answer", send=True, note=make_note())
    await deliver(ledger)
    clock.advance(1e6)
    assert await ledger.claim(5, lease=60) == []
    assert await standing(ledger) == ("done", 0, "message_delivered")


async def test_whoever_takes_it_in_time_ends_it(ledger: Ledger, clock: Clock) -> None:
    await reached(ledger)
    await ledger.take_over("call-1", "Anna")
    assert await nobody_answers(ledger, clock) is None
    assert await standing(ledger) == ("done", 0, "message_delivered")


async def test_whoever_takes_it_late_ends_the_alarm(ledger: Ledger, clock: Clock) -> None:
    await reached(ledger)
    await nobody_answers(ledger, clock)
    assert await ledger.take_over("call-1", "Anna") == "claimed"
    assert await standing(ledger) == ("done", 0, "message_delivered")
    assert (await ledger.health()).dead == 0


async def test_what_is_handed_back_after_the_last_channel_is_an_alarm_again(
    ledger: Ledger, clock: Clock
) -> None:
    await reached(ledger)
    await ledger.take_over("call-1", "Anna")
    clock.advance(AFTER)
    await ledger.hand_back("call-1", "Anna")
    assert await standing(ledger) == ("unclaimed", 0, "message_delivered")
    assert await nobody_answers(ledger, clock) == "dead"


async def test_a_report_that_comes_late_does_not_end_the_alarm(ledger: Ledger, clock: Clock) -> None:
    await reached(ledger)
    await nobody_answers(ledger, clock)
    assert await ledger.apply_receipt(NOTE, 0, Receipt("read", "SM1"), FAULT) == "late"
    assert await standing(ledger) == ("dead", 0, None)


async def test_the_operator_sends_it_again(ledger: Ledger, clock: Clock) -> None:
    await reached(ledger)
    await nobody_answers(ledger, clock)
    assert await ledger.redrive(NOTE)
    await deliver(ledger, "SM2")
    assert await standing(ledger) == ("unclaimed", 0, "message_delivered")


async def test_a_sender_that_woke_up_late_raises_no_alarm(ledger: Ledger, clock: Clock) -> None:
    await reached(ledger)
    clock.advance(AFTER)
    (row,) = await ledger.claim(5, lease=60)
    await ledger.take_over("call-1", "Anna")
    assert await ledger.unclaimed(row) is None
    assert await standing(ledger) == ("done", 0, "message_delivered")
