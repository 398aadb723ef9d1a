"""The providers and the real clients that talk to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest
from livekit.agents import APIConnectOptions

from callisi_runtime.loopback.deepgram import DeepgramServer
from callisi_runtime.loopback.openai import OpenAIServer
from callisi_runtime.loopback.recognise import ScriptedRecogniser
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.twilio_spec import SpecChecker, find_spec_folder
from callisi_runtime.loopback.voice import ToneVoice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ONCE = APIConnectOptions(max_retry=0, timeout=0.6)
"""No second try, so that each fault shows its own face."""


@pytest.fixture
async def openai() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(voice=ToneVoice()) as server:
        yield server


@pytest.fixture
async def deepgram() -> AsyncIterator[DeepgramServer]:
    async with DeepgramServer(recogniser=ScriptedRecogniser(), endpoint_silence=0.2) as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(scope="session")
def checker() -> SpecChecker | None:
    """Twilio's own description of its API, where it is at hand."""
    folder = find_spec_folder()
    return None if folder is None else SpecChecker(folder)


@pytest.fixture
async def twilio(checker: SpecChecker | None) -> AsyncIterator[TwilioServer]:
    """Every test with it is also a test of conformance, where the description is at hand."""
    async with TwilioServer(checker=checker) as server:
        yield server
        assert server.violations == []
