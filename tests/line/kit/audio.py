"""Telephone audio as arrays, mono, int16, 8 kHz unless a rate is given: PCMU, tones, WAV files, babble."""

from __future__ import annotations

import functools
import wave
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pathlib import Path

Samples = npt.NDArray[np.int16]
"""Shape (n,), one channel."""

RATE = 8000
"""Samples per second on a telephone line."""
FRAME = 160
"""Samples in one RTP packet: 20 ms."""
ULAW_SILENCE = b"\xff"


def _expand_every_code() -> Samples:
    """The 256 values of G.711 µ-law, indexed by code."""
    inverted = np.arange(256) ^ 0xFF
    exponent, mantissa = (inverted >> 4) & 7, inverted & 15
    magnitude = ((2 * mantissa + 33) << (exponent + 2)) - 132
    return np.where(inverted & 0x80, -magnitude, magnitude).astype(np.int16)


def _compress_every_sample(expanded: Samples) -> npt.NDArray[np.uint8]:
    """The nearest code for each of the 65,536 samples, indexed by sample + 32768."""
    values, first = np.unique(expanded[::-1].astype(np.int32), return_index=True)
    codes = (255 - first).astype(np.uint8)  # from the end, so that zero becomes the positive zero, 0xFF
    halfway = (values[1:] + values[:-1]) / 2
    nearest: npt.NDArray[np.uint8] = codes[np.searchsorted(halfway, np.arange(-32768, 32768))]
    return nearest


_EXPANDED = _expand_every_code()
_COMPRESSED = _compress_every_sample(_EXPANDED)


def encode_ulaw(samples: Samples) -> bytes:
    """One byte per sample."""
    return _COMPRESSED[samples.astype(np.int32) + 32768].tobytes()


def decode_ulaw(payload: bytes) -> Samples:
    """One sample per byte."""
    return _EXPANDED[np.frombuffer(payload, np.uint8)]


def silence(seconds: float, rate: int = RATE) -> Samples:
    """Digital silence."""
    return np.zeros(round(seconds * rate), np.int16)


@functools.lru_cache(maxsize=64)
def tone(frequency: float, seconds: float = 10.0, amplitude: float = 6000, rate: int = RATE) -> Samples:
    """A sine. Cached: a long one takes long enough to compute to make a telephone look slow."""
    moments = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * moments)).astype(np.int16)


def resample(samples: Samples, source_rate: int, target_rate: int) -> Samples:
    """The same sound at another rate, band-limited to what both rates can carry."""
    if source_rate == target_rate:
        return samples
    count = round(len(samples) * target_rate / source_rate)
    spectrum = np.fft.rfft(samples.astype(np.float64))
    kept = min(len(spectrum), count // 2 + 1)
    resized = np.zeros(count // 2 + 1, np.complex128)
    resized[:kept] = spectrum[:kept]
    sound = np.fft.irfft(resized, count) * (target_rate / source_rate)
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)


def babble(seconds: float, seed: int, rate: int = RATE) -> Samples:
    """A sound with the rhythm and bands of speech, the same for the same seed: a sentence without a voice."""
    random = np.random.default_rng(seed)
    syllables = [_syllable(random, rate) for _ in range(int(seconds / 0.12) + 2)]
    sound = np.concatenate(syllables)[: round(seconds * rate)]
    scaled: Samples = (sound * (9000 / np.max(np.abs(sound)))).astype(np.int16)
    return scaled


def _syllable(random: np.random.Generator, rate: int) -> npt.NDArray[np.float64]:
    """A voiced sound of one pitch between two formants, or (one in four) a short pause."""
    count = int(random.uniform(0.12, 0.28) * rate)
    if random.random() < 0.25:
        return random.normal(0, 0.001, count // 2)
    moments, pitch = np.arange(count) / rate, random.uniform(95, 240)
    formants = random.uniform((300, 900), (800, 2600))
    harmonics = np.arange(1, int(3300 / pitch)) * pitch
    weights = np.exp(-(((harmonics[:, None] - formants) / 180) ** 2)).sum(axis=1) + 0.01
    phases = random.uniform(0, 2 * np.pi, len(harmonics))
    waves = np.sin(2 * np.pi * harmonics[:, None] * moments + phases[:, None]) * weights[:, None]
    voiced: npt.NDArray[np.float64] = waves.sum(axis=0) * np.hanning(count)
    return voiced


def read_wav(path: Path, rate: int = RATE) -> Samples:
    """The first channel of a 16-bit WAV file, resampled. Raises ValueError for another sample width."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path.name}: 16-bit samples expected, got {8 * file.getsampwidth()}")
        frames = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return resample(frames[:: file.getnchannels()], file.getframerate(), rate)


def write_wav(path: Path, samples: Samples, rate: int = RATE) -> None:
    """A mono 16-bit WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
