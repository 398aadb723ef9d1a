"""An office on loopback: Twilio, checked against its own OpenAPI, and LiveKit, both as empty as on the first day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callisi_runtime.checks import load_agent
from callisi_runtime.loopback.livekit import LiveKitServer
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.twilio_spec import SpecChecker, find_spec_folder
from callisi_runtime.provision import RESOURCES, Applied, Options, Plan, World, apply, destroy, make_plan
from callisi_runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from callisi_runtime.loopback.twilio_numbers import Numbers
    from callisi_runtime.loopback.twilio_sip import Sip
    from callisi_runtime.loopback.twilio_trunking import Trunking

ROOT = Path(__file__).parents[2]
OURS = "+4915799912345"
STAFF = "+493090182011"
MOBILE = "+4917099912345"
WRITES = {"POST", "DELETE"}


class Office:
    """Both providers, and the settings that lead to them; a test breaks one thing in it."""

    def __init__(self, twilio: TwilioServer, livekit: LiveKitServer, folder: Path) -> None:
        self.twilio, self.livekit, self.folder = twilio, livekit, folder
        self.numbers: Numbers = twilio.parts["numbers"]  # type: ignore[assignment]
        self.trunking: Trunking = twilio.parts["trunking"]  # type: ignore[assignment]
        self.sip: Sip = twilio.parts["sip"]  # type: ignore[assignment]
        self.env_file = folder / ".env"
        self.agent = str(ROOT / "agents/clara.yaml")
        self.environ = {
            "TWILIO_API_BASE": twilio.api_base,
            "TWILIO_ACCOUNT_SID": twilio.account_sid,
            "TWILIO_AUTH_TOKEN": twilio.auth_token,
            "TWILIO_PHONE_NUMBER": OURS,
            "TWILIO_SMS_TO": MOBILE,
            "DEFAULT_FORWARD_NUMBER": STAFF,
            "LIVEKIT_URL": livekit.url,
            "LIVEKIT_API_KEY": livekit.api_key,
            "LIVEKIT_API_SECRET": livekit.api_secret,
            "LIVEKIT_SIP_URI": "sip:3i1153gfo0b.sip.livekit.cloud",
        }

    def whole_environ(self) -> dict[str, str]:
        """`.env` counts, as it does for a command."""
        written = self.env_file.read_text() if self.env_file.exists() else ""
        lines = [line.partition("=") for line in written.splitlines() if "=" in line]
        return {name: value for name, _, value in lines} | self.environ

    def world(self, **options: Any) -> World:
        environ = self.whole_environ()
        spec = load_agent(self.agent, environ).value
        usual = Options(agent="agents/clara.yaml", env_file=self.env_file, timeout=30.0, pauses=(0.0, 0.0))
        return World(spec, Settings.from_environ(environ), RESOURCES, replace(usual, **options))

    async def plan(self, **options: Any) -> Plan:
        async with self.world(**options) as world:
            return await make_plan(world, RESOURCES)

    async def apply(self, **options: Any) -> Applied:
        async with self.world(**options) as world:
            return await apply(world, RESOURCES, lambda _: None)

    async def destroy(self, **options: Any) -> Applied:
        async with self.world(**options) as world:
            return await destroy(world, RESOURCES, lambda _: None)

    def state(self) -> dict[str, Any]:
        """Everything that both providers hold, by id."""
        trunks = self.livekit.trunks
        return {
            "lists": {key: dict(row) for key, row in self.sip.lists.items()},
            "users": {key: dict(row) for key, row in self.sip.users.items()},
            "trunks": {key: repr(row) for key, row in self.trunking.trunks.items()},
            "urls": {key: repr(row) for key, row in self.trunking.urls.items()},
            "attached": {key: list(row) for key, row in self.trunking.credential_lists.items()},
            "numbers": {key: repr(row) for key, row in self.numbers.owned.items()},
            "inbound": {key: str(one) for key, one in trunks.inbound.items()},
            "outbound": {key: str(one) for key, one in trunks.outbound.items()},
            "rules": {key: str(one) for key, one in trunks.rules.items()},
        }

    def writes(self) -> list[str]:
        """The operations that wrote anything, in order, on both sides."""
        asked = [one.operation for one in self.twilio.log.entries if one.method in WRITES]
        said = [one.operation for one in self.livekit.log.entries if not one.operation.startswith("List")]
        return asked + [one for one in said if one != "alive"]


@pytest.fixture(scope="session")
def checker() -> SpecChecker | None:
    folder = find_spec_folder()
    return None if folder is None else SpecChecker(folder)


@pytest.fixture
async def office(checker: SpecChecker | None, tmp_path: Path) -> AsyncIterator[Office]:
    """An account without anything but one number."""
    async with TwilioServer(checker=checker) as twilio, LiveKitServer() as livekit:
        made = Office(twilio, livekit, tmp_path)
        made.numbers.add(OURS)
        yield made
        assert twilio.violations == []
