"""`mode: refer`: the carrier takes the call, or it does not and the caller is served on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.flow.model import Outcome

from .checks import staff_was_told
from .kit.call import Ending
from .kit.refer import referred, report
from .visit import FIRST_WORD, Visit, ring

if TYPE_CHECKING:
    from .kit.phone import Phone
    from .reception import Reception

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = """
name: refer
transfer: {mode: refer}
"""


async def ring_until_referred(reception: Reception, carrier: Phone, answer: int) -> Visit:
    """A caller whose carrier gets a REFER, and what it says to it at once."""
    visit = await ring(reception, carrier)
    await visit.greeted()
    await visit.ask()
    request = await referred(visit.calling)
    assert request["Refer-To"].strip("<>").startswith("tel:+493023125111")
    carrier.respond(visit.calling, request, answer)
    return visit


async def test_the_carrier_takes_the_call(reception: Reception, caller_phone: Phone) -> None:
    visit = await ring_until_referred(reception, caller_phone, 202)
    await report(visit.calling, 200, after=1.0)
    assert (await visit.calling.over(5)).how is Ending.REMOTE_HUNG_UP
    ended = await visit.ended()
    assert ended.outcome == Outcome.ACCEPTED
    assert not await reception.loopback.twilio.log.wait_for("sms", count=0)
    await visit.nothing_left()


@pytest.mark.parametrize(
    ("answer", "reported", "outcome", "sentence"),
    [
        (202, 486, Outcome.BUSY, "busy"),
        (202, 603, Outcome.DECLINED, "no_answer"),
        (405, None, Outcome.MISCONFIGURED, "no_answer"),
        (202, None, Outcome.NEVER_RANG, "no_answer"),
    ],
    ids=["486", "603", "405", "silence"],
)
async def test_it_does_not_and_the_caller_is_served_on(
    reception: Reception,
    caller_phone: Phone,
    answer: int,
    reported: int | None,
    outcome: Outcome,
    sentence: str,
) -> None:
    visit = await ring_until_referred(reception, caller_phone, answer)
    if reported is not None:
        await report(visit.calling, reported, after=1.0)
    said = await visit.hears(sentence, timeout=20)
    await visit.hears("notified")
    await asyncio.sleep(0.2)
    await visit.calling.hang_up()
    ended = await visit.ended()
    assert ended.outcome == outcome
    assert visit.first_word(said, visit.moment(ended, "event.LegFailed")) <= FIRST_WORD
    await staff_was_told(visit, ended, outcome)
    await visit.nothing_left()
