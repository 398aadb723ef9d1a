"""What call processes share is loaded before any of them is forked, and works in each of them afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callisi_runtime.live.warm import survive_a_fork
from callisi_runtime.loopback import OpenAIServer
from callisi_runtime.source import load
from callisi_runtime.spec import AgentSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
TEXT = "Guten Tag, hier ist die KI von Callisi."
FORKED = """
import asyncio, json, os, sys, threading

def threads():
    return len(os.listdir("/proc/self/task"))

import callisi_runtime.live.entry
from callisi_runtime.live import warm
with_nothing = threads()
before = warm.voices_of.cache_info().currsize, warm.vad_of.cache_info().currsize
agent = os.environ[warm.AGENT]

async def child():
    from livekit import rtc
    from livekit.agents.utils import http_context
    from livekit.agents.vad import VADEventType
    from callisi_runtime.live.speech import synthesise
    from callisi_runtime.live.providers import load_vad
    voices = warm.voices_of(agent)
    async with http_context.open():
        samples = await synthesise(voices.tts, os.environ["TEXT"])
    stream = voices.vad.stream()
    for part in (samples, samples * 0):
        stream.push_frame(rtc.AudioFrame(part.tobytes(), 24000, 1, len(part)))
    stream.end_input()
    seen = [event.type.name async for event in stream if event.type is not VADEventType.INFERENCE_DONE]
    return {"heard": seen, "seconds": len(samples) / 24000}

reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, json.dumps(asyncio.run(child())).encode())
    os._exit(0)
os.close(writer)
told = json.loads(os.fdopen(reader).read())
print(json.dumps({"loaded": before, "threads": with_nothing, **told}))
"""


def agent(environ: Mapping[str, str], **voice: Any) -> str:
    """The line's agent as the worker hands it on, with another `voice`."""
    spec = load(ROOT / "agents" / "clara.yaml", AgentSpec, env=dict(environ)).value
    document = json.loads(spec.model_dump_json(by_alias=True))
    document["voice"] |= voice
    return AgentSpec.model_validate(document).model_dump_json(by_alias=True)


async def forked(**voice: Any) -> dict[str, Any]:
    """What a process that loaded this agent and then forked says of itself and of its child."""
    async with OpenAIServer() as openai:
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "OPENAI_API_KEY": "loopback",
            "OPENAI_BASE_URL": openai.base_url,
            "DEEPGRAM_API_KEY": "loopback",
            "TEXT": TEXT,
        }
        environ["CALLISI_WORKER_AGENT"] = agent(environ, **voice)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", FORKED, env=environ, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    assert process.returncode == 0
    answer: dict[str, Any] = json.loads(output)
    return answer


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not on PATH")
async def test_voices_and_voice_detection_loaded_before_the_fork_work_after_it() -> None:
    told = await forked()
    assert told["loaded"] == [1, 1]
    assert told["seconds"] > 1.5
    assert told["heard"] == ["START_OF_SPEECH", "END_OF_SPEECH"]


@pytest.mark.parametrize(("voice", "does"), [({}, True), ({"tts": "cartesia/sonic-2"}, False)])
def test_only_providers_that_are_known_to_survive_a_fork_are_made_ready_before_it(
    voice: dict[str, Any], does: bool
) -> None:
    assert survive_a_fork(AgentSpec.model_validate_json(agent({}, **voice))) is does
