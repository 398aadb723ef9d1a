"""What LiveKit is asked about a call: the real library, the loopback LiveKit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from livekit.protocol import models as pb_models
from livekit.protocol import sip as pb_sip

from callisi_runtime.carrier.own import Own
from callisi_runtime.ledger import CallRow
from callisi_runtime.loopback.livekit import LiveKitServer
from callisi_runtime.rca.causes import causes_of
from callisi_runtime.rca.evidence import Evidence
from callisi_runtime.rca.gather import gather
from callisi_runtime.rca.story import story_of
from callisi_runtime.settings import Settings

CALLER = "+491713920011"
GOES_ON = Evidence(CallRow("SCL_1", "clara", CALLER, 1000.0, "call-1", carrier_id="CA1"), promise_open=True)


@pytest.fixture
async def livekit() -> AsyncIterator[LiveKitServer]:
    async with LiveKitServer() as server:
        yield server


async def asked(server: LiveKitServer, *, secret: str | None = None, patience: float = 10.0) -> Evidence:
    environ = {
        "LIVEKIT_URL": server.url.replace("http", "ws", 1),
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": secret or server.api_secret,
    }
    return await gather(GOES_ON, Own(), Settings.from_environ(environ), patience=patience)


def enter_agent(server: LiveKitServer) -> None:
    kind = pb_models.ParticipantInfo.AGENT
    server.rooms.join("call-1", pb_models.ParticipantInfo(identity="agent-1", kind=kind))


def of_livekit(found: Evidence) -> list[str]:
    return [one for one in found.not_asked if one.startswith("LiveKit")]


async def test_a_call_that_goes_on_shows_who_is_in_its_room(livekit: LiveKitServer) -> None:
    livekit.rooms.join_caller("call-1", CALLER)
    enter_agent(livekit)
    livekit.rooms.join_caller("call-2", "+49300000000")
    livekit.trunks.create_outbound(
        pb_sip.CreateSIPOutboundTrunkRequest(
            trunk=pb_sip.SIPOutboundTrunkInfo(
                name="out", address="a.pstn.twilio.com", numbers=["+4930901820100"]
            )
        )
    )
    found = await asked(livekit)
    assert (found.room, found.present, found.outbound_trunks) == (True, ("agent", "telephone"), 1)
    assert of_livekit(found) == []
    assert causes_of(found) == []
    last = story_of(found)[-1]
    assert (last.source, last.what) == ("LiveKit", "has the call's room now; in it: agent, telephone")


async def test_a_caller_whom_the_agent_has_left_is_found(livekit: LiveKitServer) -> None:
    livekit.rooms.join_caller("call-1", CALLER)
    found = await asked(livekit)
    assert found.present == ("telephone",)
    (cause,) = causes_of(found)
    assert cause.name == "broke-off"
    assert cause.because.endswith("LiveKit has no agent in its room")


async def test_a_room_that_is_gone_is_no_fault_of_the_question(livekit: LiveKitServer) -> None:
    found = await asked(livekit)
    assert (found.room, found.present, found.outbound_trunks) == (False, (), 0)
    assert of_livekit(found) == []
    assert causes_of(found)[0].because.endswith("LiveKit has no room of it")
    over = replace(found, call=replace(found.call, ended=1060.0), promise_open=False)
    assert causes_of(over) == []


async def test_another_projects_key_is_named(livekit: LiveKitServer) -> None:
    found = await asked(livekit, secret="another-secret-of-more-than-32-characters")
    assert found.room is None
    (said,) = of_livekit(found)
    assert said.startswith("LiveKit: it refuses the key (401); check LIVEKIT_API_KEY")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("status:429", "LiveKit: it has had too many requests (429); wait a minute, then ask again"),
        ("status:503", "LiveKit: asked for the call's room it answers 503"),
        ("drop", "LiveKit: it does not answer; check LIVEKIT_URL"),
        ("hang", "LiveKit: it does not answer within 0.5 s"),
    ],
)
async def test_each_way_of_not_answering_is_one_sentence(
    livekit: LiveKitServer, fault: str, said: str
) -> None:
    livekit.faults.add("ListRooms", fault)
    found = await asked(livekit, patience=0.5 if fault == "hang" else 10.0)
    assert (found.room, found.outbound_trunks) == (None, None)
    (sentence,) = of_livekit(found)
    assert sentence.startswith(said)


@pytest.mark.parametrize("operation", ["ListParticipants", "ListSIPOutboundTrunk"])
async def test_a_server_that_hangs_at_a_later_question_does_not_hold_up_the_rest(
    livekit: LiveKitServer, operation: str
) -> None:
    livekit.rooms.join_caller("call-1", CALLER)
    livekit.faults.add(operation, "hang")
    found = await asked(livekit, patience=0.5)
    assert of_livekit(found) == [
        "LiveKit: it does not answer within 0.5 s; check that the server is not stuck"
    ]
    assert [one.source for one in story_of(found)] == ["ledger"]


async def test_a_server_without_its_sip_service_knows_its_rooms(livekit: LiveKitServer) -> None:
    livekit.rooms.join_caller("call-1", CALLER)
    livekit.faults.add("ListSIPOutboundTrunk", "status:503")
    found = await asked(livekit)
    assert (found.room, found.outbound_trunks) == (True, None)
    (said,) = of_livekit(found)
    assert said.startswith("LiveKit: asked for its outbound trunks it answers 503")
