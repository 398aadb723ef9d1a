"""The agent's seat in a room: exactly one process has it, and the latest one throws every other out.

Each process has an identity of its own. Were it the same for all, LiveKit would take the end of a dead process, which
it notices when the successor joins, for the end of the successor's job, and the successor would be stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from livekit import api

if TYPE_CHECKING:
    from livekit import rtc

IDENTITY = "callisi-agent"
ROLE = "callisi.role"
EPOCH = "callisi.epoch"
"""The attribute that says how many processes had the call before."""
SINCE = "callisi.since"
"""The attribute that says when the process was given the call, in Unix seconds."""


def identity_of(job: str) -> str:
    """The identity of the process that has this job."""
    return f"{IDENTITY}-{job}"


def attributes_of(epoch: int) -> dict[str, str]:
    """How a process shows itself in the room."""
    return {ROLE: "agent", EPOCH: str(epoch), SINCE: f"{time.time():.3f}"}


def is_agent(attributes: Mapping[str, str]) -> bool:
    """Whether somebody in a room is a process of ours."""
    return attributes.get(ROLE) == "agent"


def epoch_in(metadata: str) -> int:
    """How many processes had this call before, as the dispatch says; 0 for a new call."""
    try:
        return int(json.loads(metadata or "{}")["callisi"]["epoch"])
    except (ValueError, KeyError, TypeError):
        return 0


class Seat:
    """This process's seat in a room.

    Args:
        lk: LiveKit's API.
        room: Connected.
    """

    def __init__(self, lk: api.LiveKitAPI, room: rtc.Room) -> None:
        self.lk = lk
        self.room = room
        self._tasks: set[asyncio.Task[None]] = set()
        room.on("participant_connected", self._came)

    def take(self) -> None:
        """Throw out whoever had the seat: dead, hung, or about to go."""
        for other in self.room.remote_participants.values():
            if is_agent(other.attributes):
                self._throw_out(other.identity)

    def leave(self) -> None:
        """Throw out nobody any more."""
        self.room.off("participant_connected", self._came)

    def _came(self, other: rtc.RemoteParticipant) -> None:
        """A predecessor that comes back, after the server's restart, goes again; a successor is let in."""
        if is_agent(other.attributes) and _since(other.attributes) < _since(
            self.room.local_participant.attributes
        ):
            self._throw_out(other.identity)

    def _throw_out(self, identity: str) -> None:
        task = asyncio.create_task(self._remove(identity))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _remove(self, identity: str) -> None:
        with contextlib.suppress(Exception):
            who = api.RoomParticipantIdentity(room=self.room.name, identity=identity)
            await self.lk.room.remove_participant(who)


def _since(attributes: Mapping[str, str]) -> float:
    try:
        return float(attributes.get(SINCE, "0"))
    except ValueError:
        return 0.0
