"""Killing processes of a reception in the middle of a call, and what must be true afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from .visit import longest_silence, ring_for, sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .kit.call import Call
    from .kit.incoming import IncomingCall
    from .kit.phone import Phone
    from .kit.sentence import Match
    from .reception import Reception
    from .visit import Visit

TAKEN = r'"message": "call taken \(room [^ ]*, epoch (?P<epoch>\d+)\)"'
"""What the log says when a process has a call."""
KILLS = {
    "killed": signal.SIGKILL,
    "crashed": signal.SIGSEGV,
    "hung": signal.SIGSTOP,
    "raised": signal.SIGUSR1,
}
"""How a process is lost; `raised` ends in an error of its own, which `kit/planted` brings about."""
SOON = 12.0
"""Seconds that a rescue may take on a machine that others use, too; what it took stands in the report."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A process has a call."""

    at: float
    pid: int
    epoch: int


async def taken(reception: Reception, *, since: float, epoch: int = 0, timeout: float = SOON) -> Taken:
    """The process that took a call up after `since`, the `epoch`th to have it or a later one."""
    pattern = TAKEN.replace(r"\d+", f"{epoch}") if epoch else TAKEN
    line = await reception.worker.until_line(pattern, timeout, since=since)
    found = re.search(TAKEN, line.text.replace('\\"', '"'))
    assert found is not None
    return Taken(line.at, int(json.loads(line.text)["pid"]), int(found["epoch"]))


@dataclass
class Loss:
    """A process is ended while it has a call."""

    visit: Visit
    pid: int
    at: float

    async def back(self, key: str, timeout: float = SOON) -> Match:
        """The first sentence of the successor. Notes how long the caller waited."""
        match = await self.visit.hears(key, timeout, since=self.at)
        self.visit.notes["back"] = match.at - self.at
        return match

    def silence(self, until: float) -> float:
        """The longest silence between the loss and then."""
        return self.visit.longest_silence(self.at, until)[0]


async def lose(visit: Visit, how: str = "killed", *, epoch: int = 0) -> Loss:
    """End the process that has this call."""
    process = await taken(visit.reception, since=visit.began, epoch=epoch)
    at = time.monotonic()
    os.kill(process.pid, KILLS[how])
    return Loss(visit, process.pid, at)


async def until(visit: Visit, kind: str, timeout: float = 10.0, times: int = 1, **data: object) -> None:
    """Wait until the call's timeline in the ledger has this moment, so many times."""
    call_id = await call_id_of(visit)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        moments = [one for one in await visit.reception.ledger.timeline(call_id) if one.kind == kind]
        if sum(data.items() <= dict(one.data).items() for one in moments) >= times:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"no {kind} {data or ''} within {timeout} s")


async def call_id_of(visit: Visit) -> str:
    """The ledger's id of the latest call."""
    calls = await visit.reception.ledger.calls(limit=1)
    return calls[0].id


def gone(pid: int) -> bool:
    """Whether a process is no more; a buried or unburied one counts as gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    return True


async def until_gone(pid: int, timeout: float = 5.0) -> None:
    """Raises AssertionError when the process lives on."""
    end = time.monotonic() + timeout
    while not gone(pid):
        assert time.monotonic() < end, f"process {pid} lives on"
        await asyncio.sleep(0.02)


def processes(module: str) -> Iterator[psutil.Process]:
    """The processes in the box that run a module of Callisi: `callisi_runtime.live.watchdog`."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if module in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                yield process


async def connected(reception: Reception, caller_phone: Phone, staff: Phone) -> tuple[Visit, IncomingCall]:
    """Caller and staff hear each other, each sends a sign without pause."""
    visit, leg = await ring_for(reception, caller_phone, staff)
    leg.ring()
    await leg.answer()
    leg.background(sign("staff"))
    await leg.until_heard(reception.sentence("prompt"), 15)
    await leg.press("1")
    await until(visit, "effect.Bridge")
    await asyncio.sleep(1.0)
    return visit, leg


def longest_break(call: Call, begin: float, end: float) -> float:
    """The longest silence at this ear, where somebody talks without pause."""
    return longest_silence(call.audio().between(begin, end))[0]


def measured(reception: Reception, **seconds: float) -> None:
    """What the running test measured, into `seconds.tsv` of the run."""
    test = os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].partition(" ")[0]
    with (reception.folder / "seconds.tsv").open("a") as report:
        report.writelines(f"{test}\t{name}\t{value:.2f}\n" for name, value in seconds.items())
