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
from typing import Any

from livekit import api

from callisi_runtime.live.logs import configure_logging
from callisi_runtime.settings import Settings

log = logging.getLogger("callisi.watchdog")

BEAT_LIMIT = 1.75
"""Seconds without a beat after which a process counts as hung. Healthy calls were seen 1 s late under load."""
HELLO_SECONDS = 1.5
"""Seconds that a dispatch gets until its process says hello; then it is made anew."""
FIRST_HELLO_SECONDS = 3.0
"""The same for the first dispatch: on a busy machine a slow successor is better than two."""
DISPATCHES = 40
"""Dispatches of one rescue until the last resort: a worker that is restarting takes its time."""
RESCUES = 4
"""Rescues of one call: a call that kills every process is given up."""
IDLE_SECONDS = 20.0
"""Seconds without a call and without a worker after which the watchdog ends."""
IDLE_STEP = 0.25


@dataclass(slots=True)
class Watched:
    """One call, as its process describes it."""

    room: str
    agent: str
    pid: int
    epoch: int
    caller: str = ""
    last_resort: str = ""
    """A number that the caller is handed to when no process can take the call."""
    rescues: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a process of a higher epoch said hello."""


class Watchdog:
    """Watches every call of one agent on one machine.

    Args:
        lk: LiveKit's API; requests are never replayed.
    """

    def __init__(self, lk: api.LiveKitAPI) -> None:
        self.lk = lk
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
                await self._stay(reader)
            elif "hello" in first:
                await self._watch(self._hello(first["hello"]), reader)
        finally:
            writer.close()

    async def _stay(self, reader: asyncio.StreamReader) -> None:
        self.workers += 1
        try:
            said = await _line(reader)
        finally:
            self.workers -= 1
        self.dismissed = said is not None and "bye" in said

    def _hello(self, hello: Mapping[str, Any]) -> Watched:
        """A process has a call. One of an older epoch than the known owner's is watched by nobody."""
        new = Watched(**hello)
        known = self.calls.get(new.room)
        if known is not None and known.epoch >= new.epoch and known.pid != new.pid:
            return new
        if known is not None:
            new.rescues = known.rescues
            known.arrived.set()
        self.calls[new.room] = new
        return new

    async def _watch(self, call: Watched, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                said = await asyncio.wait_for(_line(reader), BEAT_LIMIT)
            except TimeoutError:
                self._lost(call, "no beat", kill=True)
                return
            if said is None:
                self._lost(call, "the stream ended", kill=False)
                return
            if "bye" in said:
                if self.calls.get(call.room) is call:
                    del self.calls[call.room]
                return
            if "handover" in said:
                self._lost(call, "handover", kill=False)
                return

    def _lost(self, call: Watched, why: str, *, kill: bool) -> None:
        if self.calls.get(call.room) is not call:
            return
        log.warning("a call's process is lost: %s (room %s, epoch %d)", why, call.room, call.epoch)
        if kill:
            # the surest fence: a process that wakes up later cannot end its successor's call
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(call.pid, signal.SIGKILL)
        task = asyncio.create_task(self._rescue(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _rescue(self, call: Watched) -> None:
        call.rescues += 1
        started = time.monotonic()
        for attempt in range(DISPATCHES if call.rescues <= RESCUES else 0):
            if not await self._still_there(call):
                self._forget(call)
                return
            dispatch = await self._dispatch(call)
            patience = HELLO_SECONDS if attempt else FIRST_HELLO_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.arrived.wait(), patience)
                log.info("rescued after %.2f s (room %s)", time.monotonic() - started, call.room)
                return
            if dispatch:
                with contextlib.suppress(api.ServerError, OSError, TimeoutError):
                    await self.lk.agent_dispatch.delete_dispatch(dispatch, call.room)
        await self._last_resort(call)
        self._forget(call)

    async def _dispatch(self, call: Watched) -> str:
        metadata = json.dumps({"callisi": {"epoch": call.epoch + 1}})
        request = api.CreateAgentDispatchRequest(agent_name=call.agent, room=call.room, metadata=metadata)
        try:
            return (await self.lk.agent_dispatch.create_dispatch(request)).id
        except Exception as error:
            log.warning("a successor could not be dispatched: %s", type(error).__name__)
            await asyncio.sleep(HELLO_SECONDS / 3)
            return ""

    async def _still_there(self, call: Watched) -> bool:
        """Whether the caller is still in the room; True when nobody can say."""
        try:
            found = await self.lk.room.list_participants(api.ListParticipantsRequest(room=call.room))
        except api.ServerError as error:
            return error.code != "not_found"
        except Exception:
            return True
        return any(participant.identity == call.caller for participant in found.participants)

    async def _last_resort(self, call: Watched) -> None:
        """No process can take the call: hand the caller to the emergency number, or end the silence."""
        log.error("nobody could take the call over (room %s)", call.room)
        try:
            if call.last_resort:
                request = api.TransferSIPParticipantRequest(
                    room_name=call.room,
                    participant_identity=call.caller,
                    transfer_to=f"tel:{call.last_resort}",
                )
                await self.lk.sip.transfer_sip_participant(request, timeout=40)
                return
        except Exception as error:
            log.warning("the caller could not be handed to the emergency number: %s", type(error).__name__)
        with contextlib.suppress(Exception):
            await self.lk.room.delete_room(api.DeleteRoomRequest(room=call.room))

    def _forget(self, call: Watched) -> None:
        if self.calls.get(call.room) is call:
            del self.calls[call.room]

    async def until_idle(self) -> None:
        """Until there was neither a call nor a worker for `IDLE_SECONDS`."""
        idle = 0.0
        while idle < IDLE_SECONDS:
            await asyncio.sleep(IDLE_STEP)
            idle = 0.0 if self.calls or self.workers or self._tasks else idle + IDLE_STEP
            if idle and self.dismissed:
                return


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
        server = await asyncio.start_unix_server(watchdog.attend, socket)
        socket.chmod(0o600)
        with contextlib.suppress(Exception):
            # the connection is open before it is needed
            await lk.room.list_rooms(api.ListRoomsRequest())
        async with server:
            await watchdog.until_idle()
        socket.unlink(missing_ok=True)


def main() -> int:
    """The process: one per socket; a second one finds the lock taken and ends."""
    configure_logging()
    socket = Path(sys.argv[1])
    with socket.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 0
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            # it ends when there is nothing to watch, not when its worker does
            signal.signal(number, signal.SIG_IGN)
        asyncio.run(run(socket, Settings.from_environ(os.environ)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
