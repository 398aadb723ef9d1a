"""A call's stream to the watchdog: it beats, survives the watchdog's death, and costs the call nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from callisi_runtime.live.watch_line import READY, WatchLine, keep_watchdog, socket_path, takes_calls
from callisi_runtime.loopback.livekit import API_KEY, API_SECRET, LiveKitServer
from callisi_runtime.settings import Settings

from .watching import CALLER, QUICK, ROOM, call, hello, listening, until

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_call_that_beats_is_left_alone(tmp_path: Path) -> None:
    async with LiveKitServer() as livekit, listening(tmp_path / "s", livekit) as watchdog:
        line = await call(tmp_path / "s", os.getpid())
        await asyncio.sleep(QUICK.beat * 2)
        assert not watchdog.calls[ROOM].lost
        await line.bye()


async def test_without_a_watchdog_the_call_begins_all_the_same(tmp_path: Path) -> None:
    line = WatchLine(tmp_path / "nobody", hello(1))
    began = time.monotonic()
    await line.open()
    assert time.monotonic() - began < 1.0
    line.save({"n": 1})
    await line.bye()


async def test_a_watchdog_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        closed.set()

    closed = asyncio.Event()
    server = await asyncio.start_unix_server(mute, tmp_path / "s")
    async with server:
        line = WatchLine(tmp_path / "s", hello(1))
        began = time.monotonic()
        await line.open()
        assert time.monotonic() - began < 1.5
        assert line.inherited is None
        await line.bye()
        await closed.wait()


async def test_a_restarted_watchdog_finds_its_calls_and_their_memory_again(tmp_path: Path) -> None:
    socket = tmp_path / "s"
    async with LiveKitServer() as livekit:
        livekit.rooms.join_caller(ROOM, CALLER)
        async with listening(socket, livekit):
            line = await call(socket, 1, epoch=2)
            line.save({"n": 7})
        async with listening(socket, livekit) as second:
            await until(lambda: ROOM in second.calls, "the call is watched again")
            await until(lambda: second.calls[ROOM].memory == {"n": 7}, "its memory is there again")
            assert second.calls[ROOM].epoch == 2
            await line.abandon()
            await livekit.log.wait_for("CreateDispatch")


async def test_the_epoch_that_the_ledger_knows_reaches_the_watchdog(tmp_path: Path) -> None:
    async with LiveKitServer() as livekit, listening(tmp_path / "s", livekit) as watchdog:
        line = await call(tmp_path / "s", 1)
        line.became(4)
        await until(lambda: watchdog.calls[ROOM].epoch == 4, "the epoch is known")
        await line.bye()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
async def test_a_worker_starts_a_watchdog_and_another_one_when_it_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    async with LiveKitServer() as livekit:
        for name, value in {
            "LIVEKIT_URL": livekit.url.replace("http", "ws"),
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
        }.items():
            monkeypatch.setenv(name, value)
        stop, socket = asyncio.Event(), tmp_path / "s"
        keeping = asyncio.create_task(keep_watchdog(socket, stop))
        await until(socket.exists, "a watchdog listens", 30)
        first = holder(socket)
        os.kill(first, how)
        await until(lambda: holder(socket) not in (0, first), "another one listens", 30)
        stop.set()
        await keeping
        await until(lambda: not socket.exists(), "it ends with its last worker", 30)
        await until(lambda: holder(socket) == 0, "its process ends", 30)


def holder(socket: Path) -> int:
    """The process that listens; 0 when none does."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if str(socket) in process.cmdline():
                return int(process.pid)
    return 0


def test_every_agent_and_database_has_a_watchdog_of_its_own() -> None:
    one = socket_path("clara", Settings())
    assert one == socket_path("clara", Settings())
    assert one != socket_path("paul", Settings())
    assert one != socket_path("clara", Settings(callisi_database="sqlite:///other.db"))
    assert one.parent.stat().st_mode & 0o077 == 0


def test_only_a_live_supervisor_that_is_ready_takes_the_calls(tmp_path: Path) -> None:
    file = tmp_path / "x.pid"
    assert not takes_calls(file)
    file.write_text(f"{os.getpid()}\n")
    assert not takes_calls(file)
    file.write_text(f"{os.getpid()}\n{READY}\n")
    assert takes_calls(file)
    file.write_text(f"{2**22 + 1}\n{READY}\n")
    assert not takes_calls(file)
    file.write_text("nonsense")
    assert not takes_calls(file)
