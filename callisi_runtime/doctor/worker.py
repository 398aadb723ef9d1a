"""Checks of what runs on this machine: the worker, its watchdog, and the sentences it keeps as audio."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import aiohttp

from callisi_runtime.doctor.result import Result, ok, problem, skipped, warning
from callisi_runtime.doctor.threads import in_thread

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient

LOOK_SECONDS = 2.0


async def speech_cache(patient: Patient) -> list[Result]:
    """Whether the fixed sentences are there as audio."""
    spec, settings = patient.known_spec(), patient.settings

    def missing() -> tuple[int, int]:
        from callisi_runtime.live.speech import SpeechCache
        from callisi_runtime.plan import make_plan

        plan = make_plan(spec, settings)
        texts = [text for texts in plan.static_sentences().values() for text in texts]
        cache = SpeechCache(settings.cache_directory, spec.language, spec.voice.tts)
        return len(cache.load(texts)), len(texts)

    lacking, of = await in_thread(missing)
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
