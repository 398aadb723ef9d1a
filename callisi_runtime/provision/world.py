"""What one run of `callisi provision` knows: the agent, the settings, the providers, and what was found so far."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from callisi_runtime.phone import is_example, normalise
from callisi_runtime.provision.livekit_desk import LiveKitDesk
from callisi_runtime.provision.resource import LATER, Found, Resource, Thing, Waiting
from callisi_runtime.provision.twilio_desk import TwilioDesk

if TYPE_CHECKING:
    from callisi_runtime.provision.plan import Step
    from callisi_runtime.provision.resource import Blocked
    from callisi_runtime.settings import Settings
    from callisi_runtime.spec import AgentSpec


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line allows."""

    agent: str = "AGENT"
    """The agent's file, for the commands that are proposed."""
    buy: bool = False
    """Whether money may be spent."""
    number: str | None = None
    """The number to buy; the first that fits when left out."""
    country: str = "DE"
    number_type: str = "mobile"
    adopt: frozenset[str] = frozenset()
    """Ids of objects that are ours from now on, although they do not carry our tag."""
    rotate: bool = False
    """Whether the SIP user is replaced by a second one with another password."""
    release_number: bool = False
    whatsapp_code: str | None = field(default=None, repr=False)
    """What Meta has sent to a number that is to become a WhatsApp sender."""
    env_file: Path = field(default_factory=lambda: Path(".env"))
    """Where secrets and the bought number are written."""
    timeout: float = 0.0
    """Seconds for one request; CALLISI_PATIENCE_SECONDS when 0."""
    pauses: tuple[float, ...] = (0.5, 2.0)
    """Seconds before each repetition of a request that may be repeated."""


class World:
    """An async context manager; what was found is asked for once, until it is forgotten."""

    def __init__(
        self,
        spec: AgentSpec,
        settings: Settings,
        resources: Sequence[Resource],
        options: Options | None = None,
    ) -> None:
        self.spec, self.settings, self.options = spec, settings, options or Options()
        self.resources = {one.key: one for one in resources}
        self.steps: dict[str, Step] = {}
        self.refused: dict[str, Blocked] = {}
        """What only an attempt has shown to be blocked: whoever only reads would take it for possible."""
        self.written: dict[str, str] = {}
        """Settings that this run wrote: they count from now on."""
        seconds = self.options.timeout or settings.callisi_patience_seconds
        self.twilio = TwilioDesk(settings, seconds, self.options.pauses)
        self.livekit = LiveKitDesk(settings, seconds, self.options.pauses)
        self._found: dict[str, asyncio.Task[Found]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._found.values():
            task.cancel()
        await asyncio.gather(*self._found.values(), return_exceptions=True)
        self.twilio.close()
        await self.livekit.close()

    # What stands where.

    @property
    def tag(self) -> str:
        """What our objects are recognised by: Twilio's FriendlyName, LiveKit's metadata and names."""
        return f"callisi:{self.spec.name}"

    @property
    def again(self) -> str:
        """The command that goes on when a person has done their part."""
        return f"callisi provision {self.options.agent}"

    def setting(self, name: str) -> str | None:
        """A setting, as this run may have written it."""
        value = self.written.get(name.upper()) or getattr(self.settings, name)
        return None if value is None else str(value)

    def is_adopted(self, *ids: str) -> bool:
        """Whether the command line says that it is ours."""
        return not self.options.adopt.isdisjoint(ids)

    async def found(self, key: str) -> Found:
        """What was found of a resource; asked once."""
        if key not in self._found:
            self._found[key] = asyncio.create_task(self.resources[key].find(self))
        return await asyncio.shield(self._found[key])

    async def one(self, key: str) -> Thing | None:
        """The one of ours; None when there is none."""
        ours = (await self.found(key)).ours
        return ours[0] if ours else None

    def put(self, key: str, *things: Thing) -> None:
        """From now on this is what was found."""

        async def known() -> Found:
            return Found(things)

        self._found[key] = asyncio.create_task(known())

    def forget(self, *keys: str) -> None:
        """Ask again; without keys, everything."""
        for key in keys or tuple(self._found):
            self._found.pop(key, None)

    async def id_of(self, key: str) -> str:
        """The id of another resource, `LATER` while it is only planned.

        Raises:
            Waiting: It will not be there.
        """
        thing = await self.one(key)
        if thing is not None:
            return thing.id
        step = self.steps.get(key)
        if step is not None and step.action == "create":
            return LATER
        raise Waiting(key)

    def title_of(self, key: str) -> str:
        """How a plan calls a resource."""
        return self.resources[key].title if key in self.resources else key

    async def number(self) -> str:
        """The number that callers ring, in E.164: as set, as found, or as it will be bought.

        Raises:
            Waiting: It is not known which.
        """
        if (wanted := self.wanted_number) is not None:
            return wanted
        thing = await self.one("twilio-number")
        if thing is not None:
            return str(thing.fields["phone_number"])
        step = self.steps.get("twilio-number")
        if step is not None and step.action == "create" and step.fields:
            return str(step.fields["phone_number"])
        raise Waiting("twilio-number")

    @property
    def wanted_number(self) -> str | None:
        """TWILIO_PHONE_NUMBER in E.164."""
        number = normalise(self.setting("twilio_phone_number")).e164
        return None if number is None or is_example(number) else number

    @property
    def domain(self) -> str:
        """Twilio's name of the trunk, unique in the world: by it a trunk is known to be ours."""
        if self.settings.twilio_trunk_domain:
            name = self.settings.twilio_trunk_domain.strip().lower()
            return name if name.endswith(".pstn.twilio.com") else f"{name}.pstn.twilio.com"
        slug = re.sub(r"[^a-z0-9]+", "-", self.spec.name.lower()).strip("-")[:30]
        account = (self.settings.twilio_account_sid or "")[-6:].lower()
        return f"callisi-{slug}-{account}.pstn.twilio.com"

    def edged(self, domain: str) -> str:
        """The domain, at the chosen edge of Twilio's network: `x.pstn.frankfurt.twilio.com`."""
        edge = self.settings.twilio_edge
        return domain if not edge else domain.replace(".pstn.", f".pstn.{edge}.", 1)


def tagged_metadata(tag: str) -> str:
    """LiveKit's metadata of an object of ours."""
    import json

    return json.dumps({"managed_by": "callisi", "tag": tag})


def is_tagged(metadata: str, tag: str) -> bool:
    """Whether LiveKit's metadata says that the object is ours."""
    import json

    try:
        told = json.loads(metadata or "{}")
    except ValueError:
        return False
    return isinstance(told, Mapping) and told.get("managed_by") == "callisi" and told.get("tag") == tag
