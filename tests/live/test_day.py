"""The money of the day, from the ledger to what a caller hears: a real server, a real worker, a real call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from livekit import api, rtc

from callisi_runtime.ledger import CallRow, Ledger
from callisi_runtime.loopback import Loopback
from callisi_runtime.loopback.livekit import API_KEY, API_SECRET
from callisi_runtime.source import load
from callisi_runtime.spec import AgentSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MISSING = [name for name in ("livekit-server", "redis-server") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not on PATH: {' '.join(MISSING)}"),
]

AGENT = """\
extends: {variants}/forward_sms.yaml
name: day
transfer: {{to: +49 30 23125111}}
fallback: {{channels: [{{sms: {{to: +49 171 3920011}}}}]}}
limits:
  cost:
    {{per_call: 4 EUR, per_day: 10 EUR, minute: 0.04 EUR, turn: 0.02 EUR, forward_minute: 0.10 EUR, message: 0.12 EUR}}
"""
CALL = "SCL_now"
READY_SECONDS = 60.0


class House(NamedTuple):
    """A reception with its books, and the server that calls come from."""

    url: str
    ledger: Ledger
    loopback: Loopback


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.asynccontextmanager
async def program(*command: str, **more: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that is ended with the test."""
    process = await asyncio.create_subprocess_exec(*command, **more)  # type: ignore[arg-type]
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until_listening(port: int) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return


@contextlib.asynccontextmanager
async def livekit_server(folder: Path) -> AsyncIterator[str]:
    """A real server, with the store that its trunks need; its address."""
    redis, port = free_port(), free_port()
    config = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "keys": {API_KEY: API_SECRET},
        "redis": {"address": f"127.0.0.1:{redis}"},
        "rtc": {
            "use_external_ip": False,
            "node_ip": "127.0.0.1",
            "tcp_port": free_port(),
            "udp_port": free_port(),
        },
    }
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
    store = ("redis-server", "--bind", "127.0.0.1", "--port", str(redis), "--save", "", "--dir", str(folder))
    async with program(*store, **quiet):
        await until_listening(redis)
        async with program("livekit-server", "--config-body", json.dumps(config), **quiet):
            await until_listening(port)
            yield f"ws://127.0.0.1:{port}"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A worker that is registered, as `callisi-run` starts it."""
    file = tmp_path / "day.yaml"
    file.write_text(AGENT.format(variants=Path("variants").resolve()), encoding="utf-8")
    database = f"sqlite:///{tmp_path / 'ledger.db'}"
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(livekit_server(tmp_path))
        loopback = await stack.enter_async_context(Loopback())
        environ = {
            **loopback.environ(),
            "LIVEKIT_URL": url,
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
            "TWILIO_PHONE_NUMBER": "+493023125100",
            "CALLISI_DATABASE": database,
            "CALLISI_CACHE": str(tmp_path / "cache"),
            "CALLISI_IDLE_PROCESSES": "1",
        }
        async with talking_to(url) as lk:
            trunk = api.SIPOutboundTrunkInfo(
                name="Callisi-LiveKit-Trunk", address="127.0.0.1", numbers=["+493023125100"]
            )
            await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
        worker = await stack.enter_async_context(
            program(
                sys.executable,
                "-m",
                "callisi_runtime.live.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stack.enter_context((tmp_path / "worker.log").open("wb")),
                env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **environ},
            )
        )
        assert worker.stdin is not None
        spec = load(file, AgentSpec, env=environ).value
        worker.stdin.write(spec.model_dump_json(by_alias=True).encode() + b"\n")
        await worker.stdin.drain()
        await registered(worker)
        ledger = Ledger(database)
        stack.push_async_callback(ledger.close)
        yield House(url, ledger, loopback)


async def registered(worker: asyncio.subprocess.Process) -> None:
    assert worker.stdout is not None
    async with asyncio.timeout(READY_SECONDS):
        async for line in worker.stdout:
            if json.loads(line).get("registered"):
                return
    raise AssertionError("the worker ended before it was registered")


def talking_to(url: str) -> api.LiveKitAPI:
    return api.LiveKitAPI(url.replace("ws", "http", 1), API_KEY, API_SECRET, failover=False)


@contextlib.asynccontextmanager
async def a_caller(house: House) -> AsyncIterator[rtc.Room]:
    """Somebody in a room of their own, as a dispatch rule brings them there."""
    name = "call-1"
    token = (
        api.AccessToken(API_KEY, API_SECRET)
        .with_identity("caller")
        .with_attributes({"sip.ruleID": "SDR_1", "sip.callID": CALL, "sip.phoneNumber": "+4915228817386"})
        .with_grants(api.VideoGrants(room_join=True, room=name))
    )
    room = rtc.Room()
    await room.connect(house.url, token.to_jwt())
    try:
        async with talking_to(house.url) as lk:
            await lk.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(agent_name="day", room=name)
            )
        yield room
    finally:
        await room.disconnect()


async def calls_that_go_on(house: House, count: int) -> None:
    for number in range(count):
        await house.ledger.begin_call(
            CallRow(f"SCL_before_{number}", "day", None, time.time(), f"room-{number}"), None
        )


async def told(house: House, kind: str, **data: object) -> set[str]:
    """Wait for a moment of the call's timeline; the kinds of everything that it has by then."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            moments = await house.ledger.timeline(CALL)
            if any(one.kind == kind and data.items() <= one.data.items() for one in moments):
                return {one.kind for one in moments}
            await asyncio.sleep(0.1)


async def test_when_the_days_money_is_used_up_nobody_thinks_or_dials_and_staff_reads_why(
    house: House,
) -> None:
    await calls_that_go_on(house, 2)  # 4 and 4 of 10 EUR: there is none for a third
    async with a_caller(house):
        kinds = await told(house, "event.NoteAccepted")
    assert "effect.Dial" not in kinds
    moments = await house.ledger.timeline(CALL)
    said = [one.data["key"] for one in moments if one.kind == "effect.Say"]
    assert said[:2] == ["greeting", "over_budget"]
    assert not [one for one in moments if one.kind == "effect.Listen" and one.data.get("on")]
    (message,) = house.loopback.twilio.messages.values()
    assert "Kostengrenze erreicht" in message.form["Body"]
    assert not house.loopback.openai.log.of("chat")


async def test_a_call_for_which_the_day_has_money_is_listened_to(house: House) -> None:
    await calls_that_go_on(house, 1)
    async with a_caller(house):
        await told(house, "effect.Listen", on=True)
    moments = await house.ledger.timeline(CALL)
    assert "over_budget" not in [one.data["key"] for one in moments if one.kind == "effect.Say"]
