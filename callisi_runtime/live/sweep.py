"""The sweep: calls that nobody has. A room without its agent gets one; a leg without its caller is ended.

The watchdog sees what dies on this machine. The sweep sees what it cannot: another machine that died with its calls,
a watchdog that died with a call, a LiveKit server that came back without the room.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import TYPE_CHECKING

from livekit import api

from callisi_runtime.live.seat import ROLE, is_agent

if TYPE_CHECKING:
    from callisi_runtime.ledger import CallRow, Ledger

log = logging.getLogger("callisi.sweep")

EVERY_SECONDS = 5.0
LOOKS = 2
"""How often a call must be found without its agent, in a row, before one is sent."""
GONE_SECONDS = 60.0
"""How long a room may be gone until its call is written down as ended: its process may still be delivering."""
LONGEST_CALL = 4 * 3600.0
"""Seconds; the bridge ends every leg before."""
CALLS_AT_ONCE = 500
STRANGERS_AT_ONCE = 20
"""Rooms that the ledger does not know and that are looked into in one round."""


class Sweep:
    """Looks after the calls of the ledger that have not ended.

    Args:
        lk: LiveKit's API.
        ledger: Open.
        agent: The agent's name.
    """

    def __init__(self, lk: api.LiveKitAPI, ledger: Ledger, agent: str) -> None:
        self.lk = lk
        self.ledger = ledger
        self.agent = agent
        self.rescued = 0
        self._looks: dict[str, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few seconds, until `stop` is set."""
        while not stop.is_set():
            try:
                await self.look()
            except Exception as error:
                log.warning("the sweep could not look: %s", type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY_SECONDS)

    async def look(self) -> None:
        """One round over every call that has not ended, and over rooms of ours that the ledger does not know."""
        now = self.ledger.clock()
        recent = await self.ledger.calls(since=now - LONGEST_CALL, limit=CALLS_AT_ONCE)
        going_on = [call for call in recent if call.ended is None]
        running = [call for call in going_on if call.agent == self.agent]
        rooms = {room.name for room in (await self.lk.room.list_rooms(api.ListRoomsRequest())).rooms}
        strangers = sorted(rooms - {call.room for call in going_on})[:STRANGERS_AT_ONCE]
        looked_at = {call.id for call in running} | set(strangers)
        self._looks = {key: count for key, count in self._looks.items() if key in looked_at}
        for call in running:
            if call.room in rooms:
                await self._look_at(call.id, call.room, call.epoch)
            else:
                await self._gone(call)
        for room in strangers:
            await self._look_at(room, room, 0, known=False)

    async def _look_at(self, key: str, room: str, epoch: int, *, known: bool = True) -> None:
        try:
            found = await self.lk.room.list_participants(api.ListParticipantsRequest(room=room))
        except api.ServerError:
            return
        callers = [who for who in found.participants if "sip.ruleID" in who.attributes]
        if not known and any(who.attributes.get("sip.callStatus") == "ringing" for who in callers):
            return  # nobody has answered yet: the call may have been refused, and is the carrier's to place
        caller = bool(callers)
        agent = any(is_agent(who.attributes) for who in found.participants)
        ours = known or any(ROLE in who.attributes for who in found.participants)
        if caller and agent:
            self._looks.pop(key, None)
        elif caller and self._again(key, LOOKS):
            if known or await self._was_sent_to(room):
                await self._dispatch(room, epoch)
        elif not caller and ours and not (known and agent) and self._again(key, LOOKS):
            await self._end_room(room)

    async def _was_sent_to(self, room: str) -> bool:
        """Whether LiveKit was to bring this agent into a room: its call began while the ledger was away."""
        try:
            found = await self.lk.agent_dispatch.list_dispatch(room)
        except api.ServerError:
            return False
        return any(one.agent_name == self.agent for one in found)

    def _again(self, key: str, times: int) -> bool:
        self._looks[key] = self._looks.get(key, 0) + 1
        return self._looks[key] % times == 0

    async def _dispatch(self, room: str, epoch: int) -> None:
        log.warning("a caller without an agent gets one (room %s)", room)
        self.rescued += 1
        metadata = json.dumps({"callisi": {"epoch": epoch + 1}})
        request = api.CreateAgentDispatchRequest(agent_name=self.agent, room=room, metadata=metadata)
        await self.lk.agent_dispatch.create_dispatch(request)

    async def _end_room(self, room: str) -> None:
        log.warning("a room without its caller is ended (room %s)", room)
        with contextlib.suppress(api.ServerError):
            await self.lk.room.delete_room(api.DeleteRoomRequest(room=room))

    async def _gone(self, call: CallRow) -> None:
        if self._again(call.id, int(GONE_SECONDS / EVERY_SECONDS)):
            log.warning("a call whose room is gone is written down as ended")
            await self.ledger.end_call(call.id, outcome=call.outcome or "lost")
