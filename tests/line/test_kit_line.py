"""The line itself, without Callisi: a caller, a room, a member of staff."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from .kit.agent import ROOM_RATE, RoomAgent
from .kit.audio import RATE, babble, resample, tone
from .kit.hearing import TONES
from .kit.lines import CALLED_URI, assert_nothing_left, close_rooms, dial_request, provision

if TYPE_CHECKING:
    from livekit import api

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


async def test_what_is_left_behind_is_named(lk: api.LiveKitAPI, carrier: Phone) -> None:
    await provision(lk, direct_room="reception")
    async with RoomAgent("reception"):
        with pytest.raises(AssertionError, match="room reception with \\['agent-clara'\\]"):
            await assert_nothing_left(lk)
