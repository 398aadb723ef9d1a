"""What the caller hears while it rings: the German ringing tone, or a melody. Both are computed, not recorded."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 24_000
"""Samples a second of everything that the agent sends."""
TONE_HERTZ = 425.0
TONE_ON, TONE_OFF = 1.0, 4.0
"""Seconds of tone and of pause, as telephone networks in Germany do it."""
TONE_LEVEL = 2600
MELODY = (
    (392.0, 0.4), (523.3, 0.4), (659.3, 0.4), (784.0, 0.8), (659.3, 0.4), (523.3, 0.4), (440.0, 0.8),
    (349.2, 0.4), (440.0, 0.4), (587.3, 0.4), (523.3, 0.8), (493.9, 0.4), (440.0, 0.4), (392.0, 1.2),
)  # fmt: skip
"""Notes of our own: hertz and seconds."""
MELODY_LEVEL = 2200


@cache
def ringing_tone() -> NDArray[np.int16]:
    """One period of the ringing tone: int16 at 24 kHz, to be repeated."""
    time = np.arange(int(TONE_ON * RATE)) / RATE
    tone = TONE_LEVEL * np.sin(2 * np.pi * TONE_HERTZ * time)
    return np.concatenate([_soft(tone), np.zeros(int(TONE_OFF * RATE))]).astype(np.int16)


@cache
def melody() -> NDArray[np.int16]:
    """The melody once: int16 at 24 kHz, to be repeated."""
    return np.concatenate([_note(hertz, seconds) for hertz, seconds in MELODY]).astype(np.int16)


def _note(hertz: float, seconds: float) -> NDArray[np.float64]:
    time = np.arange(int(seconds * RATE)) / RATE
    overtones = sum(np.sin(2 * np.pi * hertz * n * time) / n**2 for n in (1, 2, 3))
    return _soft(MELODY_LEVEL * overtones * np.exp(-1.6 * time))


def _soft(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    edge = int(0.02 * RATE)
    samples[:edge] *= np.linspace(0, 1, edge)
    samples[-edge:] *= np.linspace(1, 0, edge)
    return samples
