"""A machine that dies with its calls, and a machine that is full."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import aiohttp
import psutil
import pytest

from .kit.call import CallFailed
from .kit.lines import close_rooms
from .kit.worker import Worker
from .reception import Reception
from .rescue import measured, taken
from .visit import ring

if TYPE_CHECKING:
    from pathlib import Path

    from .kit.box import Box
    from .kit.phone import Phone

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]


async def test_another_machine_finds_the_calls_of_one_that_died(
    box: Box, run_folder: Path, caller_phone: Phone
) -> None:
    async with Reception(box, run_folder, "name: far\nlimits: {caller_silence: 90}") as reception:
        visit = await ring(reception, caller_phone)
        await visit.hears("greeting")
        before = {process.pid for process in psutil.process_iter()}
        elsewhere = run_folder / "elsewhere"
        elsewhere.mkdir()
        environment = {**reception.worker.environment, "TMPDIR": str(elsewhere)}
        command = reception.worker.command
        async with Worker(
            command, env=environment, folder=run_folder, name="elsewhere", ready_within=90
        ) as second:
            at = time.monotonic()
            kill_machine(before)
            reception.worker = second
            back = await visit.hears("resumed", 90, since=at)
            await visit.calling.hang_up()
            await visit.ended(30)
            await visit.nothing_left()
            measured(reception, back=back.at - at)


def kill_machine(pids: set[int]) -> None:
    """Every process of a worker, its calls and its watchdog, at once."""
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            words = " ".join(process.cmdline())
            if any(word in words for word in ("callisi-run", "callisi_runtime.live", "multiprocessing")):
                process.kill()


async def test_more_calls_than_the_plan_has_are_not_answered(
    box: Box, run_folder: Path, caller_phone: Phone
) -> None:
    async with Reception(box, run_folder, "name: full\nlimits: {max_calls: 1}") as reception:
        visit = await ring(reception, caller_phone)
        await visit.hears("greeting")
        with pytest.raises(CallFailed, match=r"an answer|rejected"):
            await ring(reception, caller_phone, caller="+491713920099")
        await reception.worker.until_line("a call is refused", 10, since=visit.began)
        health = await health_of(reception)
        assert health["refused"] >= 1
        assert health["calls"] == 1
        assert health["max_calls"] == 1
        await visit.calling.hang_up()
        await visit.ended()
        async with asyncio.timeout(20):
            while (await health_of(reception))["calls"]:
                await asyncio.sleep(0.2)
        again = await ring(reception, caller_phone)
        await again.hears("greeting")
        await again.calling.hang_up()
        await close_rooms(reception.lk)


async def health_of(reception: Reception) -> dict[str, int]:
    """What `/healthz` says."""
    supervisor = psutil.Process(reception.worker.pid)
    ports = [one.laddr.port for one in supervisor.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{ports[0]}/healthz") as answer:
        found: dict[str, int] = await answer.json()
        return found


async def test_ten_calls_at_once_all_are_answered(box: Box, run_folder: Path, caller_phone: Phone) -> None:
    async with Reception(box, run_folder, "name: many\nlimits: {max_calls: 10}") as reception:
        began = time.monotonic()
        numbers = [f"+4917139201{number:02}" for number in range(10)]
        calls = [
            await caller_phone.call(f"sip:+49301@{box_address()}:5060", caller=number) for number in numbers
        ]
        answered = await asyncio.gather(*(call.answered(60) for call in calls))
        await taken(reception, since=began)
        await asyncio.gather(
            *(call.until_heard(reception.sentence("greeting"), 40) for call in calls), return_exceptions=True
        )
        await asyncio.gather(*(call.hang_up() for call in calls))
        measured(reception, last_answered=max(answered) - began, first_answered=min(answered) - began)
        async with asyncio.timeout(60):
            while len([line for line in reception.worker.lines if '"call ended"' in line.text]) < 10:
                await asyncio.sleep(0.2)


def box_address() -> str:
    """Where callers ring."""
    from .kit.net import BRIDGE

    return BRIDGE
