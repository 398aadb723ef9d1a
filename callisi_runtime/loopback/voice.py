"""Voices that need no account: espeak-ng where it is installed, otherwise a melody as long as the text."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from functools import lru_cache
from typing import Final, Protocol

import numpy as np

from callisi_runtime.loopback.audio import Samples, from_wav, resample, to_int16

RATE: Final = 24000
"""Samples a second of every voice."""


class Voice(Protocol):
    """Turns text into sound."""

    def speak(self, text: str) -> Samples:
        """The text as one channel at 24 kHz. May take long: call it off the event loop."""
        ...


class EspeakVoice:
    """German by espeak-ng."""

    def __init__(self, voice: str = "de", words_per_minute: int = 165) -> None:
        self._voice, self._speed = voice, words_per_minute

    @staticmethod
    def available() -> bool:
        """Whether espeak-ng is on PATH."""
        return shutil.which("espeak-ng") is not None

    def speak(self, text: str) -> Samples:
        """See Voice; a failing espeak-ng raises subprocess.CalledProcessError."""
        return _espeak(text, self._voice, self._speed)


@lru_cache(maxsize=256)
def _espeak(text: str, voice: str, speed: int) -> Samples:
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdin", "--stdout"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=20)
    samples, rate = from_wav(done.stdout)
    spoken = resample(samples, rate, RATE)
    spoken.setflags(write=False)
    return spoken


class ToneVoice:
    """One tone for three characters, 14 characters a second: the same text always sounds the same."""

    characters_per_second: Final = 14.0
    _bit: Final = 3

    def speak(self, text: str) -> Samples:
        """See Voice; never fails."""
        bits = [text[at : at + self._bit] for at in range(0, len(text), self._bit)]
        return np.concatenate([self._tone(bit) for bit in bits]) if bits else np.zeros(0, np.int16)

    def _tone(self, bit: str) -> Samples:
        time = np.arange(round(RATE * len(bit) / self.characters_per_second)) / RATE
        if not bit.strip(" .,;:!?"):
            return np.zeros(len(time), np.int16)
        pitch = 180 + zlib.crc32(bit.lower().encode()) % 12 * 20
        swell = np.sin(np.pi * np.arange(len(time)) / len(time))
        overtones = (np.sin(2 * np.pi * pitch * n * time) / n for n in (1, 2, 3))
        return to_int16(6000 * swell * sum(overtones, np.zeros(len(time))))


def default_voice() -> Voice:
    """The best voice of this machine."""
    return EspeakVoice() if EspeakVoice.available() else ToneVoice()
