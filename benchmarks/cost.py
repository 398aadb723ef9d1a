"""What the processes of a program use: seconds of CPU and megabytes, all of them together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

import psutil

MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes. `pss` shares common pages out among their users, `uss` leaves them out."""

    pss: float
    uss: float

    def __sub__(self, other: Memory) -> Memory:
        return Memory(self.pss - other.pss, self.uss - other.uss)


def family(pid: int) -> list[psutil.Process]:
    """A process and everything below it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def memory(pid: int) -> Memory:
    """What a process and everything below it use now."""
    pss = uss = 0
    for process in family(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            info = process.memory_full_info()
            pss, uss = pss + info.pss, uss + info.uss
    return Memory(pss / MEGABYTE, uss / MEGABYTE)


def cpu_seconds(pid: int) -> dict[int, float]:
    """Seconds of CPU that each living process has used, by its id."""
    used: dict[int, float] = {}
    for process in family(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used[process.pid] = times.user + times.system
    return used


def between(before: dict[int, float], after: dict[int, float]) -> float:
    """Seconds used from one look to the next; what ended in between is not seen."""
    return sum(used - before.get(pid, 0.0) for pid, used in after.items())


async def cpu_share(pids: list[int], seconds: float) -> list[float]:
    """Per cent of a core that each of these process trees uses during so many seconds."""
    begin, before = time.monotonic(), [cpu_seconds(pid) for pid in pids]
    await asyncio.sleep(seconds)
    after = [cpu_seconds(pid) for pid in pids]
    span = time.monotonic() - begin
    return [100 * between(old, new) / span for old, new in zip(before, after, strict=True)]
