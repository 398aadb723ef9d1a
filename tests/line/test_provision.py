"""What `callisi provision` makes of a real LiveKit server, and that a call comes in by it. Twilio is on loopback."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from livekit import api

from callisi_runtime.checks import load_agent
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.provision import RESOURCES, Options, World, apply, destroy, make_plan
from callisi_runtime.settings import Settings

from .kit.box import API_KEY, API_SECRET, URL
from .kit.net import BRIDGE, CARRIER

if TYPE_CHECKING:
    from pathlib import Path

    from .kit.phone import Phone

pytestmark = pytest.mark.line

OURS = "+4915799912345"
AGENT = "agents/clara.yaml"


class Office:
    """The settings of one line."""

    def __init__(self, twilio: TwilioServer, folder: Path) -> None:
        self.env_file = folder / ".env"
        self.environ = {
            "TWILIO_API_BASE": twilio.api_base,
            "TWILIO_ACCOUNT_SID": twilio.account_sid,
            "TWILIO_AUTH_TOKEN": twilio.auth_token,
            "TWILIO_PHONE_NUMBER": OURS,
            "DEFAULT_FORWARD_NUMBER": "+493090182011",
            "LIVEKIT_URL": URL,
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
            "LIVEKIT_SIP_URI": f"sip:{BRIDGE}:5060",
            "SIP_ALLOWED_ADDRESSES": CARRIER,
        }

    def world(self) -> World:
        written = self.env_file.read_text() if self.env_file.exists() else ""
        pairs = [line.split("=", 1) for line in written.splitlines() if "=" in line]
        environ = dict(pairs) | self.environ
        spec = load_agent(AGENT, environ).value
        return World(spec, Settings.from_environ(environ), RESOURCES, Options(env_file=self.env_file))

    async def run(self, work: Any, *more: Any) -> Any:
        async with self.world() as world:
            return await work(world, RESOURCES, *more)


def unheard(_: object) -> None:
    """Nobody reads the steps of a test."""


async def caller_in(lk: api.LiveKitAPI) -> api.ParticipantInfo:
    """The caller, as soon as a room has one."""
    async with asyncio.timeout(10):
        while True:
            rooms = (await lk.room.list_rooms(api.ListRoomsRequest())).rooms
            for room in rooms:
                held = await lk.room.list_participants(api.ListParticipantsRequest(room=room.name))
                if held.participants:
                    return held.participants[0]
            await asyncio.sleep(0.05)


async def test_a_real_server_takes_it_keeps_it_and_lets_a_call_in(
    lk: api.LiveKitAPI, carrier: Phone, tmp_path: Path
) -> None:
    async with TwilioServer() as twilio:
        twilio.parts["numbers"].add(OURS)  # type: ignore[attr-defined]
        office = Office(twilio, tmp_path)
        made = await office.run(apply, unheard)
        assert made.converged, made.after
        again = await office.run(apply, unheard)
        assert again.done == (), "what the server gives back is what it was given"

        calling = await carrier.call(
            f"sip:{OURS}@{BRIDGE}:5060", headers=[("P-Asserted-Identity", "<sip:+4930111@carrier.example>")]
        )
        attributes = (await caller_in(lk)).attributes
        assert attributes["sip.trunkPhoneNumber"] == OURS
        assert attributes["callisi.pai"] == "<sip:+4930111@carrier.example>"
        await calling.cancel()

        [inbound] = (await lk.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
        inbound.ringing_timeout.FromSeconds(100)
        await lk.sip.update_inbound_trunk(inbound.sip_trunk_id, inbound)
        [step] = (await office.run(make_plan)).changes
        assert [change.field for change in step.changes] == ["ringing_timeout"]
        assert (await office.run(apply, unheard)).converged

        gone = await office.run(destroy, unheard)
        assert gone.after.steps == ()
        assert (await lk.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items == []
