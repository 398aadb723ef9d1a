"""`--loopback`: every provider but LiveKit is played by this machine: Clara is heard with no account, no key."""

from __future__ import annotations

import contextlib
import logging

from callisi_runtime.brain import loopback_brain
from callisi_runtime.loopback import EspeakVoice, KnownPhrases, Loopback
from callisi_runtime.plan import make_plan
from callisi_runtime.settings import Settings
from callisi_runtime.spec import AgentSpec

log = logging.getLogger("callisi.run")

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
    brain = loopback_brain(make_plan(spec, Settings()))
    loopback = await stack.enter_async_context(Loopback(reply=brain, recogniser=ears))
    log.warning("loopback: every provider but LiveKit is played by this machine; no message leaves it")
    if ears is None:
        log.warning("loopback: espeak-ng is not installed, so Clara hums, and understands nobody")
    return loopback.environ() | {"TWILIO_PHONE_NUMBER": "+15005550006"}
