"""A watchdog over a real socket and the loopback LiveKit, and processes that it may kill."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from livekit import api
from livekit.protocol import models as pb

from callisi_runtime.live.patience import Patience
from callisi_runtime.live.seat import identity_of
from callisi_runtime.live.watch_line import LONGEST_LINE, Hello, WatchLine
from callisi_runtime.live.watchdog import Watchdog
from callisi_runtime.loopback.livekit import API_KEY, API_SECRET, LiveKitServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOM = "call-_1_abc"
CALLER = "+491713920022"
QUICK = Patience(
    beat=0.6,
    first_hello=0.3,
    hello=0.2,
    replaced=0.3,
    dispatches=3,
    unreachable=2.0,
    young=0.0,
    pause=0.05,
    idle=0.3,
)


@contextlib.asynccontextmanager
async def kennel(socket: Path, patience: Patience = QUICK) -> AsyncIterator[tuple[Watchdog, LiveKitServer]]:
    """A watchdog that listens, and the LiveKit it asks."""
    async with LiveKitServer() as livekit, listening(socket, livekit, patience) as watchdog:
        yield watchdog, livekit


@contextlib.asynccontextmanager
async def listening(
    socket: Path, livekit: LiveKitServer, patience: Patience = QUICK
) -> AsyncIterator[Watchdog]:
    """A watchdog that listens; its streams break when this ends, as when it is killed."""
    async with api.LiveKitAPI(livekit.url, API_KEY, API_SECRET, failover=False) as lk:
        watchdog = Watchdog(lk, patience)
        streams: list[asyncio.StreamWriter] = []

        async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            streams.append(writer)
            await watchdog.attend(reader, writer)

        server = await asyncio.start_unix_server(attend, socket, limit=LONGEST_LINE)
        try:
            yield watchdog
        finally:
            watchdog.calls.clear()
            server.close()
            for stream in streams:
                stream.close()
            socket.unlink(missing_ok=True)
            await watchdog.close()


def hello(pid: int, *, epoch: int = 0, last_resort: str = "") -> Hello:
    """What a process says that was given the call now."""
    return Hello(ROOM, "clara", pid, epoch, time.monotonic(), last_resort)


async def call(socket: Path, pid: int, *, epoch: int = 0, last_resort: str = "") -> WatchLine:
    """A process's stream, open."""
    line = WatchLine(socket, hello(pid, epoch=epoch, last_resort=last_resort))
    await line.open()
    return line


def agent(job: str, epoch: int) -> pb.ParticipantInfo:
    """A process in the room."""
    attributes = {"callisi.role": "agent", "callisi.epoch": str(epoch)}
    return pb.ParticipantInfo(identity=identity_of(job), attributes=attributes)


async def until(condition: object, what: str, timeout: float = 5.0) -> None:
    """Wait until a condition holds. Raises AssertionError."""
    assert callable(condition)
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.01)
