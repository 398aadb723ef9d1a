"""The watchdog: a process of its own that sees a call's process die or hang, and has the caller served on.

LiveKit notices nothing when a call's process dies: the caller would sit in silence for ever. So every call's process
keeps one Unix stream open to the watchdog and writes a beat from its own event loop. The end of the stream without a
goodbye means dead, no beat means hung. A hung process is killed first, then a successor is dispatched into the living
room, again and again until it says hello. Run as `python -m callisi_runtime.live.watchdog SOCKET`.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from livekit import api

from callisi_runtime.live.logs import configure_logging
from callisi_runtime.live.patience import Patience
from callisi_runtime.live.seat import EPOCH, is_agent
from callisi_runtime.live.watch_line import LONGEST_LINE, lock_path
from callisi_runtime.settings import Settings

log = logging.getLogger("callisi.watchdog")

IDLE_STEP = 0.25
STATE_LOOKS = 3
STATE_PAUSE = 0.02


Sight = Literal["waiting", "served", "gone", "unknown"]
"""A lost call's room: the caller waits, another machine's process has the call, nobody is there, nobody can say."""


@dataclass(slots=True)
class Watched:
    """One call, as its process describes it."""

    room: str
    agent: str
    pid: int
    epoch: int
    since: float
    """When its process was given the call, in monotonic seconds: of two processes the later one has it."""
    last_resort: str = ""
    """A number that the caller is handed to when no process can take the call."""
    caller: str = ""
    """The identity of the caller's leg, once it was seen."""
    memory: dict[str, Any] | None = None
    """What a successor must know."""
    rescues: int = 0
    lost: bool = False
    """Its process is gone, hung, or about to go."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a later process said hello."""


class Watchdog:
    """Watches every call of one agent on one machine.

    Args:
        lk: LiveKit's API; requests are never replayed.
        patience: How long it waits for what.
    """

    def __init__(self, lk: api.LiveKitAPI, patience: Patience | None = None) -> None:
        self.lk = lk
        self.patience = patience or Patience()
        self.calls: dict[str, Watched] = {}
        self.workers = 0
        self.dismissed = False
        """The last worker that went, said goodbye: nobody will come back for the watchdog."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One stream: a call's process, or a worker that wants the watchdog to stay."""
        try:
            first = await _line(reader)
            if first is None:
                return
            if "worker" in first:
                await self._stay(reader, writer)
            elif "hello" in first:
                await self._greet(Watched(**first["hello"]), reader, writer)
        finally:
            writer.close()

    async def _stay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.workers += 1
        try:
            while (said := await _line(reader)) is not None and "ping" in said:
                writer.write(b'{"pong": true}\n')
        finally:
            self.workers -= 1
        self.dismissed = said is not None and "bye" in said

    async def _greet(self, new: Watched, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._superfluous(new):
            writer.write(json.dumps({"superfluous": True}).encode() + b"\n")
            return
        self._hello(new)
        writer.write(json.dumps({"epoch": new.epoch, "memory": new.memory}).encode() + b"\n")
        await self._watch(new, reader)

    def _superfluous(self, new: Watched) -> bool:
        """Whether a rescue came so late that another one was faster."""
        known = self.calls.get(new.room)
        return known is not None and known.pid != new.pid and not known.lost and 0 < new.epoch <= known.epoch

    def _hello(self, new: Watched) -> None:
        """A process has a call; what the known owner left is its to go on with.

        A process that was given the call before the known owner, a woken one, is watched by nobody.
        """
        known = self.calls.get(new.room)
        if known is not None and known.since > new.since:
            return
        if known is not None:
            new.rescues, new.memory, new.caller = known.rescues, known.memory, known.caller
            if known.pid != new.pid:
                new.epoch = max(new.epoch, known.epoch + 1)
            known.arrived.set()
        self.calls[new.room] = new
        log.info("watching %d call%s", len(self.calls), "" if len(self.calls) == 1 else "s")

    # -- watching -------------------------------------------------------------------------------------------

    async def _watch(self, call: Watched, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                said = await self._next(call, reader)
            except TimeoutError:
                self._lost(call, "no beat", kill=True)
                return
            if said is None:
                self._lost(call, "the stream ended")
                return
            if self._take(call, said):
                return

    async def _next(self, call: Watched, reader: asyncio.StreamReader) -> dict[str, Any] | None:
        """The next message. Raises TimeoutError when none came in time, and it is the process that hangs.

        Where this process slept itself, or the other one waits for a processor, it gets the same time once more.
        """
        excused = False
        while True:
            began = time.monotonic()
            try:
                return await asyncio.wait_for(_line(reader), self.patience.beat)
            except TimeoutError:
                slept = time.monotonic() - began > self.patience.beat + self.patience.own_lag
                if excused or not (slept or await _starved(call.pid)):
                    raise
                excused = not slept

    def _take(self, call: Watched, said: Mapping[str, Any]) -> bool:
        """Act on a message; whether the stream is over."""
        match said:
            case {"save": dict(memory)}:
                call.memory = memory
            case {"epoch": int(epoch)}:
                call.epoch = epoch
            case {"bye": _}:
                self._forget(call)
                return True
            case {"handover": _}:
                # it goes on serving the caller, and saving what it knows, until its successor is there
                self._lost(call, "handover")
            case {"replaced": _}:
                self._lost(
                    call, "another process has joined, but is not known here", patience=self.patience.replaced
                )
                return True
        return False

    def _lost(self, call: Watched, why: str, *, kill: bool = False, patience: float = 0.0) -> None:
        if self.calls.get(call.room) is not call:
            return
        if kill:
            # the surest fence: a process that wakes up later cannot end its successor's call
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(call.pid, signal.SIGKILL)
        if call.lost:
            return
        call.lost = True
        task = asyncio.create_task(self._rescue(call, why, patience))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- rescuing -------------------------------------------------------------------------------------------

    async def _rescue(self, call: Watched, why: str, patience: float) -> None:
        if patience and await self._arrives(call, patience):
            return
        log.warning("a call is without a process: %s (room %s, epoch %d)", why, call.room, call.epoch)
        call.rescues += 1
        most = self.patience.dispatches if call.last_resort else self.patience.dispatches_without
        left = most if call.rescues <= self.patience.rescues else 0
        started = time.monotonic()
        while left:
            sight = await self._look(call)
            if sight == "served":
                log.info("another machine has the call (room %s)", call.room)
                self._forget(call)
                return
            if sight == "gone":
                await self._end_room(call)
                return
            dispatch = await self._dispatch(call)
            patience = self.patience.hello if left < most else self.patience.first_hello
            if dispatch and await self._arrives(call, patience):
                log.info("rescued after %.2f s (room %s)", time.monotonic() - started, call.room)
                return
            if dispatch:
                left -= 1
                await self._withdraw(call, dispatch)
            elif time.monotonic() - started > self.patience.unreachable:
                break
        if not call.arrived.is_set():
            await self._last_resort(call)

    async def _arrives(self, call: Watched, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(call.arrived.wait(), seconds)
        return call.arrived.is_set()

    async def _dispatch(self, call: Watched) -> str:
        """Have a successor sent; returns the dispatch's id, empty when the server cannot be asked."""
        metadata = json.dumps({"callisi": {"epoch": call.epoch + 1}})
        request = api.CreateAgentDispatchRequest(agent_name=call.agent, room=call.room, metadata=metadata)
        try:
            return (await self.lk.agent_dispatch.create_dispatch(request)).id
        except Exception as error:
            log.warning("a successor could not be dispatched: %s", type(error).__name__)
            await asyncio.sleep(self.patience.pause)
            return ""

    async def _withdraw(self, call: Watched, dispatch: str) -> None:
        with contextlib.suppress(Exception):
            await self.lk.agent_dispatch.delete_dispatch(dispatch, call.room)

    async def _look(self, call: Watched) -> Sight:
        sight = await self._sight(call)
        while sight == "gone" and time.monotonic() - call.since < self.patience.young:
            await asyncio.sleep(self.patience.pause)
            sight = await self._sight(call)
        return sight

    async def _sight(self, call: Watched) -> Sight:
        try:
            found = await self.lk.room.list_participants(api.ListParticipantsRequest(room=call.room))
        except api.ServerError as error:
            return "gone" if error.code == "not_found" else "unknown"
        except Exception:
            return "unknown"
        call.caller = next((who.identity for who in found.participants if "sip.ruleID" in who.attributes), "")
        if not call.caller:
            return "gone"
        epochs = [who.attributes.get(EPOCH, "") for who in found.participants if is_agent(who.attributes)]
        return "served" if any(one.isdecimal() and int(one) > call.epoch for one in epochs) else "waiting"

    async def _end_room(self, call: Watched) -> None:
        """The caller hung up while nobody had the call: no leg rings on, nobody answers into an empty room."""
        log.info("the caller of a lost call is gone (room %s)", call.room)
        self._forget(call)
        with contextlib.suppress(Exception):
            await self.lk.room.delete_room(api.DeleteRoomRequest(room=call.room))

    async def _last_resort(self, call: Watched) -> None:
        """No process can take the call: hand the caller to the emergency number, or end the silence."""
        log.error("nobody could take the call over (room %s)", call.room)
        self._forget(call)
        try:
            if call.last_resort and (call.caller or await self._sight(call) == "waiting"):
                request = api.TransferSIPParticipantRequest(
                    room_name=call.room,
                    participant_identity=call.caller,
                    transfer_to=f"tel:{call.last_resort}",
                )
                await self.lk.sip.transfer_sip_participant(request, timeout=self.patience.transfer)
                log.warning("the caller was handed to the emergency number (room %s)", call.room)
        except Exception as error:
            log.warning("the caller could not be handed to the emergency number: %s", type(error).__name__)
        with contextlib.suppress(Exception):
            await self.lk.room.delete_room(api.DeleteRoomRequest(room=call.room))

    def _forget(self, call: Watched) -> None:
        if self.calls.get(call.room) is call:
            del self.calls[call.room]

    async def close(self) -> None:
        """Stop every rescue."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until_idle(self) -> None:
        """Until there was neither a call nor a worker for long enough."""
        idle = 0.0
        while idle < self.patience.idle:
            await asyncio.sleep(IDLE_STEP)
            idle = 0.0 if self.calls or self.workers or self._tasks else idle + IDLE_STEP
            if idle and self.dismissed:
                return


async def _starved(pid: int) -> bool:
    """Whether a process could run and is not let: its main thread waits for a processor. Only Linux tells."""
    for _ in range(STATE_LOOKS):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return False
        if state == "R":
            return True
        await asyncio.sleep(STATE_PAUSE)
    return False


async def _line(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    try:
        line = await reader.readline()
        found = json.loads(line) if line else None
    except (ConnectionError, ValueError):
        return None
    return found if isinstance(found, dict) else None


async def run(socket: Path, settings: Settings) -> None:
    """Watch until there is nothing to watch."""
    url = (settings.livekit_url or "").replace("ws", "http", 1)
    async with api.LiveKitAPI(
        url, settings.livekit_api_key, settings.livekit_api_secret, failover=False
    ) as lk:
        watchdog = Watchdog(lk)
        socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(watchdog.attend, socket, limit=LONGEST_LINE)
        socket.chmod(0o600)
        with contextlib.suppress(Exception):
            # the connection is open before it is needed
            await lk.room.list_rooms(api.ListRoomsRequest())
        log.info("watching")
        async with server:
            await watchdog.until_idle()
        socket.unlink(missing_ok=True)


def main() -> int:
    """The process: one per socket; a second one finds the lock taken and ends."""
    configure_logging()
    socket = Path(sys.argv[1])
    with lock_path(socket).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 0
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            # it ends when there is nothing to watch, not when its worker does
            signal.signal(number, signal.SIG_IGN)
        asyncio.run(run(socket, Settings.from_environ(os.environ)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
