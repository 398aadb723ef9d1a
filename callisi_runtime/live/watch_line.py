"""The watched side: a call's stream to the watchdog, and the worker's care that there is one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import signal
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from callisi_runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("callisi.watchdog")

BEAT_SECONDS = 0.25
RECONNECT_SECONDS = 0.25
ANSWER_SECONDS = 0.3
"""How long a process that begins waits for what the watchdog knows of its call; then the ledger is asked."""
LOOK_SECONDS = 0.5
MOST_UNANSWERED = 8
"""Questions without an answer, `LOOK_SECONDS` apart, after which a watchdog counts as hung."""
READY = "ready"
LONGEST_LINE = 2**20
"""Bytes of one message: a call's memory is a few thousand."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who has which call."""

    room: str
    agent: str
    pid: int
    epoch: int
    since: float
    """When this process was given the call, in monotonic seconds of the machine: of two, the later one has it."""
    last_resort: str = ""


def socket_path(agent: str, settings: Settings) -> Path:
    """Where the watchdog of this agent listens: one per machine, agent and LiveKit server, for its user alone."""
    folder = Path(tempfile.gettempdir()) / f"callisi-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    key = hashlib.sha256(
        f"{agent}\x1f{settings.livekit_url}\x1f{settings.callisi_database}".encode()
    ).hexdigest()[:16]
    return folder / f"{key}.sock"


def pid_path(agent: str, settings: Settings) -> Path:
    """Where the process id of the running supervisor stands, and `READY` in the second line once it takes calls."""
    return socket_path(agent, settings).with_suffix(".pid")


def takes_calls(path: Path) -> bool:
    """Whether a supervisor that is alive takes the calls, as its file says."""
    try:
        pid, *rest = path.read_text().split()
        os.kill(int(pid), 0)
    except (OSError, ValueError):
        return False
    return rest == [READY]


class WatchLine:
    """A call's stream. It beats from the call's own loop, and reconnects when the watchdog was restarted.

    The watchdog keeps the latest memory of the call and gives it to a successor: a rescue waits for no database.
    """

    def __init__(self, socket: Path, hello: Hello) -> None:
        self.socket = socket
        self.hello = hello
        self.inherited: dict[str, Any] | None = None
        """What the predecessor saved, where this process takes a call over."""
        self.superfluous = False
        """Another process was faster to take this call over."""
        self._memory: Mapping[str, object] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Say hello and begin to beat. Without a watchdog the call goes on unwatched until there is one."""
        with contextlib.suppress(OSError):
            reader = await self._connect()
            self._inherit(await _answer(reader))
        if self.superfluous:
            await self._end(None)
            return
        self._task = asyncio.create_task(self._beat(), name="callisi-beat")

    def became(self, epoch: int) -> None:
        """The ledger knows better how many processes had this call."""
        self.hello = replace(self.hello, epoch=epoch)
        self._send({"epoch": epoch})

    def save(self, memory: Mapping[str, object]) -> None:
        """Give the watchdog what a successor must know; the latest only."""
        self._memory = memory
        self._send({"save": memory})

    async def handover(self) -> None:
        """Ask for a successor; the call goes on here, and is saved, until it is there."""
        self._send({"handover": True})
        if self._writer is not None:
            with contextlib.suppress(OSError):
                await self._writer.drain()

    async def replaced(self) -> None:
        """Another process has joined in this one's place."""
        await self._end("replaced")

    async def bye(self) -> None:
        """The call is over."""
        await self._end("bye")

    async def abandon(self) -> None:
        """Close without a word: the watchdog takes it for a death."""
        await self._end(None)

    def _inherit(self, answer: Mapping[str, Any] | None) -> None:
        if answer is not None:
            self.superfluous = bool(answer.get("superfluous"))
            self.inherited = answer.get("memory")
            self.hello = replace(self.hello, epoch=max(self.hello.epoch, int(answer.get("epoch", 0))))

    def _send(self, message: dict[str, object]) -> None:
        if self._writer is not None and not self._writer.is_closing():
            _write(self._writer, message)

    async def _end(self, word: str | None) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(OSError):
                if word is not None:
                    _write(writer, {word: True})
                    await writer.drain()
                writer.close()

    async def _connect(self) -> asyncio.StreamReader:
        reader, self._writer = await asyncio.open_unix_connection(self.socket, limit=LONGEST_LINE)
        _write(self._writer, {"hello": asdict(self.hello)})
        if self._memory is not None:
            _write(self._writer, {"save": self._memory})
        return reader

    async def _beat(self) -> None:
        while True:
            try:
                if self._writer is None or self._writer.is_closing():
                    await self._connect()
                assert self._writer is not None
                _write(self._writer, {"beat": True})
                await self._writer.drain()
            except OSError:
                self._writer = None
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            await asyncio.sleep(BEAT_SECONDS)


async def _answer(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """What the watchdog knows of this call; None when it says nothing in time."""
    with contextlib.suppress(TimeoutError, OSError, ValueError):
        found = json.loads(await asyncio.wait_for(reader.readline(), ANSWER_SECONDS))
        return found if isinstance(found, dict) else None
    return None


def _write(writer: asyncio.StreamWriter, message: Mapping[str, object]) -> None:
    writer.write(json.dumps(message).encode() + b"\n")


async def keep_watchdog(socket: Path, stop: asyncio.Event) -> None:
    """See to it that a watchdog runs, and replace one that is gone or hangs; for a worker, until `stop` is set."""
    started: set[int] = set()
    while not stop.is_set():
        bury(started)
        try:
            reader, writer = await asyncio.open_unix_connection(socket)
        except OSError:
            if not started:
                started.add(start_watchdog(socket))
            await _pause(stop, LOOK_SECONDS)
            continue
        end = await _stay_beside(reader, writer, stop)
        if end == "stopped":
            _write(writer, {"bye": True})
        writer.close()
        if end == "hangs":
            end_watchdog(socket)
        if end != "stopped":
            log.warning("the watchdog %s, a new one is started", "hangs" if end == "hangs" else "is gone")


async def _stay_beside(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stop: asyncio.Event
) -> Literal["stopped", "gone", "hangs"]:
    """Ask the watchdog again and again whether it is there; returns why that ended."""
    _write(writer, {"worker": os.getpid()})
    heard = asyncio.Event()

    async def listen() -> None:
        while await reader.readline():
            heard.set()

    listening, stopping = asyncio.create_task(listen()), asyncio.create_task(stop.wait())
    # counted in questions, not seconds: where this process itself was asleep, one went unanswered, not all
    unanswered = 0
    try:
        while unanswered < MOST_UNANSWERED:
            unanswered = 0 if heard.is_set() else unanswered + 1
            heard.clear()
            _write(writer, {"ping": True})
            await asyncio.wait(
                {listening, stopping}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if stop.is_set():
                return "stopped"
            if listening.done():
                return "gone"
        return "hangs"
    finally:
        for task in (listening, stopping):
            task.cancel()
        await asyncio.gather(listening, stopping, return_exceptions=True)


def end_watchdog(socket: Path) -> None:
    """Kill the watchdog of this socket; its calls connect to the next one, and bring their memory along."""
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(lock_path(socket).read_text()), signal.SIGKILL)


def lock_path(socket: Path) -> Path:
    """The file that a watchdog holds a lock on while it runs; its process id stands in it."""
    return socket.with_suffix(".lock")


def start_watchdog(socket: Path) -> int:
    """Start a watchdog that outlives this process; where one runs already, the new one ends at once.

    It inherits the log's stream alone: whoever reads this process's output must see its end.
    """
    command = [sys.executable, "-m", "callisi_runtime.live.watchdog", str(socket)]
    nothing = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1)]
    return os.posix_spawn(command[0], command, os.environ, file_actions=nothing, setsid=True)


def bury(children: set[int]) -> None:
    """Take note of watchdogs that have ended, so that nothing is left of them."""
    for child in list(children):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(child, os.WNOHANG) == (0, 0):
                continue
        children.discard(child)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
