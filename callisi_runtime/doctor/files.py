"""Checks of what lies on this machine: the agent's file, the environment, the speech cache, the worker."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from callisi_runtime.doctor.result import Result, ok, problem, skipped, warning
from callisi_runtime.errors import CallisiError

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient
    from callisi_runtime.spec import AgentSpec

NO_AGENT = "no agent was named: `callisi doctor agents/clara.yaml`"
KEYS = {"azure": "AZURE_OPENAI_API_KEY", "elevenlabs": "ELEVEN_API_KEY", "google": "GOOGLE_API_KEY"}
"""Provider -> the variable of its key, where it is not `<PROVIDER>_API_KEY`."""
LOOK_SECONDS = 2.0


async def agent_file(patient: Patient) -> list[Result]:
    """Whether the agent's file is right."""
    from callisi_runtime.checks import load_agent

    if patient.agent is None:
        return [skipped(NO_AGENT)]
    try:
        loaded = load_agent(Path(patient.agent), patient.environ)
    except CallisiError as error:
        return [problem(str(one), f"callisi validate {patient.agent}") for one in error.problems]
    patient.spec = loaded.value
    found = [warning(str(one).replace("warning: ", "", 1), "see the line named") for one in loaded.warnings]
    return found or [ok(f"{patient.agent} is right")]


async def environment(patient: Patient) -> list[Result]:
    """Whether everything is set that the agent needs."""
    from callisi_runtime.notify.needs import missing_settings
    from callisi_runtime.notify.settings import notify_settings

    spec, settings = patient.spec, patient.settings
    found = [
        problem(f"{name} is not set", "set it in the environment or in .env")
        for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
        if settings.has_livekit and not getattr(settings, name.lower())
    ]
    if not settings.has_livekit:
        found.append(
            warning("LIVEKIT_URL is not set: calls are rehearsed, none is answered", "docs/number.md, step 2")
        )
    if spec is not None:
        found += [
            problem(f"{name} is not set", "set it in the environment or in .env")
            for name in sorted(missing_keys(spec, patient))
        ]
        declared = [channel.kind for channel in spec.fallback.channels] if spec.fallback else []
        found += [
            problem(one.message, one.hint or "")
            for one in missing_settings(declared, notify_settings(settings))
        ]
        found += example_numbers(spec)
    return found or [ok("everything is set")]


def missing_keys(spec: AgentSpec, patient: Patient) -> set[str]:
    """The keys of providers that the agent names and the environment lacks."""
    voice = spec.voice
    wanted = {
        one.api_key_env or KEYS.get(one.provider, f"{one.provider.upper().replace('-', '_')}_API_KEY")
        for one in (*voice.stt, *voice.llm, *voice.tts)
    }
    return {name for name in wanted if not patient.environ.get(name, "").strip()}


def example_numbers(spec: AgentSpec) -> list[Result]:
    """Targets that still are the numbers of the example."""
    from callisi_runtime.phone import is_example

    targets = [target.to for target in spec.transfer.to] if spec.transfer else []
    if any(is_example(to) for to in targets):
        what = "transfer.to is still the example number, which never rings"
        return [problem(what, "set DEFAULT_FORWARD_NUMBER to the person who is dialled")]
    return []


async def speech_cache(patient: Patient) -> list[Result]:
    """Whether the fixed sentences are there as audio."""
    if patient.spec is None:
        return [skipped("no agent")]
    spec, settings = patient.spec, patient.settings

    def missing() -> tuple[int, int]:
        from callisi_runtime.live.speech import SpeechCache
        from callisi_runtime.plan import make_plan

        plan = make_plan(spec, settings)
        texts = [text for texts in plan.static_sentences().values() for text in texts]
        cache = SpeechCache(settings.cache_directory, spec.language, spec.voice.tts)
        return len(cache.load(texts)), len(texts)

    lacking, of = await asyncio.to_thread(missing)
    if lacking:
        what = f"{lacking} of {of} fixed sentences are not synthesised yet"
        return [warning(what, "the worker does it when it starts; it needs the key of the voice")]
    return [ok(f"all {of} fixed sentences are there")]


async def worker(patient: Patient) -> list[Result]:
    """Whether a worker on this machine takes calls."""
    if not patient.complete_livekit:
        return [skipped("LiveKit is not set up")]
    port = patient.settings.callisi_health_port
    health = await worker_health(port)
    start = f"callisi-run {patient.agent or 'AGENT'}"
    if health is None:
        return [warning(f"no worker answers on 127.0.0.1:{port}", f"{start}, if calls are answered here")]
    if patient.spec is not None and health.get("agent") not in (None, patient.spec.name):
        what = f"the worker on port {port} is `{health.get('agent')}`, not `{patient.spec.name}`"
        return [warning(what, f"CALLISI_HEALTH_PORT=... {start}")]
    if not health.get("ok"):
        return [problem("the worker does not take calls", "see its log, and the checks above")]
    return [ok(f"the worker takes calls, {health.get('calls', 0)} now")]


async def watchdog(patient: Patient) -> list[Result]:
    """Whether somebody sees it when the process of a call dies."""
    from callisi_runtime.live.watch_line import socket_path

    if patient.spec is None or not patient.complete_livekit:
        return [skipped("no agent" if patient.spec is None else "LiveKit is not set up")]
    if await worker_health(patient.settings.callisi_health_port) is None:
        return [skipped("no worker runs here")]
    try:
        connecting = asyncio.open_unix_connection(socket_path(patient.spec.name, patient.settings))
        _, writer = await asyncio.wait_for(connecting, LOOK_SECONDS)
    except (OSError, TimeoutError):
        return [problem("no watchdog runs beside the worker", "start the worker anew: it keeps one")]
    writer.close()
    return [ok("the watchdog runs")]


async def worker_health(port: int) -> dict[str, object] | None:
    """What the worker says about itself; None when none answers."""
    timeout = aiohttp.ClientTimeout(total=LOOK_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://127.0.0.1:{port}/healthz") as answer,
        ):
            found = json.loads(await answer.text())
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return found if isinstance(found, dict) else None
