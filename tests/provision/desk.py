"""One run of provisioning against the loopback Twilio: an agent, an environment, and the resources that matter."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from callisi_runtime.checks import load_agent
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.twilio_spec import SpecChecker, find_spec_folder
from callisi_runtime.provision.apply import apply
from callisi_runtime.provision.destroy import destroy
from callisi_runtime.provision.gates import TwilioAccount
from callisi_runtime.provision.plan import make_plan
from callisi_runtime.provision.twilio_number import Number
from callisi_runtime.provision.world import Options, World
from callisi_runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from callisi_runtime.provision.plan import Plan, Step
    from callisi_runtime.provision.resource import Resource

OFFICE = "+4930901820"
READ = {"GET"}


@cache
def checker() -> SpecChecker | None:
    """Twilio's own description of its API, where it is at hand."""
    folder = find_spec_folder()
    return None if folder is None else SpecChecker(folder)


@dataclass
class Desk:
    """Runs against one account."""

    twilio: TwilioServer
    folder: Path
    resources: tuple[Resource, ...]
    yaml: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    adopt: frozenset[str] = frozenset()
    whatsapp_code: str | None = None
    timeout: float = 5.0
    """Seconds for a request; short where one is left hanging."""

    @property
    def env_file(self) -> Path:
        """Where what was found out is written."""
        return self.folder / ".env"

    def world(self) -> World:
        """A run of its own, as a new process would have it."""
        file = self.folder / "agent.yaml"
        file.write_text(self.yaml, encoding="utf-8")
        settings = Settings(
            twilio_account_sid=self.twilio.account_sid,
            twilio_auth_token=self.twilio.auth_token,
            twilio_api_base=self.twilio.api_base,
            twilio_phone_number=self.settings.get("twilio_phone_number", OFFICE),
            callisi_public_url=self.settings.get("callisi_public_url"),
            twilio_whatsapp_from=self.settings.get("twilio_whatsapp_from"),
            twilio_whatsapp_content_sid=self.settings.get("twilio_whatsapp_content_sid"),
            twilio_whatsapp_waba_id=self.settings.get("twilio_whatsapp_waba_id"),
        )
        options = Options(
            agent="agents/clara.yaml",
            env_file=self.env_file,
            timeout=self.timeout,
            pauses=(),
            adopt=self.adopt,
            whatsapp_code=self.whatsapp_code,
        )
        return World(load_agent(file, {}).value, settings, self._all, options)

    @property
    def _all(self) -> tuple[Resource, ...]:
        return (TwilioAccount(), Number(), *self.resources)

    async def plan(self) -> Plan:
        """What would be done."""
        async with self.world() as world:
            return await make_plan(world, self._all)

    async def step(self, key: str) -> Step:
        """What would be done about one resource."""
        return next(step for step in (await self.plan()).steps if step.resource == key)

    async def apply(self) -> tuple[str, ...]:
        """Do it; the keys of what was written."""
        async with self.world() as world:
            applied = await apply(world, self._all, lambda _: None)
        return tuple(step.resource for step in applied.done)

    async def left(self, key: str) -> Step:
        """Do it, and read back what is left to do about one resource."""
        async with self.world() as world:
            applied = await apply(world, self._all, lambda _: None)
        assert applied.converged
        return next(step for step in applied.after.steps if step.resource == key)

    async def destroy(self) -> tuple[str, ...]:
        """Take it away; the keys of what was deleted."""
        async with self.world() as world:
            applied = await destroy(world, self._all, lambda _: None)
        return tuple(step.resource for step in applied.done)

    def writes(self) -> list[str]:
        """The operations that changed something, or tried to."""
        return [entry.operation for entry in self.twilio.log.entries if entry.method not in READ]


@asynccontextmanager
async def desk(folder: Path, *resources: Resource, yaml: str, checked: bool = False) -> AsyncIterator[Desk]:
    """An account with one number; `checked`: every request is compared with Twilio's description, which takes time."""
    async with TwilioServer(checker=checker() if checked else None) as twilio:
        twilio.parts["numbers"].add(OFFICE)  # type: ignore[attr-defined]
        yield Desk(twilio, folder, resources, yaml)
        if checked:
            assert twilio.violations == []
