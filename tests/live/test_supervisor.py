"""The supervisor keeps a real worker process running, or a small program in its place."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import aiohttp
import pytest

from callisi_runtime.errors import CallisiError
from callisi_runtime.live.supervisor import (
    Child,
    Supervisor,
    health_server,
    pid_file,
    replace_running,
)
from callisi_runtime.live.watch_line import pid_path, takes_calls
from callisi_runtime.settings import Settings

from .test_worker import STAFF, spec

if TYPE_CHECKING:
    from pathlib import Path

    from callisi_runtime.spec import AgentSpec


def supervisor(tmp_path: Path, environ: dict[str, str] | None = None) -> Supervisor:
    return Supervisor(lambda: spec(STAFF), "clara", settings(tmp_path), environ or {})


def settings(tmp_path: Path) -> Settings:
    return Settings(callisi_database=f"sqlite:///{tmp_path / 'x.db'}")


@pytest.mark.slow
async def test_a_worker_that_can_never_take_calls_ends_it_with_its_own_code(tmp_path: Path) -> None:
    environ = {"LIVEKIT_URL": "", "LIVEKIT_API_KEY": "", "LIVEKIT_API_SECRET": ""}
    running = supervisor(tmp_path, environ)
    assert await asyncio.wait_for(running.run(spec(STAFF)), 90) == 1
    assert running.restarts == 0
    assert not running.children


async def test_health_adds_the_workers_up_and_says_whether_calls_are_taken(tmp_path: Path) -> None:
    running = supervisor(tmp_path)
    async with health_server(running, 0) as port:
        assert (await get(port, "/healthz"))[0] == 503
        running.children = [child(calls=2, refused=1, max_calls=5), child(calls=3, max_calls=5, drains=True)]
        status, text = await get(port, "/healthz")
        assert status == 200
        assert '"calls": 5' in text
        assert '"refused": 1' in text
        assert '"taking_calls": 1' in text
        status, text = await get(port, "/metrics")
        assert "callisi_calls 5" in text.splitlines()
        assert "callisi_ok 1" in text.splitlines()


async def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    running = supervisor(tmp_path)
    async with health_server(running, 0) as port:
        with pytest.raises(CallisiError, match="is taken"):
            async with health_server(running, port):
                pass


async def get(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


def child(*, drains: bool = False, **status: int) -> Child:
    made = Child(None, drains=drains, status=dict(status))  # type: ignore[arg-type]
    made.registered.set()
    return made


def test_replacing_what_does_not_run_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CallisiError, match="nothing to replace"):
        replace_running("nobody", settings(tmp_path))


async def test_replace_sends_the_running_one_a_signal(tmp_path: Path) -> None:
    hit = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hit.set)
    try:
        with pid_file("replaced", settings(tmp_path)) as ready:
            assert not takes_calls(pid_path("replaced", settings(tmp_path)))
            ready()
            assert takes_calls(pid_path("replaced", settings(tmp_path)))
            assert replace_running("replaced", settings(tmp_path)) == 0
            await asyncio.wait_for(hit.wait(), 5)
        assert not pid_path("replaced", settings(tmp_path)).exists()
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)


def test_a_second_one_does_not_take_the_first_ones_file_away(tmp_path: Path) -> None:
    path = pid_path("shared", settings(tmp_path))
    with pid_file("shared", settings(tmp_path)):
        path.write_text("1\n")
    assert path.read_text() == "1\n"
    path.unlink()


PRETENDER = """
import json, os, sys, time
sys.stdin.readline()
mode = os.environ["MODE_FILE"]
what = open(mode).read().strip()
if what == "broken":
    sys.exit(1)
print(json.dumps({"registered": True, "max_calls": 3, "calls": 0}), flush=True)
if os.fork() == 0:
    time.sleep(3)  # a call that outlives its worker and holds its output
    os._exit(0)
time.sleep(60)
"""


@pytest.fixture
def pretender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the worker's place: it says that it is registered, or ends at once, as the file says."""
    program, mode = tmp_path / "pretender.py", tmp_path / "mode"
    program.write_text(PRETENDER)
    mode.write_text("well")
    monkeypatch.setenv("MODE_FILE", str(mode))
    return program


async def start(running: Supervisor, program: Path) -> asyncio.Task[int]:
    running.program = [str(program)]
    task = asyncio.create_task(running.run(spec(STAFF)))
    await until_taking(running, 1)
    return task


async def until_taking(running: Supervisor, count: int, *, but: int = 0) -> None:
    async with asyncio.timeout(20):
        while running.health()["taking_calls"] != count or but in pids(running):
            await asyncio.sleep(0.02)


def pids(running: Supervisor) -> list[int]:
    return [one.process.pid for one in running.children]


async def stop(running: Supervisor, task: asyncio.Task[int]) -> int:
    running.stop()
    return await asyncio.wait_for(task, 10)


async def test_a_worker_that_is_killed_is_started_again_although_a_call_holds_its_output(
    tmp_path: Path, pretender: Path
) -> None:
    running = supervisor(tmp_path)
    task = await start(running, pretender)
    (first,) = pids(running)
    began = asyncio.get_running_loop().time()
    os.kill(first, signal.SIGKILL)
    await until_taking(running, 1, but=first)
    assert asyncio.get_running_loop().time() - began < 2.5
    assert running.restarts == 1
    assert await stop(running, task) == 0


async def test_a_replacement_takes_over_and_the_old_one_drains(tmp_path: Path, pretender: Path) -> None:
    running = supervisor(tmp_path)
    task = await start(running, pretender)
    (first,) = pids(running)
    running.replace()
    await until_taking(running, 1, but=first)
    assert running.restarts == 0
    assert await stop(running, task) == 0


async def test_a_replacement_that_cannot_take_calls_leaves_the_running_one(
    tmp_path: Path, pretender: Path
) -> None:
    running = supervisor(tmp_path)
    task = await start(running, pretender)
    (first,) = pids(running)
    (tmp_path / "mode").write_text("broken")
    running.replace()
    await asyncio.sleep(1.0)
    assert pids(running) == [first]
    assert running.health()["ok"]
    assert await stop(running, task) == 0


async def test_a_file_that_is_wrong_by_then_changes_nothing(tmp_path: Path, pretender: Path) -> None:
    def wrong() -> AgentSpec:
        raise CallisiError("the file is wrong")

    running = supervisor(tmp_path)
    task = await start(running, pretender)
    (first,) = pids(running)
    running.load = wrong
    running.replace()
    await asyncio.sleep(0.3)
    assert pids(running) == [first]
    assert await stop(running, task) == 0
