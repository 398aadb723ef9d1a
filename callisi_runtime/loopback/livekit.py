"""LiveKit's server API on loopback: SIP, rooms and agent dispatch over Twirp, with real tokens. No media."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import jwt
from aiohttp import web
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from livekit.api import TokenVerifier
from livekit.api.access_token import Claims, SIPGrants, VideoGrants
from livekit.protocol import agent_dispatch as pb_agent
from livekit.protocol import room as pb_room
from livekit.protocol import sip as pb_sip

from callisi_runtime.loopback.dialling import Dialling
from callisi_runtime.loopback.rooms import Rooms
from callisi_runtime.loopback.server import Server
from callisi_runtime.loopback.telephones import Telephones
from callisi_runtime.loopback.trunks import Trunks
from callisi_runtime.loopback.twirp import TwirpError, error_of_status
from callisi_runtime.loopback.workers import Workers

API_KEY: Final = "loopback"
API_SECRET: Final = "loopback-secret-of-more-than-32-characters"

Grant = Callable[[VideoGrants, SIPGrants, Any], bool]


def _sip_admin(_: VideoGrants, sip: SIPGrants, __: Any) -> bool:
    return sip.admin


def _sip_call(_: VideoGrants, sip: SIPGrants, __: Any) -> bool:
    return sip.call


def _room_create(video: VideoGrants, _: SIPGrants, __: Any) -> bool:
    return bool(video.room_create)


def _room_list(video: VideoGrants, _: SIPGrants, __: Any) -> bool:
    return bool(video.room_list)


def _room_admin(video: VideoGrants, _: SIPGrants, request: Any) -> bool:
    room = getattr(request, "room_name", "") or getattr(request, "room", "")
    return bool(video.room_admin) and video.room == room


def _transfer(video: VideoGrants, sip: SIPGrants, request: Any) -> bool:
    return sip.call and _room_admin(video, sip, request)


@dataclass(frozen=True, slots=True)
class _Method:
    request: type[Message]
    grant: Grant
    serve: Callable[[Any], Message | Awaitable[Message]]


class LiveKitServer(Server):
    """Operations are the names of the Twirp methods: `CreateSIPParticipant`, `RemoveParticipant` ...

    `telephones` decides what a dial meets, `trunks` and `rooms` hold the state. Everyone who leaves a room is
    noted in the log as `left`. Tokens are verified; a missing grant is refused as the server refuses it.
    """

    def __init__(
        self,
        *,
        api_key: str = API_KEY,
        api_secret: str = API_SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host=host, port=port)
        self.api_key, self.api_secret = api_key, api_secret
        self.telephones, self.trunks = Telephones(), Trunks()
        self.rooms = Rooms(self._left)
        self.dialling = Dialling(self.telephones, self.trunks, self.rooms, self.spawn)
        self.workers = Workers()
        self.has_sip = True
        """Whether the SIP service runs beside the server; without it the server knows its methods, and none answers."""
        self._methods = self._table()

    def _table(self) -> dict[str, _Method]:
        sip, room, agent = "livekit.SIP", "livekit.RoomService", "livekit.AgentDispatchService"
        t, r, d = self.trunks, self.rooms, self.dialling
        m = _Method
        return {
            f"{sip}/CreateSIPInboundTrunk": m(
                pb_sip.CreateSIPInboundTrunkRequest, _sip_admin, t.create_inbound
            ),
            f"{sip}/UpdateSIPInboundTrunk": m(
                pb_sip.UpdateSIPInboundTrunkRequest, _sip_admin, t.update_inbound
            ),
            f"{sip}/ListSIPInboundTrunk": m(pb_sip.ListSIPInboundTrunkRequest, _sip_admin, t.list_inbound),
            f"{sip}/CreateSIPOutboundTrunk": m(
                pb_sip.CreateSIPOutboundTrunkRequest, _sip_admin, t.create_outbound
            ),
            f"{sip}/UpdateSIPOutboundTrunk": m(
                pb_sip.UpdateSIPOutboundTrunkRequest, _sip_admin, t.update_outbound
            ),
            f"{sip}/ListSIPOutboundTrunk": m(pb_sip.ListSIPOutboundTrunkRequest, _sip_admin, t.list_outbound),
            f"{sip}/DeleteSIPTrunk": m(pb_sip.DeleteSIPTrunkRequest, _sip_admin, t.delete),
            f"{sip}/CreateSIPDispatchRule": m(pb_sip.CreateSIPDispatchRuleRequest, _sip_admin, t.create_rule),
            f"{sip}/UpdateSIPDispatchRule": m(pb_sip.UpdateSIPDispatchRuleRequest, _sip_admin, t.update_rule),
            f"{sip}/ListSIPDispatchRule": m(pb_sip.ListSIPDispatchRuleRequest, _sip_admin, t.list_rules),
            f"{sip}/DeleteSIPDispatchRule": m(pb_sip.DeleteSIPDispatchRuleRequest, _sip_admin, t.delete_rule),
            f"{sip}/CreateSIPParticipant": m(pb_sip.CreateSIPParticipantRequest, _sip_call, d.create),
            f"{sip}/TransferSIPParticipant": m(pb_sip.TransferSIPParticipantRequest, _transfer, d.transfer),
            f"{room}/CreateRoom": m(pb_room.CreateRoomRequest, _room_create, r.create_room),
            f"{room}/ListRooms": m(pb_room.ListRoomsRequest, _room_list, r.list_rooms),
            f"{room}/DeleteRoom": m(pb_room.DeleteRoomRequest, _room_create, r.delete_room),
            f"{room}/UpdateRoomMetadata": m(
                pb_room.UpdateRoomMetadataRequest, _room_admin, r.update_room_metadata
            ),
            f"{room}/ListParticipants": m(pb_room.ListParticipantsRequest, _room_admin, r.list_participants),
            f"{room}/GetParticipant": m(pb_room.RoomParticipantIdentity, _room_admin, r.get_participant),
            f"{room}/RemoveParticipant": m(
                pb_room.RoomParticipantIdentity, _room_admin, r.remove_participant
            ),
            f"{room}/UpdateParticipant": m(
                pb_room.UpdateParticipantRequest, _room_admin, r.update_participant
            ),
            f"{room}/UpdateSubscriptions": m(
                pb_room.UpdateSubscriptionsRequest, _room_admin, r.update_subscriptions
            ),
            f"{room}/MutePublishedTrack": m(
                pb_room.MuteRoomTrackRequest, _room_admin, r.mute_published_track
            ),
            f"{room}/MoveParticipant": m(pb_room.MoveParticipantRequest, _room_admin, _not_implemented),
            f"{room}/ForwardParticipant": m(pb_room.ForwardParticipantRequest, _room_admin, _not_implemented),
            f"{agent}/CreateDispatch": m(pb_agent.CreateAgentDispatchRequest, _room_admin, r.create_dispatch),
            f"{agent}/DeleteDispatch": m(pb_agent.DeleteAgentDispatchRequest, _room_admin, r.delete_dispatch),
            f"{agent}/ListDispatch": m(pb_agent.ListAgentDispatchRequest, _room_admin, r.list_dispatch),
        }

    def routes(self) -> list[web.RouteDef]:
        """See Server."""
        return [
            web.post("/twirp/{service}/{method}", self._call),
            web.get("/agent", self._register),
            web.get("/", self._alive),
        ]

    async def operation(self, request: web.Request) -> str:
        """See Server."""
        return request.path.rpartition("/")[2] or "alive"

    async def readable(self, request: web.Request) -> object:
        """See Server; passwords are left out."""
        method = self._method_of(request)
        if method is None:
            return None
        try:
            message = method.request.FromString(await request.read())
        except DecodeError:
            return None
        return _without_passwords(MessageToDict(message, preserving_proto_field_name=True))

    def refusal(self, status: int, message: str) -> web.Response:
        """See Server."""
        return error_of_status(status, message)

    def _left(self, room: str, identity: str, reason: str) -> None:
        self.note("left", {"room": room, "identity": identity, "reason": reason})

    def _method_of(self, request: web.Request) -> _Method | None:
        return self._methods.get(request.path.removeprefix("/twirp/"))

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response(text="OK")

    async def _call(self, request: web.Request) -> web.Response:
        claims = self._claims(request)
        if claims is None:
            return error_of_status(401, "invalid token")
        try:
            return await self._served(request, claims)
        except TwirpError as error:
            return error.as_response()

    async def _register(self, request: web.Request) -> web.StreamResponse:
        claims = self._claims(request)
        if claims is None or not (claims.video and claims.video.agent):
            return error_of_status(401, "invalid token")
        return await self.workers.serve(request)

    def _claims(self, request: web.Request) -> Claims | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            return TokenVerifier(self.api_key, self.api_secret).verify(token)
        except jwt.PyJWTError:
            return None

    async def _served(self, request: web.Request, claims: Claims) -> web.Response:
        method = self._method_of(request)
        if method is None:
            raise TwirpError("bad_route", f"no handler for path {request.path}")
        if request.content_type != "application/protobuf":
            raise TwirpError("bad_route", f"unexpected Content-Type: {request.content_type}")
        try:
            message = method.request.FromString(await request.read())
        except DecodeError as error:
            raise TwirpError("malformed", "the protobuf request could not be decoded") from error
        if not method.grant(claims.video or VideoGrants(), claims.sip or SIPGrants(), message):
            raise TwirpError("unauthenticated", "permissions denied")
        if not self.has_sip and request.path.startswith("/twirp/livekit.SIP/"):
            raise TwirpError("internal", "sip not connected (redis required)")
        answer = method.serve(message)
        done = await answer if asyncio.iscoroutine(answer) else answer
        assert isinstance(done, Message)
        return web.Response(body=done.SerializeToString(), content_type="application/protobuf")


def _not_implemented(_: Any) -> Message:
    raise TwirpError("unknown", "not implemented")


def _without_passwords(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _without_passwords(value) for name, value in data.items() if "password" not in name}
    return [_without_passwords(value) for value in data] if isinstance(data, list) else data
