"""`--loopback`: every provider but LiveKit is played by this machine: Clara is heard with no account, no key."""

from __future__ import annotations

import contextlib
import logging

from callisi_runtime.loopback.deepgram import DeepgramServer
from callisi_runtime.loopback.openai import OpenAIServer
from callisi_runtime.loopback.recognise import KnownPhrases
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.voice import EspeakVoice, default_voice
from callisi_runtime.spec import AgentSpec

log = logging.getLogger("callisi.worker")

EVERYDAY = (
    "Ich möchte mit einem Menschen sprechen",
    "Sind Sie ein Mensch?",
    "Wann haben Sie geöffnet?",
    "Vielen Dank, auf Wiederhören",
    "Nein, danke",
)
"""What the loopback transcriber recognises besides what the file declares."""


async def start_loopback(stack: contextlib.AsyncExitStack, spec: AgentSpec) -> dict[str, str]:
    """Start the providers; returns the environment that points at them. They end with `stack`."""
    phrases = [*EVERYDAY, *(ask for fact in spec.facts for ask in fact.ask)]
    ears = KnownPhrases(phrases) if EspeakVoice.available() else None
    openai = await stack.enter_async_context(OpenAIServer(voice=default_voice()))
    deepgram = await stack.enter_async_context(DeepgramServer(recogniser=ears))
    twilio = await stack.enter_async_context(TwilioServer(pace=1.0))
    log.warning("loopback: every provider but LiveKit is played by this machine; no message leaves it")
    return {
        "OPENAI_BASE_URL": openai.base_url,
        "OPENAI_API_KEY": "loopback",
        "DEEPGRAM_BASE_URL": deepgram.base_url,
        "DEEPGRAM_API_KEY": "loopback",
        "TWILIO_API_BASE": twilio.api_base,
        "TWILIO_ACCOUNT_SID": twilio.account_sid,
        "TWILIO_AUTH_TOKEN": twilio.auth_token,
    }
