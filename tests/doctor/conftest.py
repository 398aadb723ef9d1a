"""A whole set-up on loopback in which everything is well: LiveKit, SIP, Twilio with a number and a trunk, an agent."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.protocol import agent_dispatch, room, sip

from callisi_runtime.doctor import Patient, Result, examine
from callisi_runtime.ledger import Ledger
from callisi_runtime.loopback.livekit import LiveKitServer
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.twilio_spec import SpecChecker, find_spec_folder

from .sip_peer import SipPeer

OURS = "+4930901820100"
STAFF = "+4930901820111"
MOBILE = "+4917012345678"
TRUNK = "Callisi-LiveKit-Trunk"
DOMAIN = "callisi.pstn.twilio.com"
LONGEST = 60.0
"""Seconds for a check, so that a slow machine is not taken for a fault."""


@dataclass
class Office:
    """The set-up; tests break one thing in it."""

    livekit: LiveKitServer
    twilio: TwilioServer
    sip: SipPeer
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    agent: str | None = None
    patience: float = 30.0

    def patient(self, **changes: Any) -> Patient:
        return Patient(self.environ, self.agent, patience=self.patience, **changes)

    async def findings(self, **changes: Any) -> dict[str, list[Result]]:
        return await examine(self.patient(**changes), longest=LONGEST)

    async def finding(self, check: str) -> list[Result]:
        return (await examine(self.patient(), only={check}, longest=LONGEST))[check]

    @property
    def lk(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self.livekit.url, self.livekit.api_key, self.livekit.api_secret)

    def part(self, name: str) -> Any:
        return self.twilio.parts[name]

    @property
    def number(self) -> dict[str, Any]:
        return next(iter(self.part("numbers").owned.values()))

    @property
    def trunk(self) -> dict[str, Any]:
        return next(iter(self.part("trunking").trunks.values()))

    @property
    def url(self) -> dict[str, Any]:
        return next(iter(self.part("trunking").urls.values()))

    async def ledger(self) -> Ledger:
        ledger = Ledger(self.environ["CALLISI_DATABASE"])
        await ledger.open()
        return ledger

    def extend(self, text: str, variant: str = "forward_sms") -> None:
        """The agent becomes one that extends a variant with this YAML."""
        file = self.folder / "own.yaml"
        above = Path(f"variants/{variant}.yaml").resolve()
        file.write_text(f"extends: {above}\nname: clara\n{text}", encoding="utf-8")
        self.agent = str(file)


@pytest.fixture(scope="session")
def checker() -> SpecChecker | None:
    """Twilio's own description of its API, where it is at hand."""
    folder = find_spec_folder()
    return None if folder is None else SpecChecker(folder)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Tests break one thing in it."""
    async with LiveKitServer() as livekit, TwilioServer() as twilio, SipPeer() as peer:
        made = Office(livekit, twilio, peer, tmp_path)
        made.environ = {
            "LIVEKIT_URL": livekit.url,
            "LIVEKIT_API_KEY": livekit.api_key,
            "LIVEKIT_API_SECRET": livekit.api_secret,
            "LIVEKIT_SIP_URI": f"sip:127.0.0.1:{peer.port};transport=tcp",
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
    trunking, users = office.part("trunking"), office.part("sip")
    trunk = trunking.add_trunk(
        TRUNK,
        DOMAIN,
        auth_type="CREDENTIAL_LIST",
        auth_type_set=["CREDENTIAL_LIST"],
        disaster_recovery_url="https://handler.twilio.com/twiml/EH1",
    )
    trunking.add_url(trunk["sid"], office.environ["LIVEKIT_SIP_URI"])
    listed = users.add_list("callisi")
    users.add_user(listed["sid"], "callisi", "a-Password-of-12")
    trunking.credential_lists[trunk["sid"]].append(listed["sid"])
    office.part("numbers").add(OURS, trunk_sid=trunk["sid"])
    async with office.lk as lk:
        inbound = sip.SIPInboundTrunkInfo(
            name="in",
            numbers=[OURS],
            ringing_timeout=Duration(seconds=20),
            max_call_duration=Duration(seconds=4 * 3600),
        )
        made = await lk.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=inbound))
        await add_rule(lk, made.sip_trunk_id, "clara")
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
        "address": DOMAIN,
        "numbers": [OURS],
        "auth_username": "callisi",
        "auth_password": "a-Password-of-12",
    } | changes
    trunk = sip.SIPOutboundTrunkInfo(**values)
    await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
