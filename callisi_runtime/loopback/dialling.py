"""Dialling out: a leg joins the room, a telephone rings, and the one who dialled learns how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from livekit.protocol import models as pb_models
from livekit.protocol import sip as pb

from callisi_runtime.loopback.rooms import Member, Reason, Rooms, new_id
from callisi_runtime.loopback.telephones import RUNG_OUT, Phone, Telephones
from callisi_runtime.loopback.trunks import NO_TRUNK, Trunks
from callisi_runtime.loopback.twirp import TwirpError

DEFAULT_RING: Final = 30.0
_LATE: Final = 0.1  # the bridge gives up this much after the ring timeout
_STILL: Final = ("dialing", "ringing")

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Dialling:
    """CreateSIPParticipant and TransferSIPParticipant. A telephone rings on when its dialler goes away."""

    def __init__(self, telephones: Telephones, trunks: Trunks, rooms: Rooms, spawn: Spawn) -> None:
        self._telephones, self._trunks, self._rooms, self._spawn = telephones, trunks, rooms, spawn
        self.second_dial_wait = 5.06
        """Seconds until a second dial of an identity that still rings is refused."""

    async def create(self, request: pb.CreateSIPParticipantRequest) -> pb.SIPParticipantInfo:
        """CreateSIPParticipant: returns once answered when `wait_until_answered`, otherwise at once."""
        self._fit(request)
        await self._alone(request)
        phone = self._telephones.dial(request.sip_call_to)
        if phone.refusal is not None and phone.does == "bridge_down":
            raise phone.refusal.error()
        leg = self._rooms.join(request.room_name, _leg(request))
        ended: asyncio.Future[TwirpError | None] = asyncio.get_running_loop().create_future()
        self._spawn(self._ring(request, leg, phone, ended))
        if request.wait_until_answered and (error := await asyncio.shield(ended)) is not None:
            raise error
        return pb.SIPParticipantInfo(
            participant_id=leg.info.sid,
            participant_identity=leg.info.identity,
            room_name=request.room_name,
            sip_call_id=leg.info.attributes["sip.callID"],
        )

    def _fit(self, request: pb.CreateSIPParticipantRequest) -> None:
        if not request.HasField("trunk") and request.sip_trunk_id not in self._trunks.outbound:
            raise TwirpError("not_found", NO_TRUNK)
        if not request.sip_call_to:
            raise TwirpError("invalid_argument", "no destination number specified")
        if request.sip_call_to.startswith(("sip:", "sips:")):
            raise TwirpError(
                "invalid_argument", "SipCallTo should be a phone number or SIP user, not a full SIP URI"
            )

    async def _alone(self, request: pb.CreateSIPParticipantRequest) -> None:
        room = self._rooms.rooms.get(request.room_name)
        present = room.members.get(request.participant_identity) if room else None
        if present is not None and present.info.attributes.get("sip.callStatus") in _STILL:
            await asyncio.sleep(self.second_dial_wait)
            raise TwirpError("internal", "participant is already being dialled")

    async def _ring(
        self,
        request: pb.CreateSIPParticipantRequest,
        leg: Member,
        phone: Phone,
        ended: asyncio.Future[TwirpError | None],
    ) -> None:
        if not phone.silent:
            leg.info.attributes["sip.callStatus"] = "ringing"
        limit = _seconds(request)
        rings_out = phone.does == "no_answer" or phone.silent or phone.rings >= limit
        if await _gone_within(leg, limit + _LATE if rings_out else phone.rings):
            ended.set_result(RUNG_OUT.error())
            return
        refusal = RUNG_OUT if rings_out else phone.refusal
        if refusal is not None:
            self._rooms.leave(request.room_name, leg.info.identity, refusal.left)
            ended.set_result(refusal.error())
            return
        leg.info.attributes["sip.callStatus"] = "active"
        ended.set_result(None)
        if phone.talks is not None and not await _gone_within(leg, phone.talks):
            self._rooms.leave(request.room_name, leg.info.identity, Reason.CLIENT_INITIATED)

    async def transfer(self, request: pb.TransferSIPParticipantRequest) -> pb.TransferSIPParticipantResponse:
        """TransferSIPParticipant: REFER. On success the leg leaves; on failure it stays."""
        self._rooms.member(request.room_name, request.participant_identity)
        if not request.transfer_to.startswith(("tel:", "sip:", "<tel:", "<sip:")):
            raise TwirpError("invalid_argument", "can't parse transfer destination")
        phone = self._telephones.dial(request.transfer_to.removeprefix("tel:"))
        limit = _seconds(request)
        if phone.does == "no_answer" or phone.rings >= limit:
            await asyncio.sleep(limit)
            raise TwirpError("deadline_exceeded", "transfer timed out")
        await asyncio.sleep(phone.rings)
        if phone.refusal is not None:
            raise phone.refusal.error()
        self._rooms.leave(request.room_name, request.participant_identity, Reason.CLIENT_INITIATED)
        return pb.TransferSIPParticipantResponse()


def _leg(request: pb.CreateSIPParticipantRequest) -> pb_models.ParticipantInfo:
    attributes = dict(request.participant_attributes) | {
        "sip.callID": new_id("SCL"),
        "sip.callStatus": "dialing",
        "sip.trunkID": request.sip_trunk_id,
    }
    if not request.hide_phone_number:
        attributes["sip.phoneNumber"] = request.sip_call_to
    return pb_models.ParticipantInfo(
        identity=request.participant_identity or f"sip_{request.sip_call_to}",
        name=request.participant_name,
        metadata=request.participant_metadata,
        kind=pb_models.ParticipantInfo.SIP,
        attributes=attributes,
    )


def _seconds(request: pb.CreateSIPParticipantRequest | pb.TransferSIPParticipantRequest) -> float:
    if not request.HasField("ringing_timeout"):
        return DEFAULT_RING
    return request.ringing_timeout.seconds + request.ringing_timeout.nanos / 1e9


async def _gone_within(leg: Member, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await leg.gone.wait()
    except TimeoutError:
        return False
    return True
