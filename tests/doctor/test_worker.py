"""The worker on this machine, its watchdog, its port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from .conftest import Office
from .test_doctor import states


@contextlib.asynccontextmanager
async def a_worker(office: Office, port: int, *, agent: str, calls: int) -> AsyncIterator[None]:
    """A worker's health port, on which this agent says how many calls it has."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"ok": True, "agent": agent, "calls": calls})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    office.environ["CALLISI_HEALTH_PORT"] = str(port)
    try:
        yield
    finally:
        await runner.cleanup()


async def test_a_worker_without_a_watchdog_is_a_problem(office: Office, free_port: int) -> None:
    app = web.Application()
    health = {"ok": True, "agent": "clara", "calls": 2}

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response(health)

    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", free_port).start()
    office.environ["CALLISI_HEALTH_PORT"] = str(free_port)
    try:
        found = await office.findings()
        assert found["worker"][0].what == "the worker takes calls, 2 now"
        assert states(found["watchdog"]) == ["problem"]
        async with watchdog(office):
            assert states(await office.finding("watchdog")) == ["ok"]
        health["ok"] = False
        assert states(await office.finding("worker")) == ["problem"]
    finally:
        await runner.cleanup()


class watchdog:  # used as a context manager
    """Something that listens where the watchdog does."""

    def __init__(self, office: Office) -> None:
        from callisi_runtime.live.watch_line import socket_path
        from callisi_runtime.settings import Settings

        self.path: Path = socket_path("clara", Settings.from_environ(office.environ))

    async def __aenter__(self) -> None:
        async def attend(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        self.server = await asyncio.start_unix_server(attend, self.path)

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()
        self.path.unlink(missing_ok=True)


async def test_a_port_that_another_program_has_is_a_problem(office: Office) -> None:
    office.environ["CALLISI_HEALTH_PORT"] = str(office.sip.port)
    (found,) = await office.finding("port")
    assert (found.state, "CALLISI_HEALTH_PORT" in (found.mend or "")) == ("problem", True)


async def test_a_port_that_nobody_has_is_free(office: Office, free_port: int) -> None:
    office.environ["CALLISI_HEALTH_PORT"] = str(free_port)
    (found,) = await office.finding("port")
    assert found.what == f"port {free_port} is free for a worker"


@pytest.mark.parametrize(("status", "state"), [(200, "ok"), (502, "problem")])
async def test_a_server_for_reports_that_answers_is_well(office: Office, status: int, state: str) -> None:
    async def healthz(_: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    office.environ["CALLISI_PUBLIC_URL"] = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        (found,) = await office.finding("reports")
    finally:
        await runner.cleanup()
    assert (found.state, "answers" in found.what) == (state, True), found


async def test_a_worker_of_another_agent_is_a_warning(office: Office, free_port: int) -> None:
    async with a_worker(office, free_port, agent="otto", calls=0):
        (found,) = await office.finding("worker")
    assert (found.state, "`otto`, not `clara`" in found.what) == ("warning", True), found
