"""Several telephones ring at once, with music for the caller: the first who accepts has the call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.flow.model import Outcome

from .checks import nothing_was_sent, staff_was_told, until_sign
from .kit.call import Ending
from .rescue import until
from .visit import ring_for, sign, signs_of

if TYPE_CHECKING:
    from .kit.incoming import IncomingCall
    from .kit.phone import Phone
    from .reception import Reception
    from .visit import Visit

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = """
name: at-once
transfer:
  to: ["+493023125111", "+493023125112"]
  order: at_once
  while_ringing: music
"""


async def both_ring(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> tuple[Visit, IncomingCall, IncomingCall]:
    """A caller for whom both telephones ring."""
    visit, one = await ring_for(reception, caller_phone, staff)
    other = await staff.rings(2)
    visit.staff_rings(other)
    for leg in (one, other):
        leg.ring()
    assert one.number != other.number
    return visit, one, other


async def test_who_accepts_first_has_the_call_and_the_other_stops_ringing(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, one, other = await both_ring(reception, caller_phone, staff)
    await asyncio.sleep(3)
    silence, _ = visit.longest_silence(other.began + 0.5, other.began + 3)
    assert silence < 1.0, "the melody pauses"
    one.background(sign("staff"))
    await one.answer()
    await one.until_heard(reception.sentence("prompt"))
    await one.press("1")
    await until_sign(visit.calling, "staff")
    stopped = await other.over(1)
    assert stopped.how is Ending.CANCELLED
    await visit.calling.hang_up()
    await one.over(1)
    ended = await visit.ended()
    assert ended.outcome == Outcome.ACCEPTED
    await nothing_was_sent(visit, ended)
    await visit.nothing_left(one, other)


async def test_two_pick_up_and_the_key_decides(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, one, other = await both_ring(reception, caller_phone, staff)
    one.background(sign("mailbox"))
    other.background(sign("staff"))
    await until(visit, "line.gate_closed", times=2)  # no person is faster
    await asyncio.gather(one.answer(), other.answer())
    await asyncio.gather(*(leg.until_heard(reception.sentence("prompt")) for leg in (one, other)))
    await other.press("1")
    await until_sign(visit.calling, "staff")
    assert (await one.over(1)).how is Ending.REMOTE_HUNG_UP
    await asyncio.sleep(0.5)
    assert {span.name for span in signs_of(visit.calling.audio())} == {"staff"}
    assert not signs_of(one.audio())
    await other.hang_up()
    await visit.calling.over(1)
    assert (await visit.ended()).outcome == Outcome.ACCEPTED
    await visit.nothing_left(one, other)


async def test_one_is_busy_and_the_other_rings_on(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, one, other = await both_ring(reception, caller_phone, staff)
    one.reject(486)
    await asyncio.sleep(1)
    assert not other.ended.done()
    other.reject(486)
    await visit.hears("busy")
    await visit.hears("notified")
    await visit.calling.hang_up()
    ended = await visit.ended()
    await staff_was_told(visit, ended, Outcome.BUSY)
    await visit.nothing_left(one, other)


async def test_the_caller_leaves_and_both_stop(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, one, other = await both_ring(reception, caller_phone, staff)
    await visit.calling.hang_up()
    ends = await asyncio.gather(one.over(1), other.over(1))
    assert [end.how for end in ends] == [Ending.CANCELLED, Ending.CANCELLED]
    ended = await visit.ended()
    await staff_was_told(visit, ended, Outcome.CALLER_LEFT)
    await visit.nothing_left(one, other)
