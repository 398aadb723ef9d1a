"""LiveKit's server or SIP bridge dies, or falls silent: the call goes on where it was, or ends for everybody."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

import pytest

from .rescue import connected, measured
from .visit import ring

if TYPE_CHECKING:
    from .kit.phone import Phone
    from .reception import Reception

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = "name: servers\nlimits: {caller_silence: 60}"


async def test_a_livekit_server_that_is_killed_and_comes_back_resumes_the_call(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    at = time.monotonic()
    await reception.box.restart("livekit", down=1.0)
    back = await visit.hears("resumed", 40, since=at)
    again = visit.calling.audio().between(at + 0.5).find(reception.sentence("greeting"))
    assert not again, "the caller was greeted twice"
    await asyncio.sleep(3)
    await visit.ask()
    leg = await staff.rings(20)
    await visit.calling.hang_up()
    await leg.over()
    await visit.nothing_left(leg)
    measured(reception, back=back.at - at)


@pytest.mark.parametrize("pause", [5, 60])
async def test_a_server_that_does_not_answer_for_a_while(
    reception: Reception, caller_phone: Phone, staff: Phone, pause: int
) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    server = reception.box.servers["livekit"]
    server.send(signal.SIGSTOP)
    await asyncio.sleep(pause)
    server.send(signal.SIGCONT)
    at = time.monotonic()
    await asyncio.sleep(8)
    assert visit.calling.up, repr(visit.calling)
    await visit.ask()
    leg = await staff.rings(40)
    measured(reception, understood_again=leg.began - at)
    await visit.calling.hang_up()
    await leg.over()
    await visit.nothing_left(leg)


async def test_a_bridge_that_is_killed_ends_the_call_in_the_books(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, leg = await connected(reception, caller_phone, staff)
    at = time.monotonic()
    await reception.box.restart("sip", down=0.5)
    ended = await visit.ended(60)
    measured(reception, known=time.monotonic() - at)
    assert ended.outcome == "accepted"
    for call in (visit.calling, leg):
        call.vanish()
    await visit.nothing_left(leg)
    other = await ring(reception, caller_phone)
    await other.hears("greeting")
    await other.calling.hang_up()
    await other.nothing_left()
