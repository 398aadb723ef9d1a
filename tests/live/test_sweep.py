"""Calls that nobody has are found by the ledger, and get a process or an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from livekit import api
from livekit.protocol import models as pb

from callisi_runtime.ledger import CallRow, Ledger
from callisi_runtime.live.sweep import EVERY_SECONDS, GONE_SECONDS, LOOKS, Sweep
from callisi_runtime.loopback.livekit import API_KEY, API_SECRET, LiveKitServer

from .watching import CALLER, ROOM, agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def livekit() -> AsyncIterator[LiveKitServer]:
    async with LiveKitServer() as server:
        yield server


@pytest.fixture
async def sweep(livekit: LiveKitServer, tmp_path: Path) -> AsyncIterator[Sweep]:
    """A sweep over a ledger with one call that goes on."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    await ledger.open()
    await ledger.begin_call(CallRow("SCL_1", "clara", CALLER, ledger.clock(), ROOM, epoch=2))
    async with api.LiveKitAPI(livekit.url, API_KEY, API_SECRET, failover=False) as lk:
        yield Sweep(lk, ledger, "clara")
    await ledger.close()


async def look(sweep: Sweep, times: int = LOOKS) -> None:
    for _ in range(times):
        await sweep.look()


async def test_a_caller_without_an_agent_gets_one(livekit: LiveKitServer, sweep: Sweep) -> None:
    livekit.rooms.join_caller(ROOM, CALLER)
    await look(sweep)
    (request,) = livekit.log.of("CreateDispatch")
    assert isinstance(request.body, dict)
    assert request.body["room"] == ROOM
    assert '"epoch": 3' in request.body["metadata"]
    assert sweep.rescued == 1


async def test_a_rescue_under_way_is_not_disturbed(livekit: LiveKitServer, sweep: Sweep) -> None:
    livekit.rooms.join_caller(ROOM, CALLER)
    await look(sweep, LOOKS - 1)
    livekit.rooms.join(ROOM, agent("AJ_2", 3))
    await look(sweep)
    livekit.rooms.leave(ROOM, agent("AJ_2", 3).identity, pb.DisconnectReason.CLIENT_INITIATED)
    await look(sweep, LOOKS - 1)
    assert not livekit.log.of("CreateDispatch")


async def test_a_leg_without_its_caller_is_ended(livekit: LiveKitServer, sweep: Sweep) -> None:
    livekit.rooms.join(ROOM, pb.ParticipantInfo(identity="human-1", attributes={"callisi.role": "staff"}))
    await look(sweep)
    assert livekit.log.of("DeleteRoom")
    assert not livekit.log.of("CreateDispatch")


async def test_a_call_that_goes_on_is_left_alone(livekit: LiveKitServer, sweep: Sweep) -> None:
    livekit.rooms.join_caller(ROOM, CALLER)
    livekit.rooms.join(ROOM, agent("AJ_1", 2))
    await look(sweep, 5)
    assert not livekit.log.of("CreateDispatch")
    assert not livekit.log.of("DeleteRoom")


async def test_a_call_whose_room_is_gone_is_written_down_as_ended(
    livekit: LiveKitServer, sweep: Sweep
) -> None:
    await look(sweep, int(GONE_SECONDS / EVERY_SECONDS) - 1)
    assert (await row(sweep)).ended is None
    await sweep.look()
    assert (await row(sweep)).outcome == "lost"
    assert (await row(sweep)).ended is not None


async def test_calls_of_another_agent_are_not_touched(livekit: LiveKitServer, sweep: Sweep) -> None:
    sweep.agent = "paul"
    livekit.rooms.join_caller(ROOM, CALLER)
    await look(sweep, 4)
    assert not livekit.log.of("CreateDispatch")


async def test_a_server_that_fails_ends_nothing(livekit: LiveKitServer, sweep: Sweep) -> None:
    livekit.rooms.join_caller(ROOM, CALLER)
    livekit.faults.add("ListParticipants", "status:503", times=3)
    await look(sweep, 3)
    assert not livekit.log.of("CreateDispatch")
    assert not livekit.log.of("DeleteRoom")


class TestRoomsThatTheLedgerDoesNotKnow:
    """Their calls began while it was away."""

    ELSEWHERE = "call-_2_def"

    async def test_a_caller_whom_we_were_sent_to_gets_an_agent(
        self, livekit: LiveKitServer, sweep: Sweep
    ) -> None:
        livekit.rooms.join_caller(self.ELSEWHERE, CALLER)
        await look(sweep)
        assert not livekit.log.of("CreateDispatch")
        request = api.CreateAgentDispatchRequest(agent_name="clara", room=self.ELSEWHERE)
        await sweep.lk.agent_dispatch.create_dispatch(request)
        await look(sweep)
        _, rescue = livekit.log.of("CreateDispatch")
        assert isinstance(rescue.body, dict)
        assert rescue.body["room"] == self.ELSEWHERE

    async def test_a_caller_who_was_refused_is_not_answered_by_the_way(
        self, livekit: LiveKitServer, sweep: Sweep
    ) -> None:
        ringing = livekit.rooms.join_caller(self.ELSEWHERE, CALLER)
        ringing.info.attributes["sip.callStatus"] = "ringing"
        request = api.CreateAgentDispatchRequest(agent_name="clara", room=self.ELSEWHERE)
        await sweep.lk.agent_dispatch.create_dispatch(request)
        await look(sweep, 5)
        assert len(livekit.log.of("CreateDispatch")) == 1
        assert not livekit.log.of("DeleteRoom")

    async def test_legs_of_ours_without_a_caller_are_ended(
        self, livekit: LiveKitServer, sweep: Sweep
    ) -> None:
        staff = pb.ParticipantInfo(identity="human-1", attributes={"callisi.role": "staff"})
        livekit.rooms.join(self.ELSEWHERE, staff)
        livekit.rooms.join(self.ELSEWHERE, agent("AJ_9", 0))
        await look(sweep)
        (ended,) = livekit.log.of("DeleteRoom")
        assert isinstance(ended.body, dict)
        assert ended.body["room"] == self.ELSEWHERE

    async def test_what_is_not_ours_is_left_alone(self, livekit: LiveKitServer, sweep: Sweep) -> None:
        livekit.rooms.join("a-meeting", pb.ParticipantInfo(identity="somebody"))
        await look(sweep, 5)
        assert not livekit.log.of("DeleteRoom")
        assert not livekit.log.of("CreateDispatch")

    async def test_a_call_that_goes_on_is_not_disturbed(self, livekit: LiveKitServer, sweep: Sweep) -> None:
        livekit.rooms.join_caller(self.ELSEWHERE, CALLER)
        livekit.rooms.join(self.ELSEWHERE, agent("AJ_9", 0))
        await look(sweep, 5)
        assert not livekit.log.of("DeleteRoom")
        assert not livekit.log.of("CreateDispatch")


async def row(sweep: Sweep) -> CallRow:
    found = await sweep.ledger.call("SCL_1")
    assert found is not None
    return found
