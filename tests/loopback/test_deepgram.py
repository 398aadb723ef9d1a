"""The real plugin for speech recognition against the loopback Deepgram."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIError, APIStatusError, stt
from livekit.plugins import deepgram as plugin

from callisi_runtime.loopback.audio import resample
from callisi_runtime.loopback.recognise import KnownPhrases, ScriptedRecogniser
from callisi_runtime.loopback.voice import RATE as VOICE_RATE
from callisi_runtime.loopback.voice import EspeakVoice
from tests.loopback.conftest import ONCE

if TYPE_CHECKING:
    import aiohttp

    from callisi_runtime.loopback.audio import Samples
    from callisi_runtime.loopback.deepgram import DeepgramServer

RATE = 16000
Kind = stt.SpeechEventType


def tone(seconds: float) -> Samples:
    return (6000 * np.sin(2 * np.pi * 300 * np.arange(round(RATE * seconds)) / RATE)).astype(np.int16)


def silence(seconds: float) -> Samples:
    return np.zeros(round(RATE * seconds), np.int16)


def push(stream: stt.SpeechStream, *sounds: Samples) -> None:
    for sound in sounds:
        for at in range(0, len(sound), 800):
            part = sound[at : at + 800]
            stream.push_frame(rtc.AudioFrame(part.tobytes(), RATE, 1, len(part)))


def listener(server: DeepgramServer, http: aiohttp.ClientSession, **options: Any) -> stt.SpeechStream:
    recogniser = plugin.STT(
        language="de", api_key="k", base_url=server.base_url, http_session=http, **options
    )
    return recogniser.stream(conn_options=ONCE)


async def events(stream: stt.SpeechStream, *, utterances: int = 1) -> list[stt.SpeechEvent]:
    """What the plugin says until so many utterances have ended (the stream itself takes 5 s to end)."""
    stream.end_input()
    heard: list[stt.SpeechEvent] = []
    async with asyncio.timeout(5):
        while sum(event.type is Kind.END_OF_SPEECH for event in heard) < utterances:
            event = await anext(stream)
            if event.type is not Kind.RECOGNITION_USAGE:
                heard.append(event)
    return heard


async def test_an_utterance_begins_is_guessed_is_transcribed_and_ends(
    deepgram: DeepgramServer, http: aiohttp.ClientSession
) -> None:
    deepgram.recogniser = ScriptedRecogniser(["Ich möchte mit einem Menschen sprechen."])
    async with listener(deepgram, http) as stream:
        push(stream, silence(0.5), tone(1.0), silence(0.5))
        heard = await events(stream)
    assert [event.type for event in heard] == [
        Kind.START_OF_SPEECH,
        Kind.INTERIM_TRANSCRIPT,
        Kind.FINAL_TRANSCRIPT,
        Kind.END_OF_SPEECH,
    ]
    said = heard[2].alternatives[0]
    assert said.text == "Ich möchte mit einem Menschen sprechen."
    assert [said.start_time, said.end_time] == pytest.approx([0.5, 1.5], abs=0.05)


async def test_each_utterance_is_the_next_line_and_after_the_last_there_is_nothing(
    deepgram: DeepgramServer, http: aiohttp.ClientSession
) -> None:
    deepgram.recogniser = ScriptedRecogniser(["Guten Tag.", "Auf Wiedersehen."])
    async with listener(deepgram, http) as stream:
        push(stream, *[tone(0.4), silence(0.4)] * 3)
        heard = await events(stream, utterances=3)
    finals = [e.alternatives[0].text for e in heard if e.type is Kind.FINAL_TRANSCRIPT]
    assert finals == ["Guten Tag.", "Auf Wiedersehen."]
    assert [entry.body for entry in deepgram.log.of("transcript")] == [*finals, ""]


async def test_a_click_is_no_speech(deepgram: DeepgramServer, http: aiohttp.ClientSession) -> None:
    deepgram.recogniser = ScriptedRecogniser(["nach dem Klick"])
    async with listener(deepgram, http) as stream:
        push(stream, silence(0.3), tone(0.03), silence(0.5), tone(0.3), silence(0.3))
        heard = await events(stream)
    assert heard[-2].alternatives[0].text == "nach dem Klick"
    assert heard[-2].alternatives[0].start_time == pytest.approx(0.83, abs=0.05)


async def test_hanging_up_in_the_middle_of_a_word_still_yields_it(
    deepgram: DeepgramServer, http: aiohttp.ClientSession
) -> None:
    deepgram.recogniser = ScriptedRecogniser(["Moment"])
    async with listener(deepgram, http) as stream:
        push(stream, tone(0.5))
        heard = await events(stream)
    assert [e.alternatives[0].text for e in heard if e.type is Kind.FINAL_TRANSCRIPT] == ["Moment"]


async def test_a_recording_is_recognised_in_one_request(
    deepgram: DeepgramServer, http: aiohttp.ClientSession
) -> None:
    deepgram.recogniser = ScriptedRecogniser(["Hallo Clara"])
    recogniser = plugin.STT(language="de", api_key="k", base_url=deepgram.base_url, http_session=http)
    sound = tone(0.5)
    event = await recogniser.recognize(rtc.AudioFrame(sound.tobytes(), RATE, 1, len(sound)))
    assert event.alternatives[0].text == "Hallo Clara"


async def test_the_end_of_an_utterance_is_announced_when_asked_for(
    deepgram: DeepgramServer, http: aiohttp.ClientSession
) -> None:
    url = f"{deepgram.base_url}?sample_rate=16000&encoding=linear16&utterance_end_ms=1000"
    async with http.ws_connect(url, headers={"Authorization": "Token k"}) as socket:
        await socket.send_bytes(np.concatenate([tone(0.5), silence(1.2)]).tobytes())
        assert (await socket.receive_json())["type"] == "Results"
        ended = await socket.receive_json()
    assert ended["type"] == "UtteranceEnd"
    assert ended["last_word_end"] == pytest.approx(0.5, abs=0.03)


async def test_finalize_gives_what_was_said_so_far(
    deepgram: DeepgramServer, http: aiohttp.ClientSession
) -> None:
    deepgram.recogniser = ScriptedRecogniser(["so weit"])
    url = f"{deepgram.base_url}?sample_rate=16000&encoding=linear16"
    async with http.ws_connect(url, headers={"Authorization": "Token k"}) as socket:
        await socket.send_bytes(tone(0.5).tobytes())
        await socket.send_json({"type": "KeepAlive"})
        await socket.send_json({"type": "Finalize"})
        result = await socket.receive_json()
    assert result["from_finalize"]
    assert result["channel"]["alternatives"][0]["transcript"] == "so weit"


@pytest.mark.parametrize(
    "fault", ["status:429", "status:500", "hang", "slow:30", "drop", "drop_mid", "accept_then_drop"]
)
async def test_the_plugin_meets_faults(
    deepgram: DeepgramServer, http: aiohttp.ClientSession, fault: str
) -> None:
    deepgram.faults.add("listen", fault, times=2)  # aiohttp repeats a GET once by itself after a reset
    async with listener(deepgram, http) as stream:
        push(stream, tone(0.5), silence(0.5))
        with pytest.raises(APIError) as caught:
            async with asyncio.timeout(5):
                [event async for event in stream]
    if fault.startswith("status"):
        assert isinstance(caught.value, APIStatusError)
        assert f"status:{caught.value.status_code}" == fault


async def test_a_deaf_recogniser_takes_the_sound_and_says_nothing(
    deepgram: DeepgramServer, http: aiohttp.ClientSession
) -> None:
    deepgram.recogniser = ScriptedRecogniser(["ungehört"])
    deepgram.faults.add("listen", "accept_then_hang")
    async with listener(deepgram, http) as stream:
        push(stream, tone(0.5), silence(0.5))
        stream.end_input()
        closed = await deepgram.log.wait_for("closed")
    assert closed[0].body == {"seconds": 1.0}
    assert deepgram.log.of("transcript") == []


@pytest.mark.skipif(not EspeakVoice.available(), reason="espeak-ng is not on PATH")
async def test_a_spoken_sentence_is_recognised_by_its_sound(
    deepgram: DeepgramServer, http: aiohttp.ClientSession
) -> None:
    wish = "Ich möchte mit einem Menschen sprechen"
    deepgram.recogniser = KnownPhrases([wish, "Nein, ich will nicht verbunden werden", "Auf Wiedersehen"])
    spoken = resample(EspeakVoice().speak(wish), VOICE_RATE, RATE)
    async with listener(deepgram, http) as stream:
        push(stream, silence(0.4), spoken, silence(0.6))
        heard = await events(stream)
    assert [e.alternatives[0].text for e in heard if e.type is Kind.FINAL_TRANSCRIPT] == [wish]
