"""The network between a worker and LiveKit's server is gone for a while: no packet passes, neither side knows."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import psutil
import pytest
import pytest_asyncio

from callisi_runtime.flow.model import Outcome

from .checks import body_of, note_of
from .kit.lines import close_rooms
from .kit.net import BRIDGE, cut
from .reception import Reception
from .rescue import measured, until
from .visit import ring, ring_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from .kit.box import Box
    from .kit.phone import Phone

pytestmark = [pytest.mark.line("espeak-ng", "nft"), pytest.mark.asyncio(loop_scope="module")]

AGENT = "name: cut\nlimits: {caller_silence: 60}"
PORT = 7880


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reception(box: Box, run_folder: Path) -> AsyncIterator[Reception]:
    """A worker that reaches the server by another address than the SIP bridge does."""
    extra = {"LIVEKIT_URL": f"ws://{BRIDGE}:{PORT}"}
    async with Reception(box, run_folder, AGENT, extra=extra) as running:
        yield running
        await close_rooms(running.lk)


@contextlib.contextmanager
def cut_off(reception: Reception) -> Iterator[None]:
    """The worker's processes and the server do not hear each other."""
    ports: set[int] = set()
    for process in reception.worker.children():
        with contextlib.suppress(psutil.Error):
            ports |= {one.laddr.port for one in process.net_connections("udp")}
    with cut(BRIDGE, PORT, ports):
        yield


async def test_for_five_seconds_while_they_talk(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    with cut_off(reception):
        await asyncio.sleep(5)
    at = time.monotonic()
    await asyncio.sleep(8)
    assert visit.calling.up, repr(visit.calling)
    await visit.ask()
    leg = await staff.rings(40)
    measured(reception, understood_again=leg.began - at)
    await visit.calling.hang_up()
    await leg.over()
    await visit.nothing_left(leg)


async def test_for_a_minute_while_the_telephone_rings_and_staff_is_told_once(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, leg = await ring_for(reception, caller_phone, staff)
    leg.ring()
    await until(visit, "event.LegRinging")
    with cut_off(reception):
        await visit.message_body(timeout=45)
        await leg.over(20)
        await asyncio.sleep(30)
    at = time.monotonic()
    assert visit.calling.up, repr(visit.calling)
    back = await visit.hears("resumed", 40, since=at)
    measured(reception, back=back.at - at)
    await visit.calling.hang_up()
    ended = await visit.ended(30)
    row = await note_of(visit, ended)
    body_of(visit, row)
    assert (await visit.obligation(ended)).evidence in ("message_accepted", "message_delivered")
    assert ended.outcome in (Outcome.RANG_OUT, Outcome.NO_REPLY)
    await visit.nothing_left(leg)
