"""Rooms, who is in them, and the agents dispatched into them."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from livekit.protocol import agent_dispatch as pb_agent
from livekit.protocol import models as pb_models
from livekit.protocol import room as pb_room

from callisi_runtime.loopback.twirp import TwirpError

Reason = pb_models.DisconnectReason


def new_id(prefix: str) -> str:
    """An identifier as LiveKit makes them: `PA_3f0c...`."""
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


@dataclass(slots=True)
class Member:
    """Somebody in a room; `gone` is set when they leave, with `why`."""

    info: pb_models.ParticipantInfo
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    why: Reason = Reason.UNKNOWN_REASON


@dataclass(slots=True)
class Room:
    """One room by its name."""

    info: pb_models.Room
    members: dict[str, Member] = field(default_factory=dict)
    dispatches: dict[str, pb_agent.AgentDispatch] = field(default_factory=dict)

    def as_info(self) -> pb_models.Room:
        """As ListRooms shows it."""
        self.info.num_participants = len(self.members)
        return self.info


class Rooms:
    """The rooms of one server and the methods of its RoomService and AgentDispatchService.

    `on_leave(room, identity, reason)` is told of everyone who leaves.
    """

    def __init__(self, on_leave: Callable[[str, str, str], None]) -> None:
        self.rooms: dict[str, Room] = {}
        self._on_leave = on_leave

    # For whoever plays the rest of the world.

    def ensure(self, name: str) -> Room:
        """The room, made when it does not exist."""
        if name not in self.rooms:
            info = pb_models.Room(sid=new_id("RM"), name=name, creation_time=int(time.time()))
            self.rooms[name] = Room(info)
        return self.rooms[name]

    def join(self, room: str, info: pb_models.ParticipantInfo) -> Member:
        """Let somebody in; who had the same identity is thrown out."""
        self.leave(room, info.identity, Reason.DUPLICATE_IDENTITY)
        info.sid = info.sid or new_id("PA")
        info.state = pb_models.ParticipantInfo.ACTIVE
        info.joined_at = int(time.time())
        member = Member(info)
        self.ensure(room).members[info.identity] = member
        return member

    def join_caller(self, room: str, number: str, *, call_id: str | None = None) -> Member:
        """A caller's leg, as an inbound SIP call brings it."""
        attributes = {
            "sip.callID": call_id or new_id("SCL"),
            "sip.callStatus": "active",
            "sip.phoneNumber": number,
            "sip.ruleID": "SDR_loopback",
        }
        kind = pb_models.ParticipantInfo.SIP
        return self.join(
            room,
            pb_models.ParticipantInfo(identity=f"sip_{number}", kind=kind, attributes=attributes),
        )

    def leave(self, room: str, identity: str, why: Reason) -> bool:
        """Somebody goes; whether they were there."""
        member = self.rooms[room].members.pop(identity, None) if room in self.rooms else None
        if member is None:
            return False
        member.why = why
        member.info.disconnect_reason = why
        if "sip.callStatus" in member.info.attributes:
            member.info.attributes["sip.callStatus"] = "hangup"
        member.gone.set()
        self._on_leave(room, identity, Reason.Name(why))
        return True

    # RoomService.

    def create_room(self, request: pb_room.CreateRoomRequest) -> pb_models.Room:
        """CreateRoom: an existing room is returned as it is."""
        room = self.ensure(request.name)
        room.info.metadata = request.metadata or room.info.metadata
        room.info.departure_timeout = request.departure_timeout
        for agent in request.agents:
            self._dispatch(room, pb_agent.AgentDispatch(agent_name=agent.agent_name, metadata=agent.metadata))
        return room.as_info()

    def list_rooms(self, request: pb_room.ListRoomsRequest) -> pb_room.ListRoomsResponse:
        """ListRooms."""
        found = [r.as_info() for name, r in self.rooms.items() if not request.names or name in request.names]
        return pb_room.ListRoomsResponse(rooms=found)

    def delete_room(self, request: pb_room.DeleteRoomRequest) -> pb_room.DeleteRoomResponse:
        """DeleteRoom: everybody is thrown out."""
        room = self.named(request.room)
        for identity in list(room.members):
            self.leave(request.room, identity, Reason.ROOM_DELETED)
        del self.rooms[request.room]
        return pb_room.DeleteRoomResponse()

    def update_room_metadata(self, request: pb_room.UpdateRoomMetadataRequest) -> pb_models.Room:
        """UpdateRoomMetadata."""
        room = self.named(request.room)
        room.info.metadata = request.metadata
        return room.as_info()

    def list_participants(self, request: pb_room.ListParticipantsRequest) -> pb_room.ListParticipantsResponse:
        """ListParticipants."""
        members = self.rooms[request.room].members.values() if request.room in self.rooms else ()
        return pb_room.ListParticipantsResponse(participants=[member.info for member in members])

    def get_participant(self, request: pb_room.RoomParticipantIdentity) -> pb_models.ParticipantInfo:
        """GetParticipant."""
        return self.member(request.room, request.identity).info

    def remove_participant(
        self, request: pb_room.RoomParticipantIdentity
    ) -> pb_room.RemoveParticipantResponse:
        """RemoveParticipant: a telephone that rings stops ringing."""
        self.member(request.room, request.identity)
        self.leave(request.room, request.identity, Reason.PARTICIPANT_REMOVED)
        return pb_room.RemoveParticipantResponse()

    def update_participant(self, request: pb_room.UpdateParticipantRequest) -> pb_models.ParticipantInfo:
        """UpdateParticipant."""
        info = self.member(request.room, request.identity).info
        info.metadata, info.name = request.metadata or info.metadata, request.name or info.name
        info.attributes.update(request.attributes)
        if request.HasField("permission"):
            info.permission.CopyFrom(request.permission)
        return info

    def update_subscriptions(
        self, request: pb_room.UpdateSubscriptionsRequest
    ) -> pb_room.UpdateSubscriptionsResponse:
        """UpdateSubscriptions: the log shows who was to hear what."""
        self.member(request.room, request.identity)
        return pb_room.UpdateSubscriptionsResponse()

    def mute_published_track(self, request: pb_room.MuteRoomTrackRequest) -> pb_room.MuteRoomTrackResponse:
        """MutePublishedTrack: one way only, as servers are configured by default."""
        self.member(request.room, request.identity)
        if not request.muted:
            raise TwirpError("failed_precondition", "remote unmute not enabled")
        return pb_room.MuteRoomTrackResponse()

    # AgentDispatchService.

    def create_dispatch(self, request: pb_agent.CreateAgentDispatchRequest) -> pb_agent.AgentDispatch:
        """CreateDispatch: makes the room when it does not exist."""
        dispatch = pb_agent.AgentDispatch(agent_name=request.agent_name, metadata=request.metadata)
        return self._dispatch(self.ensure(request.room), dispatch)

    def delete_dispatch(self, request: pb_agent.DeleteAgentDispatchRequest) -> pb_agent.AgentDispatch:
        """DeleteDispatch."""
        dispatch = self.named(request.room).dispatches.pop(request.dispatch_id, None)
        if dispatch is None:
            raise TwirpError("not_found", "dispatch not found")
        return dispatch

    def list_dispatch(self, request: pb_agent.ListAgentDispatchRequest) -> pb_agent.ListAgentDispatchResponse:
        """ListDispatch."""
        found = [
            dispatch
            for dispatch in self.named(request.room).dispatches.values()
            if request.dispatch_id in ("", dispatch.id)
        ]
        return pb_agent.ListAgentDispatchResponse(agent_dispatches=found)

    def _dispatch(self, room: Room, dispatch: pb_agent.AgentDispatch) -> pb_agent.AgentDispatch:
        dispatch.id, dispatch.room = new_id("AD"), room.info.name
        room.dispatches[dispatch.id] = dispatch
        return dispatch

    # Finding.

    def named(self, name: str) -> Room:
        """The room; TwirpError not_found."""
        if name not in self.rooms:
            raise TwirpError("not_found", "requested room does not exist")
        return self.rooms[name]

    def member(self, room: str, identity: str) -> Member:
        """Somebody in a room; TwirpError not_found."""
        members = self.rooms[room].members if room in self.rooms else {}
        if identity not in members:
            raise TwirpError("not_found", "participant does not exist")
        return members[identity]
