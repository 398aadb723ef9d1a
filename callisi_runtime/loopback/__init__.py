"""Providers on loopback that speak the real protocols to the real client libraries, without any account.

`async with Loopback() as loopback: os.environ.update(loopback.environ())` and every provider answers from this
machine. Each server takes faults and keeps a log, here and over HTTP: see `server.Server`.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Literal, Self

from callisi_runtime.loopback.brain import Brain, ChatRequest, Reply, ToolCall, honest_sentence
from callisi_runtime.loopback.deepgram import DeepgramServer
from callisi_runtime.loopback.openai import OpenAIServer
from callisi_runtime.loopback.recognise import KnownPhrases, Recogniser, ScriptedRecogniser
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.voice import EspeakVoice, ToneVoice, Voice, default_voice

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from callisi_runtime.loopback.livekit import LiveKitServer
    from callisi_runtime.loopback.server import Server

__all__ = [
    "Brain",
    "ChatRequest",
    "DeepgramServer",
    "EspeakVoice",
    "KnownPhrases",
    "Loopback",
    "OpenAIServer",
    "Provider",
    "Recogniser",
    "Reply",
    "ScriptedRecogniser",
    "ToneVoice",
    "ToolCall",
    "TwilioServer",
    "Voice",
    "default_voice",
]

Provider = Literal["openai", "deepgram", "twilio", "livekit"]
USUAL: Final[tuple[Provider, ...]] = ("openai", "deepgram", "twilio")


class Loopback:
    """The chosen providers, started and stopped together.

    `livekit` is the server API without media: for a call that can be heard a real LiveKit server is needed, so
    it is not among the usual ones. `ports` fixes ports by provider, otherwise any free one is taken.
    """

    def __init__(
        self,
        providers: Collection[Provider] = USUAL,
        *,
        reply: Brain = honest_sentence,
        voice: Voice | None = None,
        recogniser: Recogniser | None = None,
        host: str = "127.0.0.1",
        ports: Mapping[Provider, int] | None = None,
    ) -> None:
        at = dict(ports or {})
        self.openai = OpenAIServer(reply=reply, voice=voice, host=host, port=at.get("openai", 0))
        self.deepgram = DeepgramServer(recogniser=recogniser, host=host, port=at.get("deepgram", 0))
        self.twilio = TwilioServer(host=host, port=at.get("twilio", 0))
        self._livekit = _livekit(host, at.get("livekit", 0)) if "livekit" in providers else None
        everyone = {"openai": self.openai, "deepgram": self.deepgram, "twilio": self.twilio}
        self.servers: dict[str, Server] = {name: one for name, one in everyone.items() if name in providers}
        if self._livekit is not None:
            self.servers["livekit"] = self._livekit
        self._running = AsyncExitStack()

    @property
    def livekit(self) -> LiveKitServer:
        """The LiveKit API; LookupError when it was not chosen."""
        if self._livekit is None:
            raise LookupError("Loopback was made without 'livekit'")
        return self._livekit

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            for server in self.servers.values():
                await starting.enter_async_context(server)
            self._running = starting.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    def environ(self) -> dict[str, str]:
        """The environment that makes the client libraries, and Callisi, talk to the running servers."""
        variables = {
            "openai": {"OPENAI_BASE_URL": self.openai.base_url, "OPENAI_API_KEY": "loopback"},
            "deepgram": {"DEEPGRAM_BASE_URL": self.deepgram.base_url, "DEEPGRAM_API_KEY": "loopback"},
            "twilio": {
                "TWILIO_API_BASE": self.twilio.api_base,
                "TWILIO_ACCOUNT_SID": self.twilio.account_sid,
                "TWILIO_AUTH_TOKEN": self.twilio.auth_token,
            },
        }
        if self._livekit is not None:
            variables["livekit"] = {
                "LIVEKIT_URL": self._livekit.url,
                "LIVEKIT_API_KEY": self._livekit.api_key,
                "LIVEKIT_API_SECRET": self._livekit.api_secret,
            }
        return {name: value for key in self.servers for name, value in variables[key].items()}


def _livekit(host: str, port: int) -> LiveKitServer:
    # livekit.api takes half a second to import.
    from callisi_runtime.loopback.livekit import LiveKitServer

    return LiveKitServer(host=host, port=port)
