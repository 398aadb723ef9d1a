"""The real LiveKit API client against the loopback LiveKit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.protocol import sip as pb

from callisi_runtime.errors import UsageError
from callisi_runtime.loopback.livekit import API_KEY, API_SECRET, LiveKitServer
from callisi_runtime.loopback.telephones import Phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STAFF = "+4915112345678"
ROOM, HUMAN = "call-1", "human-1"


@pytest.fixture
async def livekit() -> AsyncIterator[LiveKitServer]:
    async with LiveKitServer() as server:
        yield server


@pytest.fixture
async def lk(livekit: LiveKitServer) -> AsyncIterator[api.LiveKitAPI]:
    async with api.LiveKitAPI(livekit.url, API_KEY, API_SECRET, failover=False) as client:
        yield client


async def outbound(lk: api.LiveKitAPI) -> str:
    trunk = pb.SIPOutboundTrunkInfo(name="out", address="x.pstn.twilio.com", numbers=["+49301"])
    made = await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
    return made.sip_trunk_id


async def dial(
    lk: api.LiveKitAPI, *, to: str = STAFF, identity: str = HUMAN, ring: float = 25.0, wait: bool = True
) -> pb.SIPParticipantInfo:
    request = api.CreateSIPParticipantRequest(
        sip_trunk_id=await outbound(lk),
        sip_call_to=to,
        room_name=ROOM,
        participant_identity=identity,
        wait_until_answered=wait,
        ringing_timeout=Duration(seconds=int(ring), nanos=int(ring % 1 * 1e9)),
        participant_attributes={"callisi.role": "human"},
    )
    return await lk.sip.create_sip_participant(request)


async def status_of(lk: api.LiveKitAPI, identity: str = HUMAN) -> str:
    who = api.RoomParticipantIdentity(room=ROOM, identity=identity)
    return (await lk.room.get_participant(who)).attributes["sip.callStatus"]


# Dialling.


async def test_an_answered_dial_returns_the_leg_which_is_then_in_the_room(lk: api.LiveKitAPI) -> None:
    leg = await dial(lk)
    assert (leg.participant_identity, leg.room_name) == (HUMAN, ROOM)
    present = (await lk.room.list_participants(api.ListParticipantsRequest(room=ROOM))).participants
    assert [p.attributes["callisi.role"] for p in present] == ["human"]
    assert await status_of(lk) == "active"


@pytest.mark.parametrize(
    ("does", "code", "status", "sip", "left"),
    [
        ("busy", "resource_exhausted", 429, 486, "USER_REJECTED"),
        ("600", "resource_exhausted", 429, 600, "USER_REJECTED"),
        ("unavailable", "resource_exhausted", 429, 480, "USER_UNAVAILABLE"),
        ("408", "deadline_exceeded", 408, 408, "USER_UNAVAILABLE"),
        ("487", "aborted", 409, 487, "USER_REJECTED"),
        ("declined", "permission_denied", 403, 603, "USER_REJECTED"),
        ("403", "permission_denied", 403, 403, "USER_REJECTED"),
        ("unreachable", "not_found", 404, 404, "USER_UNAVAILABLE"),
        ("302", "not_found", 404, 302, "CLIENT_INITIATED"),
        ("misconfigured", "invalid_argument", 400, 484, "USER_REJECTED"),
        ("488", "invalid_argument", 400, 488, "USER_REJECTED"),
        ("500", "failed_precondition", 412, 500, "CLIENT_INITIATED"),
        ("provider_down", "failed_precondition", 412, 503, "CLIENT_INITIATED"),
    ],
)
async def test_each_sip_answer_arrives_as_its_own_error(
    livekit: LiveKitServer, lk: api.LiveKitAPI, does: str, code: str, status: int, sip: int, left: str
) -> None:
    livekit.telephones.will(STAFF, does)
    with pytest.raises(api.SipCallError) as caught:
        await dial(lk)
    error = caught.value
    assert (error.code, error.status, int(error.sip_status_code or 0)) == (code, status, sip)
    assert livekit.log.of("left")[0].body == {"room": ROOM, "identity": HUMAN, "reason": left}


@pytest.mark.parametrize("phone", [Phone("no_answer"), Phone(silent=True), Phone(rings=60)])
async def test_ringing_out_is_a_plain_server_error_without_a_sip_status(
    livekit: LiveKitServer, lk: api.LiveKitAPI, phone: Phone
) -> None:
    livekit.telephones.will(STAFF, phone)
    with pytest.raises(api.ServerError) as caught:
        await dial(lk, ring=0.1)
    assert not isinstance(caught.value, api.SipCallError)
    assert (caught.value.code, caught.value.status) == ("canceled", 408)
    assert caught.value.message == "sip request timed out"


@pytest.mark.parametrize(
    ("does", "code", "status"),
    [
        ("required_auth", "failed_precondition", 412),
        ("bridge_down", "unavailable", 503),
        ("server_deadline", "deadline_exceeded", 408),
    ],
)
async def test_failures_before_any_telephone_rang_have_no_sip_status(
    livekit: LiveKitServer, lk: api.LiveKitAPI, does: str, code: str, status: int
) -> None:
    livekit.telephones.will("*", does)
    with pytest.raises(api.ServerError) as caught:
        await dial(lk)
    assert not isinstance(caught.value, api.SipCallError)
    assert (caught.value.code, caught.value.status) == (code, status)


@pytest.mark.parametrize(
    ("to", "trunk", "code"),
    [
        (STAFF, "ST_unknown", "not_found"),
        ("", None, "invalid_argument"),
        ("sip:a@b", None, "invalid_argument"),
    ],
)
async def test_a_dial_that_makes_no_sense_is_refused(
    lk: api.LiveKitAPI, to: str, trunk: str | None, code: str
) -> None:
    request = api.CreateSIPParticipantRequest(
        sip_trunk_id=trunk or await outbound(lk), sip_call_to=to, room_name=ROOM
    )
    with pytest.raises(api.ServerError) as caught:
        await lk.sip.create_sip_participant(request)
    assert caught.value.code == code


@pytest.mark.parametrize("how", ["participant", "room"])
async def test_removing_the_leg_stops_the_ringing(
    livekit: LiveKitServer, lk: api.LiveKitAPI, how: str
) -> None:
    livekit.telephones.will(STAFF, Phone(rings=60))
    dialling = asyncio.create_task(dial(lk, ring=90))
    await ringing(livekit)
    if how == "room":
        await lk.room.delete_room(api.DeleteRoomRequest(room=ROOM))
    else:
        await lk.room.remove_participant(api.RoomParticipantIdentity(room=ROOM, identity=HUMAN))
    with pytest.raises(api.ServerError) as caught:
        await dialling
    assert caught.value.code == "canceled"
    left = livekit.log.of("left")[0].body
    assert isinstance(left, dict)
    assert left["reason"] == ("ROOM_DELETED" if how == "room" else "PARTICIPANT_REMOVED")


async def ringing(livekit: LiveKitServer) -> None:
    await livekit.log.wait_for("CreateSIPParticipant")
    async with asyncio.timeout(5):
        while HUMAN not in livekit.rooms.ensure(ROOM).members:
            await asyncio.sleep(0)


async def test_cancelling_the_request_does_not_stop_the_telephone(
    livekit: LiveKitServer, lk: api.LiveKitAPI
) -> None:
    livekit.telephones.will(STAFF, Phone(rings=0.2, talks=0.05))
    dialling = asyncio.create_task(dial(lk))
    await ringing(livekit)
    dialling.cancel()
    await asyncio.gather(dialling, return_exceptions=True)
    assert await status_of(lk) == "ringing"
    left = (await livekit.log.wait_for("left"))[0].body  # answered, talked, hung up
    assert isinstance(left, dict)
    assert left["reason"] == "CLIENT_INITIATED"


async def test_without_waiting_the_dial_returns_while_it_rings(
    livekit: LiveKitServer, lk: api.LiveKitAPI
) -> None:
    livekit.telephones.will(STAFF, Phone("busy", rings=0.1))
    await dial(lk, wait=False)
    assert await status_of(lk) in {"dialing", "ringing"}
    await livekit.log.wait_for("left")


async def test_a_second_dial_of_a_ringing_identity_fails_and_leaves_the_first_alone(
    livekit: LiveKitServer, lk: api.LiveKitAPI
) -> None:
    livekit.dialling.second_dial_wait = 0.01
    livekit.telephones.will(STAFF, Phone(rings=0.3))
    first = asyncio.create_task(dial(lk))
    await ringing(livekit)
    with pytest.raises(api.ServerError) as caught:
        await dial(lk)
    assert (caught.value.code, caught.value.status) == ("internal", 500)
    assert (await first).participant_identity == HUMAN


async def test_dialling_a_connected_identity_throws_the_connected_leg_out(
    livekit: LiveKitServer, lk: api.LiveKitAPI
) -> None:
    await dial(lk)
    await dial(lk)
    left = livekit.log.of("left")[0].body
    assert isinstance(left, dict)
    assert left["reason"] == "DUPLICATE_IDENTITY"


async def test_a_person_hangs_up_after_the_talk(livekit: LiveKitServer, lk: api.LiveKitAPI) -> None:
    livekit.telephones.will(STAFF, Phone(talks=0.05))
    await dial(lk)
    left = (await livekit.log.wait_for("left"))[0].body
    assert isinstance(left, dict)
    assert left["reason"] == "CLIENT_INITIATED"


async def test_a_script_is_used_up_before_what_always_happens(
    livekit: LiveKitServer, lk: api.LiveKitAPI
) -> None:
    livekit.telephones.will(STAFF, "busy", times=1)
    livekit.telephones.will(STAFF, "declined")
    found = []
    for _ in range(3):
        with pytest.raises(api.SipCallError) as caught:
            await dial(lk)
        found.append(str(caught.value.sip_status_code))
    assert found == ["486", "603", "603"]


def test_a_telephone_that_does_the_impossible_is_refused() -> None:
    with pytest.raises(UsageError, match=r"got 'sings', allowed: answered, no_answer, busy"):
        Phone("sings")


# Transfer by REFER.


async def test_a_transfer_ends_the_leg_or_keeps_it(livekit: LiveKitServer, lk: api.LiveKitAPI) -> None:
    livekit.rooms.join_caller(ROOM, "+49301")
    livekit.telephones.will("+49302", "busy", times=1)

    async def refer(to: str) -> None:
        request = api.TransferSIPParticipantRequest(
            participant_identity="sip_+49301", room_name=ROOM, transfer_to=to
        )
        await lk.sip.transfer_sip_participant(request)

    with pytest.raises(api.SipCallError) as busy:
        await refer("tel:+49302")
    with pytest.raises(api.ServerError) as nonsense:
        await refer("+49302")
    assert (int(busy.value.sip_status_code or 0), nonsense.value.code) == (486, "invalid_argument")
    assert await status_of(lk, "sip_+49301") == "active"
    await refer("tel:+49302")
    assert livekit.rooms.ensure(ROOM).members == {}


# Trunks and rules.


def inbound_trunk(*numbers: str) -> api.CreateSIPInboundTrunkRequest:
    return api.CreateSIPInboundTrunkRequest(trunk=pb.SIPInboundTrunkInfo(name="in", numbers=numbers))


async def test_two_inbound_trunks_for_one_number_conflict(lk: api.LiveKitAPI) -> None:
    made = await lk.sip.create_inbound_trunk(inbound_trunk("+49301"))
    with pytest.raises(api.ServerError, match="Conflicting inbound SIP Trunks") as caught:
        await lk.sip.create_inbound_trunk(inbound_trunk("+49301", "+49302"))
    assert caught.value.code == "invalid_argument"
    listed = await lk.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest(numbers=["+49301"]))
    assert [trunk.sip_trunk_id for trunk in listed.items] == [made.sip_trunk_id]


async def test_trunks_are_changed_by_field_or_as_a_whole_and_deleted(lk: api.LiveKitAPI) -> None:
    made = await lk.sip.create_inbound_trunk(inbound_trunk("+49301"))
    key = made.sip_trunk_id
    changed = await lk.sip.update_inbound_trunk_fields(key, numbers=["+49302"], name="renamed")
    assert (list(changed.numbers), changed.name) == (["+49302"], "renamed")
    whole = pb.SIPInboundTrunkInfo(name="whole", numbers=["+49303"], ringing_timeout=Duration(seconds=10))
    replaced = await lk.sip.update_inbound_trunk(key, whole)
    assert (replaced.sip_trunk_id, replaced.ringing_timeout.seconds) == (key, 10)
    await lk.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=key))
    with pytest.raises(api.ServerError, match="requested sip trunk does not exist"):
        await lk.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=key))


async def test_trunks_that_could_not_work_are_refused(lk: api.LiveKitAPI) -> None:
    with pytest.raises(api.ServerError, match="one of the fields must be set"):
        await lk.sip.create_inbound_trunk(inbound_trunk())
    uri = pb.SIPOutboundTrunkInfo(address="sip:x.pstn.twilio.com", numbers=["+49301"])
    with pytest.raises(api.ServerError, match="not SIP URI"):
        await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=uri))


async def test_a_rule_keeps_its_agents_and_two_rules_for_one_trunk_conflict(lk: api.LiveKitAPI) -> None:
    individual = pb.SIPDispatchRuleIndividual(room_prefix="call-")
    rule = pb.SIPDispatchRuleInfo(
        name="r",
        trunk_ids=["ST_1"],
        rule=pb.SIPDispatchRule(dispatch_rule_individual=individual),
        room_config=api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name="clara")]),
    )
    made = await lk.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))
    with pytest.raises(api.ServerError, match="Conflicting SIP Dispatch Rules"):
        await lk.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))
    listed = (await lk.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items
    assert [r.room_config.agents[0].agent_name for r in listed] == ["clara"]
    gone = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=made.sip_dispatch_rule_id)
    await lk.sip.delete_dispatch_rule(gone)
    assert not (await lk.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items


# Rooms and agents.


async def test_an_agent_is_dispatched_listed_and_withdrawn(lk: api.LiveKitAPI) -> None:
    request = api.CreateAgentDispatchRequest(agent_name="clara", room=ROOM, metadata='{"epoch": 2}')
    made = await lk.agent_dispatch.create_dispatch(request)
    assert [d.metadata for d in await lk.agent_dispatch.list_dispatch(ROOM)] == ['{"epoch": 2}']
    await lk.agent_dispatch.delete_dispatch(made.id, ROOM)
    assert await lk.agent_dispatch.list_dispatch(ROOM) == []


async def test_muting_works_and_unmuting_does_not(livekit: LiveKitServer, lk: api.LiveKitAPI) -> None:
    livekit.rooms.join_caller(ROOM, "+49301")

    async def mute(muted: bool) -> None:
        request = api.MuteRoomTrackRequest(room=ROOM, identity="sip_+49301", track_sid="TR_1", muted=muted)
        await lk.room.mute_published_track(request)

    await mute(True)
    with pytest.raises(api.ServerError, match="remote unmute not enabled") as caught:
        await mute(False)
    assert caught.value.status == 412


async def test_what_only_the_cloud_can_do_is_not_implemented(lk: api.LiveKitAPI) -> None:
    with pytest.raises(api.ServerError, match="not implemented") as caught:
        await lk.room.move_participant(
            api.MoveParticipantRequest(room=ROOM, identity=HUMAN, destination_room="x")
        )
    assert (caught.value.code, caught.value.status) == ("unknown", 500)


async def test_someone_who_is_not_there_is_not_found(lk: api.LiveKitAPI) -> None:
    with pytest.raises(api.ServerError) as caught:
        await lk.room.remove_participant(api.RoomParticipantIdentity(room=ROOM, identity="nobody"))
    assert caught.value.code == "not_found"


# Tokens and faults.


@pytest.mark.parametrize(
    ("key", "secret"), [("other", API_SECRET), (API_KEY, "wrong-secret-of-more-than-32-characters")]
)
async def test_a_wrong_key_or_secret_is_401_without_words(
    livekit: LiveKitServer, key: str, secret: str
) -> None:
    async with api.LiveKitAPI(livekit.url, key, secret, failover=False) as lk:
        with pytest.raises(api.ServerError) as caught:
            await lk.room.list_rooms(api.ListRoomsRequest())
    assert (caught.value.code, caught.value.status, caught.value.message) == ("unknown", 401, "")


async def test_a_token_without_the_grant_is_refused(livekit: LiveKitServer) -> None:
    grants = api.VideoGrants(room_admin=True, room="another")
    token = api.AccessToken(API_KEY, API_SECRET).with_grants(grants).to_jwt()
    async with api.LiveKitAPI.with_token(token, livekit.url, failover=False) as lk:
        with pytest.raises(api.ServerError, match="permissions denied"):
            await lk.room.list_participants(api.ListParticipantsRequest(room=ROOM))
        with pytest.raises(api.ServerError, match="permissions denied"):
            await lk.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("status:429", api.ServerError, "resource_exhausted"),
        ("status:500", api.ServerError, "internal"),
        ("status:502", api.ServerError, "unknown"),
        ("status:503", api.ServerError, "unavailable"),
        ("hang", TimeoutError, None),
        ("slow:30", TimeoutError, None),
        ("accept_then_hang", TimeoutError, None),
        ("hang_mid", TimeoutError, None),
        ("drop", aiohttp.ClientError, None),
        ("drop_mid", aiohttp.ClientError, None),
        ("accept_then_drop", aiohttp.ClientError, None),
    ],
)
async def test_the_client_meets_every_fault(
    livekit: LiveKitServer, fault: str, error: type[Exception], code: str | None
) -> None:
    livekit.faults.add("CreateDispatch", fault, times=None)
    request = api.CreateAgentDispatchRequest(agent_name="clara", room=ROOM)
    async with api.LiveKitAPI(livekit.url, API_KEY, API_SECRET, failover=False) as lk:
        with pytest.raises(error) as caught:
            async with asyncio.timeout(0.3):  # the client's own patience is longer than a test's
                await lk.agent_dispatch.create_dispatch(request)
    assert getattr(caught.value, "code", None) == code
    done = fault.startswith("accept") or fault.endswith("_mid")
    assert (ROOM in livekit.rooms.rooms) == done


async def test_the_log_shows_what_was_dialled_and_no_password(
    livekit: LiveKitServer, lk: api.LiveKitAPI
) -> None:
    trunk = pb.SIPOutboundTrunkInfo(
        address="x", numbers=["+49301"], auth_username="u", auth_password="geheim"
    )
    await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
    assert "geheim" not in str(livekit.log.as_json())
    assert "auth_username" in str(livekit.log.as_json())
