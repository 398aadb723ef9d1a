"""The line itself, without Callisi: a caller, a room, a member of staff."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest
from livekit import api

from .kit import plain_worker
from .kit.agent import ROOM_RATE, RoomAgent
from .kit.audio import RATE, babble, resample, tone
from .kit.baresip import Baresip
from .kit.call import Ending
from .kit.hearing import TONES
from .kit.lines import CALLED_URI, STAFF_NUMBER, assert_nothing_left, close_rooms, dial_request, provision
from .kit.net import STAFF
from .kit.refer import referred, report
from .kit.sipp import Sipp, answers, rejects
from .kit.worker import Worker

if TYPE_CHECKING:
    from pathlib import Path

    from .kit.box import Box
    from .kit.phone import Phone

pytestmark = pytest.mark.line


async def test_a_call_is_answered_and_the_agent_is_heard(lk: api.LiveKitAPI, carrier: Phone) -> None:
    await provision(lk, direct_room="reception")
    async with RoomAgent("reception") as agent:
        await agent.publish_tone("clara", TONES["clara"])
        calling = await carrier.call(CALLED_URI)
        await calling.answered()
        await calling.until_tone("clara")
        calling.press("1")
        await agent.until("key 1 from sip_+4930111")
        await calling.hang_up()
        await agent.until("participant_disconnected sip_+4930111")


async def test_a_sentence_said_in_the_room_is_recognised_on_the_telephone(
    lk: api.LiveKitAPI, carrier: Phone
) -> None:
    await provision(lk, direct_room="reception")
    sentence = babble(2.0, seed=1, rate=ROOM_RATE)
    async with RoomAgent("reception") as agent:
        await agent.publish("clara", sentence)
        calling = await carrier.call(CALLED_URI)
        await calling.answered()
        match = await calling.until_heard(resample(sentence, ROOM_RATE, RATE))
        assert match.score > 0.6
        assert not calling.heard(babble(2.0, seed=2))
        await calling.hang_up()


async def test_staff_is_dialled_into_the_room_and_hears_the_caller(
    lk: api.LiveKitAPI, carrier: Phone, staff_phone: Phone
) -> None:
    lines = await provision(lk, direct_room="reception")
    async with RoomAgent("reception") as agent:
        await agent.publish("clara")
        calling = await carrier.call(CALLED_URI)
        calling.background(tone(TONES["caller"]))
        await calling.answered()
        dialling = asyncio.create_task(
            lk.sip.create_sip_participant(dial_request(lines, "reception"), timeout=18)
        )
        ringing = await staff_phone.rings()
        ringing.ring()
        ringing.background(tone(TONES["staff"]))
        await ringing.answer()
        await dialling
        await asyncio.gather(ringing.until_tone("caller"), calling.until_tone("staff"))
        await close_rooms(lk)
        await asyncio.gather(ringing.over(), calling.over())


@pytest.mark.parametrize("code", [200, 486])
async def test_a_transfer_by_refer_reports_what_the_carrier_said(
    lk: api.LiveKitAPI, carrier: Phone, code: int
) -> None:
    await provision(lk, direct_room="reception")
    transfer = api.TransferSIPParticipantRequest(
        room_name="reception", participant_identity="sip_+4930111", transfer_to="tel:+49303"
    )
    async with RoomAgent("reception") as agent:
        await agent.publish("clara")
        calling = await carrier.call(CALLED_URI)
        await calling.answered()
        transferring = asyncio.create_task(lk.sip.transfer_sip_participant(transfer))
        carrier.respond(calling, await referred(calling), 202)
        await report(calling, code)
        if code == 200:
            await transferring
            assert (await calling.over()).how is Ending.REMOTE_HUNG_UP
        else:
            with pytest.raises(api.SipCallError) as failed:
                await transferring
            assert failed.value.sip_status_code == code
            assert calling.up


async def test_what_is_left_behind_is_named(lk: api.LiveKitAPI, carrier: Phone) -> None:
    await provision(lk, direct_room="reception")
    async with RoomAgent("reception"):
        with pytest.raises(AssertionError, match="room reception with \\['agent-clara'\\]"):
            await assert_nothing_left(lk)


async def test_a_killed_server_comes_back_and_serves(box: Box, lk: api.LiveKitAPI, carrier: Phone) -> None:
    await box.restart("sip")
    await provision(lk, direct_room="reception")
    async with RoomAgent("reception") as agent:
        await agent.publish("clara")
        calling = await carrier.call(CALLED_URI)
        await calling.answered()
        await calling.hang_up()


async def test_a_worker_answers_and_leaves_nothing(
    box: Box, lk: api.LiveKitAPI, carrier: Phone, run_folder: Path
) -> None:
    await provision(lk, agent=plain_worker.AGENT)
    command = [sys.executable, "-m", plain_worker.__name__]
    env = {**box.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
    async with Worker(command, env=env, folder=run_folder, name="plain"):
        calling = await carrier.call(CALLED_URI)
        await calling.answered()
        await calling.until_tone("clara")
        assert any(plain_worker.__name__ in stranger for stranger in box.strangers())
        await calling.hang_up()
        await assert_nothing_left(lk, within=3.0)
    assert box.strangers() == []


class TestOtherTelephones:
    @pytest.mark.line("sipp")
    @pytest.mark.parametrize(("code", "refused"), [(486, "resource_exhausted"), (603, "permission_denied")])
    async def test_sipp_rejects(self, lk: api.LiveKitAPI, tmp_path: Path, code: int, refused: str) -> None:
        lines = await provision(lk)
        async with RoomAgent("reception"), Sipp(STAFF, rejects(code), tmp_path, ring=0.1) as phone:
            with pytest.raises(api.SipCallError) as failed:
                await lk.sip.create_sip_participant(dial_request(lines, "reception"), timeout=18)
            await phone.done()
        assert (failed.value.sip_status_code, failed.value.code) == (code, refused)

    @pytest.mark.line("sipp")
    async def test_sipp_answers_and_presses_one(self, lk: api.LiveKitAPI, tmp_path: Path) -> None:
        lines = await provision(lk)
        async with Sipp(STAFF, answers(presses_one_after=0.3), tmp_path, ring=0.1) as phone:
            async with RoomAgent("reception") as agent:
                await lk.sip.create_sip_participant(dial_request(lines, "reception"), timeout=18)
                await agent.until("key 1 from staff-1")
            await phone.done()

    @pytest.mark.line("baresip")
    async def test_baresip_answers_speaks_listens_and_presses(
        self, lk: api.LiveKitAPI, tmp_path: Path
    ) -> None:
        lines = await provision(lk)
        request = dial_request(lines, "reception")
        sentence = babble(2.0, seed=1, rate=ROOM_RATE)
        async with Baresip(STAFF, STAFF_NUMBER, tmp_path, says=tone(TONES["staff"], 20.0)) as phone:
            async with RoomAgent("reception") as agent:
                await agent.publish("clara", sentence)
                dialling = asyncio.create_task(lk.sip.create_sip_participant(request, timeout=18))
                await phone.until("CALL_INCOMING")
                await phone.accept()
                await dialling
                await phone.press("1")
                await agent.until("key 1 from staff-1")
                await asyncio.sleep(
                    4.5
                )  # two rounds of the sentence: a recording is read when it is complete
            await phone.until("CALL_CLOSED")
        assert phone.heard().find(resample(sentence, ROOM_RATE, RATE))
