"""Several targets, one after the other; any key accepts; the agent comes back when the person hangs up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callisi_runtime.flow.model import Outcome

from .checks import nothing_was_sent, staff_was_told, until_sign, until_sound
from .kit.call import Ending
from .reception import NO_THANKS
from .visit import ring, ring_for, sign

if TYPE_CHECKING:
    from .kit.phone import Phone
    from .reception import Reception

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

FIRST, SECOND = "+493023125111", "+493023125112"
AGENT = f"""
name: in-order
transfer:
  to:
    - {{to: "{FIRST}", name: Empfang}}
    - {{to: "{SECOND}", name: Frau Weber, ring_timeout: 7}}
  accept: any_key
  after: return
"""


async def test_the_first_is_busy_and_the_second_takes_the_call_with_any_key(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, first = await ring_for(reception, caller_phone, staff)
    assert first.number == FIRST
    first.reject(486)
    second = await staff.rings(3)
    visit.staff_rings(second)
    assert second.number == SECOND
    second.background(sign("staff"))
    await second.answer()
    await until_sound(second)
    await second.press("5")
    await until_sign(visit.calling, "staff")
    assert not visit.heard("busy")
    await second.hang_up()
    visit.calling.background(None)
    await visit.hears("back")
    await visit.ask(NO_THANKS)
    assert (await visit.calling.over(10)).how is Ending.REMOTE_HUNG_UP
    assert visit.heard("goodbye")
    ended = await visit.ended()
    assert ended.outcome == Outcome.ACCEPTED
    await nothing_was_sent(visit, ended)
    await visit.nothing_left(first, second)


async def test_each_rings_as_long_as_its_own_line_says_and_then_staff_is_told(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, first = await ring_for(reception, caller_phone, staff)
    first.ring()
    second = await staff.rings(8)
    visit.staff_rings(second)
    second.ring()
    given_up = await first.over(1)
    assert given_up.at - first.began == pytest.approx(5, abs=0.5)
    assert second.began - given_up.at < 1.0
    assert (await second.over(9)).at - second.began == pytest.approx(7, abs=0.5)
    await visit.hears("notified")
    await visit.calling.hang_up()
    ended = await visit.ended()
    assert ended.outcome == Outcome.RANG_OUT
    await staff_was_told(visit, ended, Outcome.RANG_OUT)
    await visit.nothing_left(first, second)


async def test_key_2_declines_although_any_key_accepts(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, first = await ring_for(reception, caller_phone, staff)
    first.reject(603)
    second = await staff.rings(3)
    visit.staff_rings(second)
    await second.answer()
    await until_sound(second)
    await second.press("2")
    await visit.hears("no_answer")
    await visit.hears("notified")
    await visit.calling.hang_up()
    ended = await visit.ended()
    await staff_was_told(visit, ended, Outcome.DECLINED)
    await visit.nothing_left(first, second)


async def test_a_target_that_calls_is_not_rung_itself(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit = await ring(reception, caller_phone, caller=FIRST)
    await visit.greeted()
    await visit.ask()
    leg = await staff.rings(5)
    visit.staff_rings(leg)
    assert leg.number == SECOND
    leg.reject(486)
    await visit.hears("busy")
    await visit.hears("notified")
    await visit.calling.hang_up()
    await visit.ended()
    assert len(staff.calls) == 1
    await visit.nothing_left(leg)
