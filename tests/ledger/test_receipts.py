"""Reports from providers: late, repeated and out-of-order ones change nothing."""

from __future__ import annotations

import random

import pytest

from callisi_runtime.ledger import Fault, Ledger, NoteRow, Receipt

from .conftest import CALL, Clock, make_note

NOTE = "call-1:no_answer"
LOST = Fault("sms: undelivered")


async def due(ledger: Ledger) -> NoteRow:
    await ledger.begin_call(CALL)
    await ledger.arm(make_note("sms", "email"), due_in=0)
    (row,) = await ledger.claim(1, lease=60)
    return row


async def waiting(ledger: Ledger) -> NoteRow:
    row = await due(ledger)
    await ledger.taken(row, "SM1", poll_in=600)
    return row


async def now(ledger: Ledger) -> tuple[str, int, str | None]:
    row = await ledger.notification(NOTE)
    assert row is not None
    return row.state, row.step, row.sid


async def test_arrival_ends_it(ledger: Ledger) -> None:
    await waiting(ledger)
    assert await ledger.apply_receipt(NOTE, 0, Receipt("delivered", "SM1"), LOST) == "applied"
    assert await now(ledger) == ("done", 0, "SM1")


async def test_a_repeated_report_is_counted_once(ledger: Ledger) -> None:
    await waiting(ledger)
    for expected in ["applied", "repeated", "repeated"]:
        assert await ledger.apply_receipt(NOTE, 0, Receipt("undelivered", "SM1", "30005"), LOST) == expected
    assert await now(ledger) == ("due", 1, None)


async def test_a_report_for_a_step_that_is_over_changes_nothing(ledger: Ledger) -> None:
    await waiting(ledger)
    await ledger.apply_receipt(NOTE, 0, Receipt("undelivered", "SM1"), LOST)
    assert await ledger.apply_receipt(NOTE, 0, Receipt("failed", "SM1"), LOST) == "late"
    assert await now(ledger) == ("due", 1, None)


async def test_a_report_for_nobody_is_unknown(ledger: Ledger) -> None:
    assert await ledger.apply_receipt("call-9:x", 0, Receipt("delivered", "SM1"), LOST) == "unknown"


async def test_a_report_before_the_send_is_recorded_repairs_it(ledger: Ledger, clock: Clock) -> None:
    row = await due(ledger)
    assert await ledger.apply_receipt(NOTE, 0, Receipt("sent", "SM1"), LOST) == "applied"
    assert await now(ledger) == ("waiting", 0, "SM1")
    assert not await ledger.taken(row, "SM1", poll_in=2), "the slow sender has nothing left to record"
    clock.advance(60)
    assert await ledger.claim(1, lease=60) == [], "and nobody sends it again"


async def test_a_report_about_an_older_message_of_the_same_step_is_late(ledger: Ledger) -> None:
    await waiting(ledger)
    assert await ledger.apply_receipt(NOTE, 0, Receipt("undelivered", "SM0"), LOST) == "late"
    assert await now(ledger) == ("waiting", 0, "SM1")


async def test_a_dead_letter_that_arrived_after_all_is_done(ledger: Ledger) -> None:
    await ledger.begin_call(CALL)
    await ledger.arm(make_note("sms"), due_in=0)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.taken(row, "SM1", poll_in=2)
    await ledger.apply_receipt(NOTE, 0, Receipt("undelivered", "SM1"), LOST)
    assert (await now(ledger))[0] == "dead"
    await ledger.apply_receipt(NOTE, 0, Receipt("delivered", "SM1"), LOST)
    assert (await now(ledger))[0] == "done"
    (obligation,) = await ledger.obligations(open_only=False)
    assert obligation.evidence == "message_delivered"


@pytest.mark.parametrize("seed", range(10))
async def test_order_and_repetition_do_not_matter(ledger: Ledger, seed: int) -> None:
    await waiting(ledger)
    reports = [Receipt(status, "SM1") for status in ["queued", "sending", "sent", "delivered", "read"]] * 2
    random.Random(seed).shuffle(reports)
    for report in reports:
        await ledger.apply_receipt(NOTE, 0, report, LOST)
    assert await now(ledger) == ("done", 0, "SM1")
