"""Sentences as audio: synthesised once, kept on disk by text, voice, language and provider, and played from there."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from livekit import rtc

from callisi_runtime.live.ringback import RATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from livekit.agents import tts
    from numpy.typing import NDArray

    from callisi_runtime.spec import Provider

    Samples = NDArray[np.int16]

SECONDS_TO_SYNTHESISE = 10.0
FORMAT = 1
"""Part of the key: raised when the stored form changes."""


class SpeechCache:
    """Audio of fixed sentences. Files are raw int16 at 24 kHz, written whole or not at all.

    Args:
        directory: Where the files are; shared by all processes of a machine.
        language: The agent's language.
        voices: Who speaks, in failover order; the first names the file.
    """

    def __init__(self, directory: Path, language: str, voices: Sequence[Provider]) -> None:
        self.directory = directory / "speech"
        self.language = language
        self.voices = voices
        self._memory: dict[str, Samples] = {}

    def key(self, text: str) -> str:
        """The name of a sentence's file: depends on everything that changes how it sounds."""
        voice = self.voices[0]
        parts = (FORMAT, voice.model_dump_json(), self.language, RATE, text)
        return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32]

    def get(self, text: str) -> Samples | None:
        """The audio of a sentence, when it was synthesised before."""
        key = self.key(text)
        if key not in self._memory:
            file = self.directory / f"{key}.pcm"
            try:
                # mapped, not read: all call processes of a machine share the pages
                self._memory[key] = np.memmap(file, np.int16, mode="r")
            except (OSError, ValueError):  # gone, or empty
                return None
        return self._memory[key]

    def put(self, text: str, samples: Samples) -> None:
        """Keep the audio of a sentence. A disk that is full or read-only costs the file, not the call."""
        self._memory[self.key(text)] = samples
        with contextlib.suppress(OSError):
            self.directory.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.directory)
            with os.fdopen(handle, "wb") as file:
                file.write(samples.tobytes())
            Path(name).replace(self.directory / f"{self.key(text)}.pcm")

    def load(self, texts: Iterable[str]) -> list[str]:
        """Read what is there into memory; returns the texts that are not."""
        return [text for text in texts if self.get(text) is None]


class Speaker:
    """Turns text into audio with the declared voices, the cache first.

    Args:
        cache: Where fixed sentences are kept.
        voices: The plugins, in failover order.
    """

    def __init__(self, cache: SpeechCache, voices: Sequence[tts.TTS[Any]]) -> None:
        self.cache = cache
        self.voices = voices

    async def samples(self, text: str, *, keep: bool) -> Samples:
        """The audio of a text: int16, mono, 24 kHz.

        Args:
            text: What is said.
            keep: Whether it is a fixed sentence that belongs into the cache; what names a caller never does.

        Raises:
            SpeechError: when no voice could say it.
        """
        known = self.cache.get(text) if keep else None
        if known is not None:
            return known
        problems: list[str] = []
        for voice in self.voices:
            try:
                samples = await asyncio.wait_for(synthesise(voice, text), SECONDS_TO_SYNTHESISE)
            except Exception as error:
                problems.append(f"{voice.label}: {type(error).__name__}")
                continue
            if keep:
                self.cache.put(text, samples)
            return samples
        raise SpeechError("; ".join(problems) or "no voice is configured")

    async def prepare(self, texts: Iterable[str]) -> int:
        """Synthesise what is not in the cache yet; returns how many sentences were new."""
        missing = self.cache.load(texts)
        for text in missing:
            await self.samples(text, keep=True)
        return len(missing)


class SpeechError(Exception):
    """No voice could say a sentence."""


async def synthesise(voice: tts.TTS[Any], text: str) -> Samples:
    """One text through one plugin, resampled to 24 kHz mono, with silence cut from both ends."""
    frames: list[rtc.AudioFrame] = []
    async with voice.synthesize(text) as stream:
        async for event in stream:
            frames.append(event.frame)
    if not frames:
        raise SpeechError("the provider sent no audio")
    if frames[0].sample_rate != RATE:
        resampler = rtc.AudioResampler(frames[0].sample_rate, RATE)
        frames = [out for frame in frames for out in resampler.push(frame)] + resampler.flush()
    return trimmed(np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames]))


def trimmed(samples: Samples, threshold: int = 200, margin: float = 0.05) -> Samples:
    """The samples without the silence before and after them, but for `margin` seconds."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > threshold)
    if not len(loud):
        return samples
    edge = int(margin * RATE)
    return samples[max(0, int(loud[0]) - edge) : int(loud[-1]) + edge]
