"""What the watchdog does when a call's process dies, hangs, hands over or wakes up."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.live.watch_line import WatchLine
from callisi_runtime.loopback.telephones import Phone

from .watching import CALLER, ROOM, agent, call, hello, kennel, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from callisi_runtime.live.watchdog import Watchdog
    from callisi_runtime.loopback.livekit import LiveKitServer


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "watch.sock"


@pytest.fixture
async def place(socket: Path) -> AsyncIterator[tuple[Watchdog, LiveKitServer]]:
    async with kennel(socket) as (watchdog, livekit):
        livekit.rooms.join_caller(ROOM, CALLER)
        yield watchdog, livekit


Place = tuple["Watchdog", "LiveKitServer"]


async def test_a_stream_that_ends_without_a_goodbye_gets_a_successor(place: Place, socket: Path) -> None:
    watchdog, livekit = place
    line = await call(socket, 1)
    await line.abandon()
    (request, *_) = await livekit.log.wait_for("CreateDispatch")
    assert isinstance(request.body, dict)
    assert request.body["agent_name"] == "clara"
    assert json.loads(request.body["metadata"]) == {"callisi": {"epoch": 1}}
    successor = await call(socket, 2, epoch=1)
    await until(lambda: watchdog.calls[ROOM].pid == 2, "the successor is watched")
    await successor.bye()


async def test_a_goodbye_is_no_loss(place: Place, socket: Path) -> None:
    watchdog, livekit = place
    line = await call(socket, 1)
    await line.bye()
    await until(lambda: not watchdog.calls, "the call is forgotten")
    await asyncio.sleep(0.1)
    assert not livekit.log.of("CreateDispatch")


async def test_the_successor_gets_what_the_predecessor_saved(place: Place, socket: Path) -> None:
    line = await call(socket, 1)
    line.save({"call": "SCL_1", "n": 1})
    line.save({"call": "SCL_1", "n": 2})
    await line.abandon()
    await place[1].log.wait_for("CreateDispatch")
    successor = await call(socket, 2, epoch=1)
    assert successor.inherited == {"call": "SCL_1", "n": 2}
    assert successor.hello.epoch == 1
    await successor.bye()


async def test_a_first_process_inherits_nothing(place: Place, socket: Path) -> None:
    line = await call(socket, 1)
    assert line.inherited is None
    assert line.hello.epoch == 0
    await line.bye()


async def test_a_hung_process_is_killed_before_its_successor_is_sent(place: Place, socket: Path) -> None:
    hung = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
    reader, writer = await asyncio.open_unix_connection(socket)
    said = hello(hung.pid)
    writer.write(
        json.dumps({"hello": {name: getattr(said, name) for name in said.__slots__}}).encode() + b"\n"
    )
    await reader.readline()
    assert await asyncio.wait_for(hung.wait(), 10) == -9
    await place[1].log.wait_for("CreateDispatch")
    writer.close()


async def test_the_dispatch_is_made_anew_until_somebody_says_hello(place: Place, socket: Path) -> None:
    line = await call(socket, 1)
    await line.abandon()
    await place[1].log.wait_for("CreateDispatch", count=2)
    await place[1].log.wait_for("DeleteDispatch")
    successor = await call(socket, 2, epoch=1)
    await asyncio.sleep(0.5)
    assert len(place[1].log.of("CreateDispatch")) == 2
    await successor.bye()


async def test_a_rescue_that_comes_too_late_is_sent_away(place: Place, socket: Path) -> None:
    line = await call(socket, 1)
    await line.abandon()
    await place[1].log.wait_for("CreateDispatch")
    first, second = await call(socket, 2, epoch=1), await call(socket, 3, epoch=1)
    assert not first.superfluous
    assert second.superfluous
    assert place[0].calls[ROOM].pid == 2
    await first.bye()


async def test_a_restarted_server_may_send_a_second_process_of_the_same_epoch(
    place: Place, socket: Path
) -> None:
    first = await call(socket, 1, epoch=0)
    second = await call(socket, 2, epoch=0)
    assert second.hello.epoch == 1
    assert place[0].calls[ROOM].pid == 2
    await first.replaced()
    await asyncio.sleep(0.5)
    assert not place[1].log.of("CreateDispatch")
    await second.bye()


async def test_a_woken_predecessor_changes_nothing(place: Place, socket: Path) -> None:
    old = hello(1)
    line = WatchLine(socket, old)
    await line.open()
    successor = await call(socket, 2, epoch=1)
    woken = WatchLine(socket, old)
    await woken.open()
    assert place[0].calls[ROOM].pid == 2
    await woken.abandon()
    await line.abandon()
    await asyncio.sleep(0.2)
    assert not place[1].log.of("CreateDispatch")
    await successor.bye()


async def test_who_was_replaced_by_a_process_that_nobody_knows_gets_a_successor_after_all(
    place: Place, socket: Path
) -> None:
    line = await call(socket, 1)
    await line.replaced()
    await place[1].log.wait_for("CreateDispatch")


async def test_a_caller_who_hung_up_meanwhile_leaves_no_room(socket: Path) -> None:
    async with kennel(socket) as (watchdog, livekit):
        livekit.rooms.join(ROOM, agent("AJ_1", 0))
        line = await call(socket, 1)
        await line.abandon()
        await livekit.log.wait_for("DeleteRoom")
        await until(lambda: not watchdog.calls, "the call is forgotten")
        assert not livekit.log.of("CreateDispatch")


async def test_a_call_that_another_machine_took_is_left_to_it(place: Place, socket: Path) -> None:
    watchdog, livekit = place
    line = await call(socket, 1)
    await line.abandon()
    await livekit.log.wait_for("CreateDispatch")
    livekit.rooms.join(ROOM, agent("AJ_2", 1))
    await until(lambda: not watchdog.calls, "the call is forgotten")
    assert len(livekit.log.of("CreateDispatch")) == 1
    assert not livekit.log.of("DeleteRoom")


async def test_a_server_that_cannot_be_reached_is_asked_again(place: Place, socket: Path) -> None:
    place[1].faults.add("*", "drop", times=6)
    line = await call(socket, 1)
    await line.abandon()
    await place[1].log.wait_for("CreateDispatch", count=4)
    successor = await call(socket, 2, epoch=1)
    assert not place[1].log.of("DeleteRoom")
    await successor.bye()


async def test_when_nobody_comes_the_caller_goes_to_the_emergency_number(place: Place, socket: Path) -> None:
    livekit = place[1]
    livekit.telephones.will("+493023125112", Phone())
    line = await call(socket, 1, last_resort="+493023125112")
    await line.abandon()
    (request,) = await livekit.log.wait_for("TransferSIPParticipant")
    assert isinstance(request.body, dict)
    assert request.body["transfer_to"] == "tel:+493023125112"
    assert len(livekit.log.of("CreateDispatch")) == 3


async def test_without_an_emergency_number_the_silence_is_ended(place: Place, socket: Path) -> None:
    line = await call(socket, 1)
    await line.abandon()
    await place[1].log.wait_for("DeleteRoom")
    assert not place[1].log.of("TransferSIPParticipant")


async def test_a_call_that_kills_every_process_is_given_up(place: Place, socket: Path) -> None:
    for epoch in range(5):
        line = await call(socket, epoch + 1, epoch=epoch)
        await line.abandon()
        if epoch < 4:
            await place[1].log.wait_for("CreateDispatch", count=epoch + 1)
    await place[1].log.wait_for("DeleteRoom")
    assert len(place[1].log.of("CreateDispatch")) == 4


async def test_it_ends_when_it_has_nothing_to_watch(place: Place, socket: Path) -> None:
    await asyncio.wait_for(place[0].until_idle(), 5)
