"""Phrases known by their sound, after a telephone line has had its way with them."""

from __future__ import annotations

import numpy as np
import pytest

from callisi_runtime.loopback.audio import Samples, decode_pcmu, encode_pcmu, resample, to_int16
from callisi_runtime.loopback.recognise import KnownPhrases, ScriptedRecogniser
from callisi_runtime.loopback.voice import RATE, EspeakVoice

HUMAN = "Ich möchte mit einem Menschen sprechen"
NO = "Nein, ich will nicht verbunden werden."
PHRASES = [
    HUMAN,
    NO,
    "Sind Sie ein Mensch?",
    "Ich möchte einen Termin vereinbaren.",
    "Auf Wiedersehen.",
    "Ja, bitte.",
]

needs_espeak = pytest.mark.skipif(not EspeakVoice.available(), reason="espeak-ng is not on PATH")


def over_the_line(
    text: str,
    *,
    noise_db: float = 30,
    rate: int = 16000,
    late: int = 0,
    loudness: float = 0.6,
    speed: int = 165,
) -> Samples:
    """As a phone would send it: 8 kHz PCMU with noise `noise_db` below the voice, `late` samples of 8 kHz later."""
    spoken = resample(EspeakVoice(words_per_minute=speed).speak(text), RATE, 8000) * loudness
    sound = np.concatenate([np.zeros(1600 + late), spoken, np.zeros(3200)])
    level = np.sqrt(np.mean(spoken**2)) / 10 ** (noise_db / 20)
    noisy = sound + np.random.default_rng(1).normal(0, level, len(sound))
    return resample(decode_pcmu(encode_pcmu(to_int16(noisy))), 8000, rate)


@pytest.fixture(scope="module")
def known() -> KnownPhrases:
    return KnownPhrases(PHRASES)


@needs_espeak
@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize(
    "line",
    [
        {},
        {"noise_db": 12},
        {"late": 77, "rate": 48000},
        {"loudness": 0.15, "rate": 8000},
        {"speed": 150},
        {"speed": 180, "noise_db": 20},
    ],
    ids=str,
)
def test_a_known_phrase_is_recognised_over_a_telephone_line(
    known: KnownPhrases, phrase: str, line: dict[str, int]
) -> None:
    sound = over_the_line(phrase, **line)
    assert known.recognise(sound, line.get("rate", 16000)) == phrase


@needs_espeak
@pytest.mark.parametrize(
    "stranger",
    [
        "Ich möchte mit dem Zug fahren.",
        "Ich möchte gerne wissen, was das kostet.",
        "Wie wird das Wetter morgen?",
        "Das ist mir zu teuer.",
        "Hallo?",
    ],
)
def test_an_unknown_sentence_is_not_taken_for_a_known_one(known: KnownPhrases, stranger: str) -> None:
    assert known.recognise(over_the_line(stranger), 16000) == ""


@needs_espeak
def test_neither_silence_nor_noise_nor_a_tone_says_anything(known: KnownPhrases) -> None:
    time = np.arange(32000) / 16000
    tone = to_int16(8000 * np.sin(2 * np.pi * 425 * time))
    noise = to_int16(np.random.default_rng(2).normal(0, 2000, 32000))
    for sound in (np.zeros(16000, np.int16), np.zeros(0, np.int16), tone, noise):
        assert known.recognise(sound, 16000) == ""


@needs_espeak
def test_without_phrases_nothing_is_recognised() -> None:
    assert KnownPhrases([]).recognise(over_the_line(HUMAN), 16000) == ""


def test_a_script_may_grow_while_it_is_read() -> None:
    script = ScriptedRecogniser(["eins"])
    script.add("zwei")
    silence = np.zeros(0, np.int16)
    assert [script.recognise(silence, 8000) for _ in range(3)] == ["eins", "zwei", ""]
