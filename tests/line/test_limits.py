"""`limits.cost`: the caller hears that the money is used up, the call ends, and nothing is dialled beyond it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.flow.model import Outcome

from .checks import nothing_was_sent, staff_was_told, until_sign
from .kit.call import CallFailed, Ending
from .reception import SUBJECT
from .rescue import connected, lose
from .visit import PAUSE_SECONDS, SILENCE_MARGIN, ring

if TYPE_CHECKING:
    from .kit.phone import Phone
    from .reception import Reception
    from .visit import Visit

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = """
name: limits
limits:
  cost:
    per_call: 2.00 EUR          # one answer, and one transfer with two minutes of talk
    minute: 0.04 EUR
    turn: 0.02 EUR
    forward_minute: 0.10 EUR
    message: 0.12 EUR
transfer:
  say:
    time_warning: Bitte beachten Sie, das Gespräch endet in einer Minute.
"""
MINUTE = 60.0
MARGIN = 6.0
"""Seconds by which a talk ends before a minute is over that is not paid."""


async def answered_by_the_model(visit: Visit, timeout: float = 15.0) -> None:
    """Wait until something was said after the caller's words, and is over."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        spans = await asyncio.to_thread(visit.calling.speech_spans, bridge=PAUSE_SECONDS)
        if (
            spans
            and spans[-1].start > visit.asked_at
            and visit.calling.audio().end - spans[-1].end > PAUSE_SECONDS
        ):
            return
        await asyncio.sleep(0.05)
    raise CallFailed(f"nothing was said within {timeout} s; {visit.calling!r}")


async def test_an_answer_that_cannot_be_paid_is_not_given_and_the_caller_hears_so_and_is_put_through_once(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    model = reception.loopback.openai.log
    visit = await ring(reception, caller_phone)
    await visit.greeted()
    await visit.ask(SUBJECT)
    await answered_by_the_model(visit)
    asked = len(model.of("chat"))
    assert asked >= 1
    await visit.ask(SUBJECT)
    told = await visit.hears("over_budget", since=visit.asked_at)
    leg = await staff.rings(15)
    visit.staff_rings(leg)
    leg.ring()
    notified = await visit.hears("notified", 20, since=told.at)
    assert (
        visit.longest_silence(visit.asked_at, notified.at)[0]
        <= reception.spec.limits.silence + SILENCE_MARGIN
    )
    await visit.hears("goodbye", since=notified.at)
    assert (await visit.calling.over(10)).how is Ending.REMOTE_HUNG_UP
    ended = await visit.ended()
    await staff_was_told(visit, ended, Outcome.RANG_OUT)
    assert len(ended.of("effect.Dial")) == 1
    assert len(model.of("chat")) == asked
    await visit.nothing_left(leg)


async def test_successors_find_the_paid_time_where_it_stands(
    reception: Reception, caller_phone: Phone
) -> None:
    budget = reception.plan.flow.budget
    assert budget is not None
    visit = await ring(reception, caller_phone)
    await visit.greeted()
    await (await lose(visit)).back("resumed")
    await (await lose(visit, epoch=1)).back("resumed")
    gone = time.monotonic() - visit.answered_at
    await visit.calling.hang_up()
    ended = await visit.ended()
    (resumed,) = ended.of("event.Resumed")
    (clock,) = [one for one in ended.of("effect.StartTimer") if one["data"]["name"] == "paid"]
    elapsed = resumed["data"]["elapsed"]
    assert 2 < elapsed < gone + 3
    assert clock["data"]["seconds"] == pytest.approx(budget.seconds - elapsed)
    await visit.nothing_left()


@pytest.mark.timeout(240)
async def test_a_talk_ends_with_the_money_after_a_warning_before_a_minute_begins_that_is_not_paid(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, leg = await connected(reception, caller_phone, staff)
    bridged = time.monotonic()
    for call in (visit.calling, leg):
        warning = await call.until_heard(reception.sentence("time_warning"), MINUTE + 15, since=bridged)
        assert MINUTE - MARGIN - 5 < warning.at - bridged < MINUTE - MARGIN + 5
    await until_sign(visit.calling, "staff")
    end = await visit.calling.over(MINUTE + 10)
    assert end.how is Ending.REMOTE_HUNG_UP
    assert 2 * MINUTE - MARGIN - 5 < end.at - bridged < 2 * MINUTE
    assert (await leg.over(2)).how is Ending.REMOTE_HUNG_UP
    ended = await visit.ended()
    assert ended.outcome == Outcome.ACCEPTED
    assert len(ended.of("effect.Dial")) == 1
    await nothing_was_sent(visit, ended)
    await visit.nothing_left(leg)
