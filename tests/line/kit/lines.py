"""Trunks and dispatch rules of a test, and the proof that a test left nothing behind."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from livekit import api

from .net import BRIDGE, CARRIER, STAFF

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OUR_NUMBER = "+49301"
"""The number that callers dial."""
STAFF_NUMBER = "+49302"
OUTBOUND_TRUNK = "Callisi-LiveKit-Trunk"
CALLED_URI = f"sip:{OUR_NUMBER}@{BRIDGE}:5060"
"""What the carrier's telephone dials to ring here."""
HEADERS = {"P-Asserted-Identity": "callisi.pai", "Privacy": "callisi.privacy"}


@dataclass(frozen=True, slots=True)
class Lines:
    """The ids of what was provisioned."""

    inbound: str
    outbound: str
    rule: str


async def provision(
    lk: api.LiveKitAPI,
    *,
    agent: str = "",
    metadata: str = "",
    direct_room: str = "",
    numbers: Sequence[str] = (OUR_NUMBER,),
    allowed_addresses: Sequence[str] = (CARRIER,),
    ringing_timeout: float = 10.0,
    headers_to_attributes: Mapping[str, str] = HEADERS,
    outbound_trunk: str = OUTBOUND_TRUNK,
    gateway: str = f"{STAFF}:5060",
    credentials: tuple[str, str] = ("", ""),
    hide_phone_number: bool = False,
    room_prefix: str = "call-",
    departure_timeout: int = 2,
) -> Lines:
    """Wipe every trunk and rule, and create one of each kind.

    With `direct_room` every call enters that room, else each gets its own; with `agent` the rule asks for a
    worker of that name. `gateway` is where dialled calls go, whatever their number.
    """
    await clear(lk)
    inbound = api.SIPInboundTrunkInfo(
        name="in",
        numbers=numbers,
        allowed_addresses=allowed_addresses,
        headers_to_attributes=headers_to_attributes,
        ringing_timeout=Duration(nanos=0, seconds=round(ringing_timeout)),
    )
    created_in = await lk.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=inbound))
    outbound = api.SIPOutboundTrunkInfo(
        name=outbound_trunk,
        address=gateway,
        numbers=[OUR_NUMBER],
        auth_username=credentials[0],
        auth_password=credentials[1],
    )
    created_out = await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=outbound))
    info = api.SIPDispatchRuleInfo(
        name="rule",
        trunk_ids=[created_in.sip_trunk_id],
        hide_phone_number=hide_phone_number,
        rule=_rule(direct_room, room_prefix),
        room_config=api.RoomConfiguration(
            agents=[api.RoomAgentDispatch(agent_name=agent, metadata=metadata)] if agent else [],
            departure_timeout=departure_timeout,
            empty_timeout=5,
        ),
    )
    rule = await lk.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=info))
    return Lines(created_in.sip_trunk_id, created_out.sip_trunk_id, rule.sip_dispatch_rule_id)


def _rule(direct_room: str, room_prefix: str) -> api.SIPDispatchRule:
    if direct_room:
        direct = api.SIPDispatchRuleDirect(room_name=direct_room)
        return api.SIPDispatchRule(dispatch_rule_direct=direct)
    individual = api.SIPDispatchRuleIndividual(room_prefix=room_prefix)
    return api.SIPDispatchRule(dispatch_rule_individual=individual)


async def clear(lk: api.LiveKitAPI) -> None:
    """Delete every dispatch rule and trunk."""
    for rule in (await lk.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items:
        wanted = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
        await lk.sip.delete_dispatch_rule(wanted)
    inbound = (await lk.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
    outbound = (await lk.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items
    for trunk in (*(trunk.sip_trunk_id for trunk in inbound), *(trunk.sip_trunk_id for trunk in outbound)):
        await lk.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk))


async def close_rooms(lk: api.LiveKitAPI) -> None:
    """End every call by force."""
    for name in await rooms(lk):
        try:
            await lk.room.delete_room(api.DeleteRoomRequest(room=name))
        except api.ServerError as error:
            if error.code != "not_found":
                raise


async def rooms(lk: api.LiveKitAPI) -> list[str]:
    """The rooms that exist."""
    return [room.name for room in (await lk.room.list_rooms(api.ListRoomsRequest())).rooms]


async def participants(lk: api.LiveKitAPI, room: str) -> list[str]:
    """The identities in a room, none when it does not exist."""
    try:
        listed = await lk.room.list_participants(api.ListParticipantsRequest(room=room))
    except api.ServerError as error:
        if error.code == "not_found":
            return []
        raise
    return [participant.identity for participant in listed.participants]


async def assert_nothing_left(lk: api.LiveKitAPI, *, within: float = 0.0) -> None:
    """Raises AssertionError when a room or participant is still there after `within` seconds."""
    until = time.monotonic() + within
    while left := await _left(lk):
        if time.monotonic() >= until:
            raise AssertionError(f"still there after the call: {'; '.join(left)}")
        await asyncio.sleep(0.05)


async def _left(lk: api.LiveKitAPI) -> list[str]:
    return [f"room {name} with {await participants(lk, name) or 'nobody'}" for name in await rooms(lk)]


def dial_request(
    lines: Lines,
    room: str,
    *,
    number: str = STAFF_NUMBER,
    identity: str = "staff-1",
    ringing_timeout: int = 10,
) -> api.CreateSIPParticipantRequest:
    """A request that rings the gateway's telephone into `room` and returns when it is answered."""
    return api.CreateSIPParticipantRequest(
        sip_trunk_id=lines.outbound,
        sip_call_to=number,
        room_name=room,
        participant_identity=identity,
        wait_until_answered=True,
        ringing_timeout=Duration(seconds=ringing_timeout),
    )
