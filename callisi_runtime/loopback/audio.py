"""Sound as arrays: resampling, telephone coding and WAV, with numpy alone."""

from __future__ import annotations

import io
import math
import wave
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
"""One channel, -32768 to 32767."""

_BIAS: Final = 132
_CLIP: Final = 32635


def resample(samples: Samples, rate: int, wanted: int) -> Samples:
    """The same sound at `wanted` samples a second; band-limited, no delay."""
    if rate == wanted or len(samples) == 0:
        return samples
    step = rate // math.gcd(rate, wanted)
    blocks = -(-len(samples) // step)
    padded = np.zeros(blocks * step)
    padded[: len(samples)] = samples
    count = blocks * wanted // math.gcd(rate, wanted)
    spectrum = np.fft.rfft(padded)
    kept = np.zeros(count // 2 + 1, dtype=complex)
    shared = min(len(spectrum), len(kept))
    kept[:shared] = spectrum[:shared]
    sound = np.fft.irfft(kept, count) * (count / len(padded))
    return to_int16(sound[: round(len(samples) * wanted / rate)])


def to_int16(sound: NDArray[np.floating]) -> Samples:
    """Rounded and clipped to 16 bits."""
    rounded: Samples = np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
    return rounded


def encode_pcmu(samples: Samples) -> bytes:
    """G.711 mu-law, one byte a sample."""
    value = samples.astype(np.int32)
    sign = np.where(value < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(value), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    code: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return code.tobytes()


def decode_pcmu(data: bytes) -> Samples:
    """The samples of G.711 mu-law."""
    code = ~np.frombuffer(data, np.uint8).astype(np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + _BIAS) << ((code >> 4) & 0x07)) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def from_bytes(data: bytes, encoding: str = "linear16") -> Samples:
    """Little-endian 16-bit samples, or mu-law when `encoding` says so; a torn last sample is dropped."""
    if encoding == "mulaw":
        return decode_pcmu(data)
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)


def to_wav(samples: Samples, rate: int) -> bytes:
    """A mono WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def from_wav(data: bytes) -> tuple[Samples, int]:
    """Samples (first channel) and rate of a 16-bit WAV file, also one that was written to a pipe."""
    with wave.open(io.BytesIO(data), "rb") as file:
        channels, rate = file.getnchannels(), file.getframerate()
        raw = file.readframes(file.getnframes())
    return np.frombuffer(raw[: len(raw) // 2 * 2], "<i2")[::channels].astype(np.int16), rate


def rms(samples: Samples) -> float:
    """Loudness as root mean square; 0.0 for no samples."""
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if len(samples) else 0.0
