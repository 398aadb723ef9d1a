"""What is examined: the environment, the agent, and what LiveKit and Twilio say, each asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from livekit import api

from callisi_runtime.settings import Settings

if TYPE_CHECKING:
    from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo
    from twilio.rest import Client

    from callisi_runtime.spec import AgentSpec

T = TypeVar("T")

ASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class LiveKit:
    """What LiveKit's SIP service holds."""

    inbound: tuple[SIPInboundTrunkInfo, ...]
    outbound: tuple[SIPOutboundTrunkInfo, ...]
    rules: tuple[SIPDispatchRuleInfo, ...]


@dataclass(slots=True)
class Patient:
    """Everything the checks look at. Nothing is ever changed.

    Args:
        environ: The environment, `.env` included.
        agent: The agent's file, when one was named.
    """

    environ: Mapping[str, str]
    agent: str | None = None
    spec: AgentSpec | None = None
    """Set by the first check, when the file is right."""
    settings: Settings = field(init=False)
    _livekit: asyncio.Task[LiveKit] | None = None
    _client: Client | None = None

    def __post_init__(self) -> None:
        self.settings = Settings.from_environ(self.environ)

    @property
    def complete_livekit(self) -> bool:
        """Whether URL, key and secret are set."""
        settings = self.settings
        return all((settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret))

    @property
    def complete_twilio(self) -> bool:
        """Whether account and token are set."""
        return bool(self.settings.twilio_account_sid and self.settings.twilio_auth_token)

    async def livekit(self) -> LiveKit:
        """The trunks and rules.

        Raises:
            api.ServerError: LiveKit refuses.
            aiohttp.ClientError, TimeoutError, ValueError: It does not answer.
        """
        if self._livekit is None:
            self._livekit = asyncio.create_task(read_livekit(self.settings))
        return await asyncio.shield(self._livekit)

    async def twilio(self, ask: Callable[[Client], T]) -> T:
        """Ask Twilio something, in a thread: its client blocks."""
        return await asyncio.to_thread(lambda: ask(self._twilio_client()))

    def _twilio_client(self) -> Client:
        from callisi_runtime.notify.twilio_client import twilio_client

        if self._client is None:
            settings = self.settings
            self._client = twilio_client(
                settings.twilio_account_sid or "",
                settings.twilio_auth_token or "",
                api_base=settings.twilio_api_base,
                timeout=ASK_SECONDS,
            )
        return self._client


async def read_livekit(settings: Settings) -> LiveKit:
    """Ask for everything at once."""
    url = (settings.livekit_url or "").replace("ws", "http", 1)
    timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
    async with api.LiveKitAPI(
        url, settings.livekit_api_key, settings.livekit_api_secret, timeout=timeout, failover=False
    ) as lk:
        inbound, outbound, rules = await asyncio.gather(
            lk.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest()),
            lk.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest()),
            lk.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest()),
        )
    return LiveKit(tuple(inbound.items), tuple(outbound.items), tuple(rules.items))


def seconds_of(duration: Any) -> float:
    """A protobuf duration in seconds; 0 when it is not set."""
    return float(duration.seconds) + float(duration.nanos) / 1e9
