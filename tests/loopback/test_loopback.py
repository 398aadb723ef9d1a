"""All providers together, in this process and as a process of their own."""

from __future__ import annotations

import asyncio
import json
import socket
import sys

import aiohttp
import pytest

from callisi_runtime.loopback import Loopback, Reply, ToneVoice


async def test_the_environment_names_the_servers_that_run() -> None:
    async with Loopback(["openai", "livekit"], voice=ToneVoice()) as loopback:
        environ = loopback.environ()
        assert list(environ) == [
            "OPENAI_BASE_URL",
            "OPENAI_API_KEY",
            "LIVEKIT_URL",
            "LIVEKIT_API_KEY",
            "LIVEKIT_API_SECRET",
        ]
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{environ['OPENAI_BASE_URL']}/models") as response,
        ):
            assert response.status == 200
        assert environ["LIVEKIT_URL"] == loopback.livekit.url


async def test_a_brain_can_be_plugged_in() -> None:
    async with Loopback(["openai"], reply=lambda _: Reply("Guten Tag."), voice=ToneVoice()) as loopback:
        assert loopback.openai.reply.__name__ == "<lambda>"
        with pytest.raises(LookupError):
            _ = loopback.livekit


async def test_a_taken_port_leaves_nothing_running() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        loopback = Loopback(["openai", "twilio"], voice=ToneVoice(), ports={"twilio": taken.getsockname()[1]})
        with pytest.raises(OSError, match="address already in use"):
            await loopback.__aenter__()
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(loopback.openai.url)


async def test_as_a_process_it_prints_its_environment_serves_and_ends_on_sigterm() -> None:
    command = ["-m", "callisi_runtime.loopback", "--voice", "tone", "--say", "Hallo"]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        environ = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession() as http:
            speech = {"model": "m", "voice": "v", "input": "Guten Tag", "response_format": "pcm"}
            headers = {"Authorization": f"Bearer {environ['OPENAI_API_KEY']}"}
            url = f"{environ['OPENAI_BASE_URL']}/audio/speech"
            async with http.post(url, json=speech, headers=headers) as response:
                assert len(await response.read()) > 10_000
        process.terminate()
        assert await process.wait() == 0
    assert {"DEEPGRAM_BASE_URL", "TWILIO_API_BASE", "TWILIO_ACCOUNT_SID"} <= set(environ)
