"""What all call processes of one worker share: its agent, made ready once, before any of them is forked.

The process from which call processes are forked imports this module and finds the agent in its environment. What it
builds from it here, spec, plan and compiled templates, costs a call process neither time nor memory of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from livekit.agents.utils import http_context

from callisi_runtime.live.providers import Voices, assemble, load_vad
from callisi_runtime.phone import normalise
from callisi_runtime.plan import CallFacts, CallPlan, make_plan
from callisi_runtime.plan.sentences import sentence_templates
from callisi_runtime.settings import Settings
from callisi_runtime.spec import AgentSpec
from callisi_runtime.templates.engine import compile_template

if TYPE_CHECKING:
    from livekit.agents import vad

AGENT = "CALLISI_WORKER_AGENT"
"""The environment variable that a worker sets for its own processes: the validated agent as JSON, without a secret."""
FORKABLE = frozenset({"openai", "azure", "deepgram"})
"""Plugins whose objects hold no thread, connection or event loop before they are used; half of what they need is a
TLS context with all the world's certificates."""
NOBODY = CallFacts(id="", caller=normalise(None))


@lru_cache(maxsize=2)
def plan_of(agent: str) -> CallPlan:
    """The plan of a validated agent, given as JSON, with every sentence's template compiled."""
    spec = AgentSpec.model_validate_json(agent)
    plan = make_plan(spec, Settings.from_environ(os.environ))
    for template in sentence_templates(spec).values():
        compile_template(template)
    plan.prompt(NOBODY)
    plan.safety_note(NOBODY)
    return plan


@lru_cache(maxsize=2)
def vad_of(agent: str) -> vad.VAD:
    """The voice detection of a validated agent, given as JSON: 20 MB and 0.1 s of a core, if each process loads it."""
    return load_vad(plan_of(agent).spec)


@lru_cache(maxsize=2)
def voices_of(agent: str) -> Voices:
    """The providers of a validated agent, given as JSON. Raises as `assemble`."""
    return assemble(plan_of(agent).spec, vad_of(agent))


def survive_a_fork(spec: AgentSpec) -> bool:
    """Whether this file's providers may be made ready before the fork."""
    voice = spec.voice
    return {provider.provider for kind in (voice.stt, voice.llm, voice.tts) for provider in kind} <= FORKABLE


def load(environ: Mapping[str, str]) -> None:
    """Make the worker's agent ready, as far as it survives a fork; a process that is not a worker's has none."""
    if agent := environ.get(AGENT):
        spec = plan_of(agent).spec
        with contextlib.suppress(Exception):  # what fails here fails in the call process, which says so
            # Silero's model computes on the thread that asks it, and has none of its own
            if spec.voice.vad == "silero":
                vad_of(agent)
                if survive_a_fork(spec):
                    voices_of(agent)
            asyncio.run(trust_certificates())


async def trust_certificates() -> None:
    """Read all the world's certificates: the agents keep them for every provider of this process, and its children."""
    async with http_context.open():
        http_context.http_session()


def give_back() -> None:
    """Return to the system what was needed only while something was loaded: 5 MB after the voice detection's model.

    Takes some milliseconds. Only glibc can do it.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


load(os.environ)
