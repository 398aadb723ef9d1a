"""A call's process is killed, crashes or hangs, in every phase: the caller is served on, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.flow.model import Outcome

from .kit.call import Ending
from .reception import NO_THANKS
from .rescue import connected, lose, measured, taken, until, until_gone
from .visit import longest_silence, ring, ring_for, sign

if TYPE_CHECKING:
    from callisi_runtime.ledger.values import NoteRow

    from .kit.phone import Phone
    from .reception import Reception
    from .visit import Visit

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = "name: line"
HOW = pytest.mark.parametrize("how", ["killed", "hung"])
EVERY_WAY = pytest.mark.parametrize("how", ["killed", "crashed", "hung", "raised"])
STEADY = 17.0
"""Seconds after which LiveKit would have stopped a job that it takes for the dead one's."""
LONGEST_BREAK = 0.25
"""Seconds without the other's voice in a bridged conversation; without a rescue there is none longer than 0.06."""


async def one_message(visit: Visit, outcome: Outcome) -> None:
    """Staff got one message, and the promise is kept. Waits for the call's end first."""
    ended = await visit.ended(timeout=30)
    assert ended.outcome == outcome, ended.story()
    (row,) = await sent_notes(visit, ended.call_id)
    sent = [one for one in visit.reception.messages if row.note.reference in one.form["Body"]]
    assert len(sent) == 1
    assert row.accepted is not None
    assert (await visit.obligation(ended)).evidence == "message_accepted"


async def sent_notes(visit: Visit, call_id: str) -> list[NoteRow]:
    """What went out about a call; armed and cancelled messages do not count."""
    rows = await visit.reception.ledger.notifications(call_id=call_id)
    return [row for row in rows if row.sent is not None or row.accepted is not None]


async def told_the_truth(visit: Visit, lost_at: float) -> None:
    """The caller hears that we are back, that nobody answered, and that staff knows; in this order."""
    back = await visit.hears("resumed", 12, since=lost_at)
    visit.notes["back"] = back.at - lost_at
    no_answer = await visit.hears("no_answer", since=lost_at)
    notified = await visit.hears("notified", since=lost_at)
    assert back.at < no_answer.at < notified.at


@HOW
async def test_while_greeting(reception: Reception, caller_phone: Phone, staff: Phone, how: str) -> None:
    visit = await ring(reception, caller_phone)
    loss = await lose(visit, how)
    await loss.back("greeting")
    await until_gone(loss.pid)
    await visit.ask()
    leg = await staff.rings(15)
    await visit.calling.hang_up()
    assert (await leg.over()).how is Ending.CANCELLED
    await visit.nothing_left(leg)
    measured(reception, **visit.notes)


@EVERY_WAY
async def test_while_conversing(reception: Reception, caller_phone: Phone, staff: Phone, how: str) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    loss = await lose(visit, how)
    await loss.back("resumed")
    await until_gone(loss.pid)
    if how == "killed":
        await asyncio.sleep(STEADY)
    assert "epoch 2" not in reception.worker.log_tail(5)
    assert not visit.calling.audio().between(loss.at).find(reception.sentence("greeting"))
    await visit.ask()
    leg = await staff.rings(15)
    await visit.calling.hang_up()
    assert (await leg.over()).how is Ending.CANCELLED
    await one_message(visit, Outcome.CALLER_LEFT)
    await visit.nothing_left(leg)
    measured(reception, **visit.notes)


@pytest.mark.parametrize("how", ["killed", "hung", "raised"])
async def test_while_the_staff_telephone_rings(
    reception: Reception, caller_phone: Phone, staff: Phone, how: str
) -> None:
    visit, leg = await ring_for(reception, caller_phone, staff)
    leg.ring()
    await until(visit, "event.LegRinging")
    loss = await lose(visit, how)
    await told_the_truth(visit, loss.at)
    end = await leg.over()
    assert end.how is Ending.CANCELLED
    await visit.calling.hang_up()
    await one_message(visit, Outcome.NO_REPLY)
    await visit.nothing_left(leg)
    measured(reception, **visit.notes, telephone_stops=end.at - loss.at)


@HOW
async def test_while_the_person_hears_the_prompt(
    reception: Reception, caller_phone: Phone, staff: Phone, how: str
) -> None:
    visit, leg = await ring_for(reception, caller_phone, staff)
    leg.ring()
    await leg.answer()
    leg.background(sign("staff"))
    await leg.until_heard(reception.sentence("prompt"), 15)
    loss = await lose(visit, how)
    await told_the_truth(visit, loss.at)
    end = await leg.over()
    await visit.calling.hang_up()
    await one_message(visit, Outcome.NO_REPLY)
    await visit.nothing_left(leg)
    measured(reception, **visit.notes, telephone_stops=end.at - loss.at)


@pytest.mark.parametrize("how", ["killed", "hung", "raised"])
@pytest.mark.parametrize("first", ["caller", "staff"])
async def test_while_both_talk(
    reception: Reception, caller_phone: Phone, staff: Phone, how: str, first: str
) -> None:
    visit, leg = await connected(reception, caller_phone, staff)
    loss = await lose(visit, how)
    successor = await taken(reception, since=loss.at, epoch=1)
    await asyncio.sleep(1.5)
    now = time.monotonic()
    gaps = [longest_silence(call.audio().between(loss.at - 0.5, now)) for call in (visit.calling, leg)]
    breaks = [length for length, _ in gaps]
    measured(reception, caller_break_after=gaps[0][1] - loss.at, staff_break_after=gaps[1][1] - loss.at)
    measured(reception, caller_break=breaks[0], staff_break=breaks[1])
    leaves, stays = (visit.calling, leg) if first == "caller" else (leg, visit.calling)
    left_at = time.monotonic()
    await leaves.hang_up()
    end = await stays.over()
    ended = await visit.ended()
    assert ended.outcome == Outcome.ACCEPTED
    assert not await sent_notes(visit, ended.call_id)
    await visit.nothing_left(leg)
    measured(reception, taken=successor.at - loss.at, breaks=max(breaks), other_ends=end.at - left_at)
    assert max(breaks) <= LONGEST_BREAK


async def test_while_the_message_is_on_its_way(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    reception.loopback.twilio.faults.add("sms", "slow:2.5")
    visit, leg = await ring_for(reception, caller_phone, staff)
    leg.reject(486)
    await until(visit, "effect.Deliver")
    loss = await lose(visit)
    await loss.back("resumed")
    await visit.hears("trying", 20, since=loss.at)
    await visit.hears("notified", 90, since=loss.at)
    await visit.calling.hang_up()
    await one_message(visit, Outcome.BUSY)
    await visit.nothing_left(leg)
    measured(reception, **visit.notes)


@HOW
async def test_while_saying_goodbye(reception: Reception, caller_phone: Phone, how: str) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    await visit.ask(NO_THANKS)
    await until(visit, "effect.Say", key="goodbye")
    loss = await lose(visit, how)
    await loss.back("goodbye")
    end = await visit.calling.over(15)
    await visit.ended()
    await visit.nothing_left()
    measured(reception, **visit.notes, over=end.at - loss.at)


async def test_the_caller_hangs_up_while_nobody_has_the_call(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, leg = await ring_for(reception, caller_phone, staff)
    leg.ring()
    await until(visit, "event.LegRinging")
    loss = await lose(visit, "hung")
    await visit.calling.hang_up()
    end = await leg.over(15)
    assert end.how is Ending.CANCELLED
    await visit.nothing_left(leg)
    measured(reception, telephone_stops=end.at - loss.at)


async def test_a_short_sleep_is_no_loss(reception: Reception, caller_phone: Phone) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    process = await taken(reception, since=visit.began)
    os.kill(process.pid, signal.SIGSTOP)
    await asyncio.sleep(1.0)
    os.kill(process.pid, signal.SIGCONT)
    await visit.ask(NO_THANKS)
    await visit.calling.over(15)
    assert (await visit.ended()).outcome == "served"
    assert not visit.heard("resumed")
    await visit.nothing_left()
