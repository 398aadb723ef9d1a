"""`--dev`: whoever saves the file has a new worker, whichever way the editor saves. And what a stop waits for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from callisi_runtime.live.supervisor import watch_files

from .test_supervisor import pids, pretender, start, stop, supervisor, until_taking

__all__ = ["pretender"]


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def by_replacing(path: Path, text: str) -> None:
    """As most editors do it: a new file takes the old one's name."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


@pytest.mark.parametrize("save", [in_place, by_replacing])
async def test_every_save_replaces_the_worker(tmp_path: Path, pretender: Path, save) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "agents"
    folder.mkdir()
    file = folder / "clara.yaml"
    file.write_text("name: clara\n")
    running = supervisor(tmp_path)
    task = await start(running, pretender)
    watching = asyncio.create_task(watch_files([file], running))
    await asyncio.sleep(1.0)  # until the watch is set: it says nothing of itself
    for title in ("Eva", "Ida"):
        (before,) = pids(running)
        save(file, f"name: clara\ntitle: {title}\n")
        await until_taking(running, 1, but=before)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert running.restarts == 0
    assert await stop(running, task) == 0


BUSY = """
import json, os, signal, sys, time
sys.stdin.readline()
def drain(*_):
    time.sleep(0.5)  # a call that is still going on
    open(os.environ["MODE_FILE"], "w").write("drained")
    sys.exit(0)
signal.signal(signal.SIGTERM, drain)
print(json.dumps({"registered": True, "max_calls": 3, "calls": 1}), flush=True)
time.sleep(60)
"""


async def test_a_stop_waits_for_the_calls_that_go_on(tmp_path: Path, pretender: Path) -> None:
    pretender.write_text(BUSY)
    running = supervisor(tmp_path)
    task = await start(running, pretender)
    assert await stop(running, task) == 0
    assert (tmp_path / "mode").read_text() == "drained"


async def test_a_second_stop_does_not_wait(tmp_path: Path, pretender: Path) -> None:
    pretender.write_text(BUSY.replace("0.5", "60"))
    running = supervisor(tmp_path)
    task = await start(running, pretender)
    running.stop()
    await asyncio.sleep(0.1)
    began = asyncio.get_running_loop().time()
    await stop(running, task)
    assert asyncio.get_running_loop().time() - began < 5
    assert (tmp_path / "mode").read_text() == "well"
