"""One dial: the INVITE that is never replayed, our own deadline over the server's, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from livekit import api, rtc

from callisi_runtime.live.outcomes import dial_end, outcome_of

if TYPE_CHECKING:
    from callisi_runtime.flow import Outcome

SERVER_GRACE = 5.0
"""Seconds over the ring timeout that the server gets for its answer."""
OWN_GRACE = 7.0
"""Seconds over the ring timeout after which we stop waiting ourselves."""
LONGEST_CALL = 4 * 3600
"""Seconds after which the bridge ends a leg by itself: the last net under a process that died."""


class Dialler:
    """Dials into one room.

    Args:
        lk: A client with `failover=False`: it never sends a dial twice.
        room: The caller's room.
        trunk: The outbound trunk's id.
        caller_id: The number the dialled person sees; the trunk's own when None.
    """

    def __init__(self, lk: api.LiveKitAPI, room: str, trunk: str, caller_id: str | None = None) -> None:
        self.lk = lk
        self.room = room
        self.trunk = trunk
        self.caller_id = caller_id

    async def dial(self, leg: str, number: str, ring_timeout: int) -> BaseException | None:
        """Ring `number` as participant `leg`; returns None when it was answered, else what the server raised."""
        request = api.CreateSIPParticipantRequest(
            sip_trunk_id=self.trunk,
            sip_call_to=number,
            sip_number=self.caller_id or "",
            room_name=self.room,
            participant_identity=leg,
            participant_attributes={"callisi.role": "staff"},
            wait_until_answered=True,
            ringing_timeout=Duration(seconds=ring_timeout),
            max_call_duration=Duration(seconds=LONGEST_CALL),
        )
        sent = self.lk.sip.create_sip_participant(request, timeout=ring_timeout + SERVER_GRACE)
        try:
            await asyncio.wait_for(sent, ring_timeout + OWN_GRACE)
        except Exception as error:
            return error
        return None

    async def refer(self, caller: str, number: str, ring_timeout: int) -> BaseException | None:
        """Hand the caller's leg to the carrier; None when the carrier took it, an empty answer included."""
        request = api.TransferSIPParticipantRequest(
            room_name=self.room,
            participant_identity=caller,
            transfer_to=f"tel:{number}",
            ringing_timeout=Duration(seconds=ring_timeout),
        )
        try:
            done = self.lk.sip.transfer_sip_participant(request, timeout=ring_timeout + SERVER_GRACE)
            await asyncio.wait_for(done, ring_timeout + OWN_GRACE)
        except Exception as error:
            return error
        return None

    async def drop(self, leg: str) -> None:
        """End a leg. This, and not a cancelled request, stops a telephone that rings."""
        with contextlib.suppress(api.ServerError):
            await self.lk.room.remove_participant(api.RoomParticipantIdentity(room=self.room, identity=leg))


class LegWatch:
    """What the room says about one leg while it is dialled."""

    def __init__(self) -> None:
        self.published = asyncio.Event()
        self.named = False
        """Whether the carrier's own id of it is known."""
        self.rang = False
        self.answered = False
        self.dropped = False

    def outcome(self, error: BaseException, *, caller_left: bool) -> Outcome:
        """How the dial ended."""
        return outcome_of(dial_end(error, rang=self.rang, caller_left=caller_left))


def status_of(participant: rtc.Participant) -> str:
    """`dialing`, `ringing`, `active`, `hangup`, or empty."""
    return str(participant.attributes.get("sip.callStatus", ""))
