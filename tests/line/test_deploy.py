"""A new version, a worker, watchdog or supervisor that dies: calls go on, and new ones are answered."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from .kit.lines import close_rooms
from .kit.worker import Worker
from .reception import CALLISI_RUN, Reception
from .rescue import connected, longest_break, lose, measured, processes, taken, until_gone
from .visit import ring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from .kit.box import Box
    from .kit.phone import Phone

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

WORKER = "callisi_runtime.live.worker"
WATCHDOG = "callisi_runtime.live.watchdog"
DRAIN = 20
HANDED_OVER = "the new worker takes the calls"
LONGEST_BREAK = 0.8
"""Seconds without the other's voice: bounds what a busy machine does; what it was stands in the report."""
PATIENCE = 90.0
"""Seconds for a new worker on a machine that others use, too."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reception(box: Box, run_folder: Path) -> AsyncIterator[Reception]:
    """A reception that hands calls over after twenty seconds."""
    extra = {"CALLISI_DRAIN_SECONDS": str(DRAIN)}
    async with Reception(box, run_folder, "name: deploy", extra=extra) as running:
        yield running
        await close_rooms(running.lk)


def agent_file(reception: Reception) -> Path:
    """The file that its worker runs."""
    return reception.folder / f"agent-{reception._tag()}.yaml"


async def test_a_new_version_answers_and_takes_the_running_call_over(
    reception: Reception, caller_phone: Phone
) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    reception.worker.send(signal.SIGHUP)
    ready = await reception.worker.until_line(HANDED_OVER, PATIENCE, since=visit.began)
    other = await ring(reception, caller_phone)
    await other.hears("greeting")
    await other.calling.hang_up()
    handed = await reception.worker.until_line("without a process: handover", 60, since=visit.began)
    back = await visit.hears("resumed", 30, since=handed.at)
    await visit.calling.hang_up()
    await visit.ended()
    await visit.nothing_left(other.calling)
    measured(
        reception,
        new_call_answered=other.answered_at - other.began,
        handed_over_after=handed.at - ready.at,
        back=back.at - handed.at,
    )


async def test_a_bridged_talk_does_not_notice(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit, leg = await connected(reception, caller_phone, staff)
    begun = time.monotonic()
    await replace(reception)
    handed = await reception.worker.until_line("without a process: handover", 60, since=begun)
    await taken(reception, since=handed.at, epoch=1)
    await asyncio.sleep(1.0)
    now = time.monotonic()
    breaks = [longest_break(call, handed.at - 1.0, now) for call in (visit.calling, leg)]
    await leg.hang_up()
    await visit.calling.over()
    assert (await visit.ended()).outcome == "accepted"
    await visit.nothing_left(leg)
    measured(reception, breaks=max(breaks))
    assert max(breaks) <= LONGEST_BREAK


async def replace(reception: Reception) -> None:
    """`callisi-run FILE --replace`, as an operator types it."""
    environment = reception.worker.environment
    command = [str(CALLISI_RUN), str(agent_file(reception)), "--replace"]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    assert await process.wait() == 0
    await reception.worker.until_line(HANDED_OVER, PATIENCE, since=began)


async def test_a_file_that_is_wrong_changes_nothing(reception: Reception, caller_phone: Phone) -> None:
    file, began = agent_file(reception), time.monotonic()
    good = file.read_text()
    file.write_text(good + "\ngreting: Hallo\n")
    try:
        reception.worker.send(signal.SIGHUP)
        await reception.worker.until_line("the file is wrong, so the running worker stays", 30, since=began)
        why = await reception.worker.until_line("greting", since=began)
        assert file.name in why.text
        visit = await ring(reception, caller_phone)
        await visit.hears("greeting")
        await visit.calling.hang_up()
    finally:
        file.write_text(good)


async def test_a_worker_that_is_killed_is_started_again_and_the_caller_is_served_on(
    reception: Reception, caller_phone: Phone
) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    (worker,) = list(processes(WORKER))
    at = time.monotonic()
    worker.kill()
    back = await visit.hears("resumed", PATIENCE, since=at)
    ready = await reception.worker.until_line("registered worker", PATIENCE, since=at)
    other = await ring(reception, caller_phone)
    await other.hears("greeting")
    for call in (visit.calling, other.calling):
        await call.hang_up()
    await visit.ended(30)
    await visit.nothing_left(other.calling)
    measured(reception, back=back.at - at, registered_again=ready.at - at)


async def test_a_watchdog_that_is_killed_is_started_again_and_finds_its_calls(
    reception: Reception, caller_phone: Phone
) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    (watchdog,) = list(processes(WATCHDOG))
    at = time.monotonic()
    watchdog.kill()
    await until_gone(watchdog.pid)
    again = await reception.worker.until_line("watching", 30, since=at)
    await reception.worker.until_line("1 call", 30, since=at)
    loss = await lose(visit)
    await loss.back("resumed")
    await visit.calling.hang_up()
    await visit.ended()
    await visit.nothing_left()
    measured(reception, watching_again=again.at - at, **visit.notes)


async def test_a_supervisor_that_is_killed_leaves_its_worker_until_another_one_takes_the_calls(
    reception: Reception, caller_phone: Phone, run_folder: Path
) -> None:
    supervisor = reception.worker.pid
    (worker,) = list(processes(WORKER))
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    os.kill(supervisor, signal.SIGKILL)
    other = await ring(reception, caller_phone)
    await other.hears("greeting")
    for call in (visit.calling, other.calling):
        await call.hang_up()
    command = [str(CALLISI_RUN), str(agent_file(reception)), "--health-port", "0"]
    environment = reception.worker.environment
    async with Worker(
        command, env=environment, folder=run_folder, name="second", ready_within=PATIENCE
    ) as second:
        reception.worker = second
        await until_gone(worker.pid, 60)
        third = await ring(reception, caller_phone)
        await third.hears("greeting")
        await third.calling.hang_up()
        await third.nothing_left(visit.calling, other.calling)
