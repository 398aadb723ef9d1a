"""What would make every call fail is said in one clear sentence, with exit code 1, before anything registers."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from livekit import api
from livekit.protocol import sip as pb

from callisi_runtime.errors import CallisiError
from callisi_runtime.live.admission import Admission, hear_ends, tell_end
from callisi_runtime.live.providers import import_plugins
from callisi_runtime.live.worker import find_trunk
from callisi_runtime.loopback import Loopback
from callisi_runtime.loopback.livekit import API_KEY, API_SECRET, LiveKitServer
from callisi_runtime.source import load
from callisi_runtime.spec import AgentSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

CLARA = Path(__file__).parents[2] / "agents" / "clara.yaml"
TRUNK = "Callisi-LiveKit-Trunk"
STAFF = {"DEFAULT_FORWARD_NUMBER": "+4930901820", "TWILIO_SMS_TO": "+491795550000"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Loopback, dict[str, str]]]:
    """Every provider on loopback, one outbound trunk, and the environment that points at them."""
    async with Loopback(("livekit", "openai", "deepgram", "twilio")) as loopback:
        await add_trunk(loopback.livekit)
        environ = {
            **loopback.environ(),
            **STAFF,
            "TWILIO_PHONE_NUMBER": "+493023125100",
            "CALLISI_DATABASE": f"sqlite:///{tmp_path / 'ledger.db'}",
            "CALLISI_CACHE": str(tmp_path / "cache"),
        }
        yield loopback, environ


World = tuple[Loopback, dict[str, str]]


async def add_trunk(livekit: LiveKitServer, name: str = TRUNK) -> None:
    async with api.LiveKitAPI(livekit.url, API_KEY, API_SECRET, failover=False) as lk:
        trunk = pb.SIPOutboundTrunkInfo(name=name, address="x.pstn.twilio.com", numbers=["+493023125100"])
        await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))


def spec(environ: Mapping[str, str]) -> AgentSpec:
    return load(CLARA, AgentSpec, env=dict(environ)).value


async def work(environ: Mapping[str, str]) -> tuple[int, str]:
    """Run the worker as a process of its own until it ends; its exit code and what it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "callisi_runtime.live.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **environ},
    )
    said = spec(environ).model_dump_json(by_alias=True).encode() + b"\n"
    _, errors = await asyncio.wait_for(process.communicate(said), 90)
    assert process.returncode is not None
    return process.returncode, errors.decode()


async def refused(environ: Mapping[str, str]) -> str:
    """The one sentence with which a worker gives up."""
    code, said = await work(environ)
    assert code == 1
    assert "Traceback" not in said
    (sentence,) = [line for line in said.splitlines() if line.startswith("error:")]
    return sentence


@pytest.mark.slow
async def test_a_key_that_is_refused(world: World) -> None:
    loopback, environ = world
    sentence = await refused({**environ, "LIVEKIT_API_SECRET": "wrong-secret-of-more-than-32-characters"})
    assert "LiveKit refuses the key" in sentence
    assert "LIVEKIT_API_KEY" in sentence
    assert not loopback.twilio.messages


@pytest.mark.slow
async def test_a_server_that_is_not_there(world: World) -> None:
    assert "cannot be reached at ws://127.0.0.1:9" in await refused(
        {**world[1], "LIVEKIT_URL": "ws://127.0.0.1:9"}
    )


@pytest.mark.slow
async def test_a_trunk_that_is_not_there(world: World) -> None:
    sentence = await refused({**world[1], "SIP_TRUNK_NAME": "Callisi"})
    assert "no such outbound trunk" in sentence
    assert TRUNK in sentence


@pytest.mark.slow
async def test_two_trunks_of_one_name(world: World) -> None:
    await add_trunk(world[0].livekit)
    assert "2 outbound trunks of that name" in await refused(world[1])


@pytest.mark.slow
async def test_a_voice_that_does_not_speak(world: World) -> None:
    world[0].openai.faults.add("*", "status:401", times=None)
    assert "fixed sentences could not be synthesised" in await refused(world[1])


@pytest.mark.slow
async def test_what_the_environment_lacks_is_said_all_at_once(world: World) -> None:
    environ = {
        name: value
        for name, value in world[1].items()
        if name not in ("LIVEKIT_API_KEY", "TWILIO_AUTH_TOKEN")
    }
    code, said = await work(environ)
    assert code == 1
    assert "LIVEKIT_API_KEY" in said
    assert "TWILIO_AUTH_TOKEN" in said


def test_a_trunk_is_found_by_its_name_or_its_id() -> None:
    clara = spec(STAFF)
    assert find_trunk(clara, [("ST_1", TRUNK), ("ST_2", "other")]) == "ST_1"
    named = spec({**STAFF, "SIP_TRUNK_NAME": "ST_2"})
    assert find_trunk(named, [("ST_1", TRUNK), ("ST_2", "other")]) == "ST_2"
    with pytest.raises(CallisiError, match="no such outbound trunk"):
        find_trunk(clara, [])


def test_a_plugin_that_is_not_installed_is_named_with_its_package() -> None:
    text = spec(STAFF).model_dump(mode="json", by_alias=True)
    text["voice"]["llm"] = ["azure/gpt-4.1-mini"]
    text["voice"]["stt"] = ["elevenlabs/scribe_v2_realtime"]
    with pytest.raises(CallisiError, match="livekit-plugins-elevenlabs"):
        import_plugins(AgentSpec.model_validate(text))


class Request:
    """What LiveKit asks, and what was answered."""

    def __init__(self, epoch: int = 0) -> None:
        self.id = "AJ_1"
        metadata = f'{{"callisi": {{"epoch": {epoch}}}}}' if epoch else ""
        self.job = SimpleNamespace(metadata=metadata)
        self.answer: dict[str, Any] | str = ""

    async def accept(self, **how: Any) -> None:
        self.answer = how

    async def reject(self) -> None:
        self.answer = "rejected"


async def asked(admission: Admission, epoch: int = 0) -> dict[str, Any] | str:
    request = Request(epoch)
    await admission.decide(request)  # type: ignore[arg-type]
    return request.answer


def with_calls(count: int, limit: int) -> Admission:
    admission = Admission(limit, "Clara")
    jobs = [SimpleNamespace(job=SimpleNamespace(id=f"AJ_{number}")) for number in range(count)]
    admission.server = SimpleNamespace(active_jobs=jobs)  # type: ignore[assignment]
    return admission


async def test_calls_beyond_the_plan_are_refused_and_counted() -> None:
    admission = with_calls(2, limit=2)
    assert await asked(admission) == "rejected"
    assert await asked(admission) == "rejected"
    assert admission.refused == 2
    assert 0.0 < admission.load < 0.7


async def test_a_call_that_is_over_makes_room_before_its_process_is_gone(tmp_path: Path) -> None:
    admission = with_calls(2, limit=2)
    path = tmp_path / "ends"
    async with hear_ends(path, admission):
        tell_end(str(path), "AJ_0")
        async with asyncio.timeout(5):
            while admission.calls == 2:
                await asyncio.sleep(0)
    assert isinstance(await asked(admission), dict)
    admission.server.active_jobs.pop(0)  # type: ignore[union-attr]
    assert admission.calls == 1


def test_the_end_of_a_call_may_find_no_worker(tmp_path: Path) -> None:
    tell_end(str(tmp_path / "nobody"), "AJ_0")
    tell_end("", "AJ_0")


async def test_a_rescue_is_never_refused() -> None:
    admission = with_calls(2, limit=2)
    answer = await asked(admission, epoch=3)
    assert isinstance(answer, dict)
    assert answer["attributes"]["callisi.epoch"] == "3"
    assert admission.refused == 0


async def test_calls_that_come_at_once_are_counted_before_their_processes_run() -> None:
    admission = with_calls(0, limit=1)
    held = asyncio.Event()

    class Slow(Request):
        async def accept(self, **how: Any) -> None:
            await held.wait()
            await super().accept(**how)

    first = asyncio.create_task(admission.decide(Slow()))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert await asked(admission) == "rejected"
    held.set()
    await first
    assert isinstance(await asked(admission), dict)


async def test_every_process_has_a_name_of_its_own() -> None:
    answer = await asked(with_calls(0, limit=1))
    assert isinstance(answer, dict)
    assert answer["identity"] == "callisi-agent-AJ_1"
    assert answer["attributes"]["callisi.role"] == "agent"
