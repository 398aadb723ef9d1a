"""Sound as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from callisi_runtime.loopback.audio import (
    Samples,
    decode_pcmu,
    encode_pcmu,
    from_bytes,
    from_wav,
    resample,
    rms,
    to_int16,
    to_wav,
)
from callisi_runtime.loopback.voice import RATE, EspeakVoice, ToneVoice


def tone(rate: int, seconds: float = 0.5, pitch: float = 440) -> Samples:
    return to_int16(8000 * np.sin(2 * np.pi * pitch * np.arange(round(rate * seconds)) / rate))


@pytest.mark.parametrize(("rate", "wanted"), [(22050, 24000), (24000, 8000), (8000, 48000), (16000, 16000)])
def test_resampling_keeps_length_loudness_and_pitch(rate: int, wanted: int) -> None:
    made = resample(tone(rate), rate, wanted)
    assert len(made) == wanted // 2
    middle = slice(wanted // 10, wanted * 4 // 10)
    assert np.abs(made[middle].astype(int) - tone(wanted)[middle].astype(int)).max() < 250


def test_what_is_too_high_for_the_new_rate_vanishes() -> None:
    assert rms(resample(tone(24000, pitch=6000), 24000, 8000)) < 100


def test_mu_law_stays_within_its_steps_and_knows_silence() -> None:
    loud = np.array([0, 1, -1, 100, -100, 1000, -1000, 20000, -20000, 32767, -32768], np.int16)
    back = decode_pcmu(encode_pcmu(loud)).astype(int)
    assert np.all(np.abs(back - loud) <= np.maximum(8, np.abs(loud.astype(int)) // 16))
    assert encode_pcmu(np.zeros(1, np.int16)) == b"\xff"


def test_mu_law_codes_survive_a_round_trip() -> None:
    codes = bytes(code for code in range(256) if code != 0x7F)  # 0x7F is the other zero
    assert encode_pcmu(decode_pcmu(codes)) == codes


def test_wav_and_torn_bytes() -> None:
    samples, rate = from_wav(to_wav(tone(8000), 8000))
    assert rate == 8000
    assert np.array_equal(samples, tone(8000))
    assert list(from_bytes(b"\x01\x00\x02")) == [1]
    assert rms(np.zeros(0, np.int16)) == 0.0


def test_the_tone_voice_says_the_same_text_the_same_way_as_long_as_the_text() -> None:
    voice = ToneVoice()
    once, again = voice.speak("Guten Tag, hier ist Clara."), voice.speak("Guten Tag, hier ist Clara.")
    assert np.array_equal(once, again)
    assert len(once) / RATE == pytest.approx(26 / 14, abs=0.01)
    assert not np.array_equal(once, voice.speak("Guten Tag, hier ist Carla."))
    assert rms(once) > 1000
    assert len(voice.speak("")) == 0


@pytest.mark.skipif(not EspeakVoice.available(), reason="espeak-ng is not on PATH")
def test_espeak_speaks_german_and_takes_an_option_for_text() -> None:
    assert 0.5 < len(EspeakVoice().speak("Grüß Gott, schöne Tür.")) / RATE < 4
    assert len(EspeakVoice().speak("--help")) / RATE < 4
