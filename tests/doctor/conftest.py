"""A whole set-up on loopback in which everything is well: LiveKit, Twilio with one number, an agent, a ledger."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.protocol import agent_dispatch, room, sip

from callisi_runtime.doctor import Patient, Result, examine
from callisi_runtime.ledger import Ledger
from callisi_runtime.loopback.livekit import LiveKitServer
from callisi_runtime.loopback.twilio import TwilioServer

OURS = "+4930901820100"
STAFF = "+4930901820111"
MOBILE = "+4917012345678"
TRUNK = "Callisi-LiveKit-Trunk"


class TwilioOffice(TwilioServer):
    """Twilio with numbers and an account that can be anything."""

    def __init__(self) -> None:
        super().__init__()
        self.about: dict[str, Any] = {"status": "active", "type": "Full"}
        self.numbers: dict[str, dict[str, Any]] = {
            OURS: {"trunk_sid": "TK" + "1" * 32, "capabilities": {"voice": True, "sms": True}}
        }

    def routes(self) -> list[web.RouteDef]:
        own = "/2010-04-01/Accounts/{account}"
        return [
            web.get(f"{own}/IncomingPhoneNumbers.json", self._guarded(self._numbers)),
            web.get(f"{own}.json", self._guarded(self._about)),
            *super().routes(),
        ]

    async def _numbers(self, request: web.Request) -> web.Response:
        wanted = request.query.get("PhoneNumber")
        shown = [{"phone_number": key, **one} for key, one in self.numbers.items() if key == wanted]
        return web.json_response({"incoming_phone_numbers": shown, "page": 0, "next_page_uri": None})

    async def _about(self, _: web.Request) -> web.Response:
        return web.json_response({"sid": self.account_sid, **self.about})


@dataclass
class Office:
    """The set-up; tests break one thing in it."""

    livekit: LiveKitServer
    twilio: TwilioOffice
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    agent: str | None = None

    async def findings(self) -> dict[str, list[Result]]:
        return await examine(Patient(self.environ, self.agent))

    async def finding(self, check: str) -> list[Result]:
        return (await self.findings())[check]

    @property
    def lk(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self.livekit.url, self.livekit.api_key, self.livekit.api_secret)

    async def ledger(self) -> Ledger:
        ledger = Ledger(self.environ["CALLISI_DATABASE"])
        await ledger.open()
        return ledger


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with LiveKitServer() as livekit, TwilioOffice() as twilio:
        made = Office(livekit, twilio, tmp_path)
        made.environ = {
            "LIVEKIT_URL": livekit.url,
            "LIVEKIT_API_KEY": livekit.api_key,
            "LIVEKIT_API_SECRET": livekit.api_secret,
            "TWILIO_API_BASE": twilio.api_base,
            "TWILIO_ACCOUNT_SID": twilio.account_sid,
            "TWILIO_AUTH_TOKEN": twilio.auth_token,
            "TWILIO_PHONE_NUMBER": OURS,
            "TWILIO_SMS_TO": MOBILE,
            "DEFAULT_FORWARD_NUMBER": STAFF,
            "OPENAI_API_KEY": "loopback",
            "DEEPGRAM_API_KEY": "loopback",
            "CALLISI_DATABASE": f"sqlite:///{tmp_path}/callisi.db",
            "CALLISI_CACHE": str(tmp_path / "cache"),
            "CALLISI_HEALTH_PORT": "1",
        }
        made.agent = "agents/clara.yaml"
        await provision(made)
        yield made


@pytest.fixture
def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def provision(office: Office) -> None:
    """What docs/number.md leads to."""
    async with office.lk as lk:
        inbound = sip.SIPInboundTrunkInfo(
            name="in",
            numbers=[OURS],
            ringing_timeout=Duration(seconds=20),
            max_call_duration=Duration(seconds=4 * 3600),
        )
        trunk = await lk.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=inbound))
        await add_rule(lk, trunk.sip_trunk_id, "clara")
        await add_outbound(lk)


async def add_rule(lk: api.LiveKitAPI, trunk: str, agent: str) -> None:
    rule = sip.SIPDispatchRuleInfo(
        name="calls",
        trunk_ids=[trunk],
        rule=sip.SIPDispatchRule(dispatch_rule_individual=sip.SIPDispatchRuleIndividual(room_prefix="call-")),
        room_config=room.RoomConfiguration(agents=[agent_dispatch.RoomAgentDispatch(agent_name=agent)]),
    )
    await lk.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))


async def add_outbound(lk: api.LiveKitAPI, **changes: Any) -> None:
    values = {
        "name": TRUNK,
        "address": "callisi.pstn.twilio.com",
        "numbers": [OURS],
        "auth_username": "callisi",
        "auth_password": "a-Password-of-12",
    } | changes
    trunk = sip.SIPOutboundTrunkInfo(**values)
    await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
