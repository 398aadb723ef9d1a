"""Checks of this machine: its clock against the providers', room on its disk, the ports that Callisi listens on."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from callisi_runtime.doctor.livekit import http_url
from callisi_runtime.doctor.result import Ended, Result, ok, problem, skipped, warning
from callisi_runtime.doctor.twilio import skew_of, the_account
from callisi_runtime.doctor.worker import LOOK_SECONDS, worker_health

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient

LATE_CLOCK = 5.0
"""Seconds; a provider's Date has whole seconds, and its answer takes some time."""
WRONG_CLOCK = 60.0
"""Seconds; LiveKit's tokens and the signatures of webhooks are refused about there."""
LITTLE_ROOM = 1_000_000_000
NO_ROOM = 100_000_000
"""Bytes. A ledger that cannot be written cannot keep a promise."""


async def clock(patient: Patient) -> list[Result]:
    """Whether this machine's clock agrees with the providers'."""
    found = []
    for provider, skew in (("LiveKit", await livekit_skew(patient)), ("Twilio", await twilio_skew(patient))):
        if skew is not None and abs(skew) > LATE_CLOCK:
            way = "behind" if skew > 0 else "ahead of"
            what = f"this machine's clock is {abs(skew):.0f} s {way} {provider}'s"
            judge = problem if abs(skew) > WRONG_CLOCK else warning
            found.append(judge(what, "switch the time service on: timedatectl set-ntp true"))
        elif skew is not None:
            found.append(ok(f"this machine's clock agrees with {provider}'s"))
    return found or [skipped("no provider was asked for the time")]


async def livekit_skew(patient: Patient) -> float | None:
    """Seconds that LiveKit's clock is ahead of ours; None when it says nothing."""
    if not patient.complete_livekit:
        return None
    timeout = aiohttp.ClientTimeout(total=patient.patience)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(http_url(patient)) as answer,
        ):
            return skew_of(answer.headers.get("Date"), time.time())
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return None


async def twilio_skew(patient: Patient) -> float | None:
    """Seconds that Twilio's clock is ahead of ours; None when it says nothing."""
    try:
        await the_account(patient)
    except Ended:
        return None
    return patient.twilio_skew


async def disk(patient: Patient) -> list[Result]:
    """Whether the ledger and the sentences can still be written."""
    from callisi_runtime.doctor.ledger import sqlite_file

    file = sqlite_file(patient.settings.callisi_database)
    places = {"the sentences": patient.settings.cache_directory}
    if file is not None:
        places["the ledger"] = file.absolute().parent
    found = []
    for what, place in places.items():
        there = nearest(place)
        free = shutil.disk_usage(there).free
        mend = f"make room where {there} lies"
        if free < NO_ROOM:
            found.append(problem(f"{free // 1_000_000} MB are left for {what}", mend))
        elif free < LITTLE_ROOM:
            found.append(warning(f"{free // 1_000_000} MB are left for {what}", mend))
        if not os.access(there, os.W_OK):
            found.append(problem(f"{there} cannot be written, where {what} should lie", f"chown it: {there}"))
    return found or [ok("there is room for " + " and ".join(places))]


def nearest(place: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(one for one in (place, *place.absolute().parents) if one.is_dir())


async def ports(patient: Patient) -> list[Result]:
    """Whether the port on which a worker tells its health is free, or a worker's."""
    port = patient.settings.callisi_health_port
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), LOOK_SECONDS)
    except ConnectionError:
        return [ok(f"port {port} is free for a worker")]
    except (OSError, TimeoutError):
        return [skipped(f"port {port} does not say whether it is free")]
    writer.close()
    if await worker_health(port) is None:
        what = f"another program listens on 127.0.0.1:{port}, where a worker tells its health"
        return [problem(what, "set CALLISI_HEALTH_PORT to a free port")]
    return [ok(f"port {port} is a worker's")]


async def reports(patient: Patient) -> list[Result]:
    """Whether providers reach `callisi serve`, when messages ask them to."""
    public = patient.settings.callisi_public_url
    if not public:
        return [skipped("CALLISI_PUBLIC_URL is not set: receipts are asked for, nothing has to be reachable")]
    timeout = aiohttp.ClientTimeout(total=patient.patience)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{public.rstrip('/')}/healthz") as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return [problem(f"{public} does not answer", "callisi serve, and a way to it from outside")]
    if status != 200:
        return [problem(f"{public}/healthz answers {status}", "see the output of `callisi serve`")]
    return [ok(f"{public} answers")]
