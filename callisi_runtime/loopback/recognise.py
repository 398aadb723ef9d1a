"""What was said: from a script, or by comparing with phrases that espeak-ng speaks for the comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from callisi_runtime.loopback.audio import Samples, decode_pcmu, encode_pcmu, resample
from callisi_runtime.loopback.voice import RATE as VOICE_RATE
from callisi_runtime.loopback.voice import EspeakVoice, Voice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Recogniser(Protocol):
    """Turns one utterance into text."""

    def recognise(self, samples: Samples, rate: int) -> str:
        """What was said in this utterance, empty when nothing was understood. Called off the event loop."""
        ...


class ScriptedRecogniser:
    """Every utterance, whatever it sounds like, is the next line of a script; after the last: nothing."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._lines = list(lines)

    def add(self, *lines: str) -> None:
        """More lines at the end of the script."""
        self._lines.extend(lines)

    def recognise(self, samples: Samples, rate: int) -> str:
        """See Recogniser."""
        return self._lines.pop(0) if self._lines else ""

    def guess(self) -> str:
        """The first two words of the next line: what an interim result would show."""
        return " ".join(self._lines[0].split()[:2]) if self._lines else ""


_RATE: Final = 8000
_HOP: Final = 160  # 20 ms
_WINDOW: Final = 256
_BANDS: Final = 16
_LOWEST, _HIGHEST = 250.0, 3400.0  # what a telephone carries
_FLOOR_DB: Final = 30.0  # below the loudest part, sound counts as silence
_ABOVE_FLOOR_DB: Final = 5.0
_ABOVE_NOISE_DB: Final = 4.0
_AUDIBLE_DB: Final = 50.0
_LONGEST_RATIO: Final = 1.35

Features = NDArray[np.float64]
"""Frames of 20 ms by band: decibels above the floor, mean and scale of the utterance taken out."""


@dataclass(frozen=True, slots=True)
class Match:
    """The nearest phrase and how far away it and the runner-up are (0 is identical)."""

    phrase: str
    distance: float
    runner_up: float


class KnownPhrases:
    """Recognises phrases by their sound, as a telephone carries them.

    `near` is the largest distance that still counts, `margin` how many times farther the next
    phrase must be.
    Meant for the speech of the same synthesiser over a real line, not for people.
    """

    def __init__(
        self,
        phrases: Sequence[str],
        *,
        voice: Voice | None = None,
        near: float = 0.25,
        margin: float = 1.5,
    ) -> None:
        self.phrases = tuple(dict.fromkeys(phrases))
        self._voice = voice or EspeakVoice()
        self._near, self._margin = near, margin
        self._references: list[Features] | None = None

    def recognise(self, samples: Samples, rate: int) -> str:
        """See Recogniser."""
        match = self.nearest(samples, rate)
        if match is None or match.distance > self._near:
            return ""
        return match.phrase if match.runner_up >= match.distance * self._margin else ""

    def nearest(self, samples: Samples, rate: int) -> Match | None:
        """The phrase that sounds most alike; None for silence or when none has a similar length."""
        heard = features(samples, rate)
        if heard is None:
            return None
        found = sorted(
            (alignment_distance(heard, reference), phrase)
            for phrase, reference in zip(self.phrases, self._spoken(), strict=True)
        )
        if not found or not np.isfinite(found[0][0]):
            return None
        runner_up = found[1][0] if len(found) > 1 else float("inf")
        return Match(found[0][1], found[0][0], runner_up)

    def _spoken(self) -> list[Features]:
        if self._references is None:
            self._references = [self._reference(phrase) for phrase in self.phrases]
        return self._references

    def _reference(self, phrase: str) -> Features:
        narrow = resample(self._voice.speak(phrase), VOICE_RATE, _RATE)
        made = features(decode_pcmu(encode_pcmu(narrow)), _RATE)
        return np.zeros((1, _BANDS)) if made is None else made


def features(samples: Samples, rate: int) -> Features | None:
    """How an utterance sounds, its silent ends cut off; None when there is nothing to hear."""
    narrow = resample(samples, rate, _RATE).astype(np.float64)
    if len(narrow) < _WINDOW * 4:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(narrow, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)) ** 2 @ _band_weights()
    decibels = 10 * np.log10(power + 1.0)
    loudness = decibels.max(axis=1)
    if loudness.max() < _AUDIBLE_DB:
        return None
    # A noisy line raises the floor: what lies in the noise must not count as speech.
    floor = max(loudness.max() - _FLOOR_DB, np.percentile(loudness, 5) + _ABOVE_NOISE_DB)
    spoken = np.flatnonzero(loudness > floor + _ABOVE_FLOOR_DB)
    if len(spoken) == 0:
        return None
    above = np.maximum(decibels[spoken[0] : spoken[-1] + 1] - floor, 0.0)
    centred: Features = above - above.mean(axis=0)
    return centred / max(float(centred.std()), 1e-6)


def _band_weights() -> NDArray[np.float64]:
    """Triangles of equal width on the mel scale, bins by bands."""
    edges_mel = np.linspace(_mel(_LOWEST), _mel(_HIGHEST), _BANDS + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    bins = np.fft.rfftfreq(_WINDOW, 1 / _RATE)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling))


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def alignment_distance(heard: Features, reference: Features) -> float:
    """How far two utterances are apart, one stretched against the other; inf: too unlike in length.

    Dynamic time warping over the mean squared difference of the bands, per step of the path.
    """
    rows, columns = len(heard), len(reference)
    if max(rows, columns) > _LONGEST_RATIO * min(rows, columns):
        return float("inf")
    cost = ((heard[:, None, :] - reference[None, :, :]) ** 2).mean(axis=2)
    return float(_cheapest_path(cost) / (rows + columns))


def _cheapest_path(cost: NDArray[np.float64]) -> float:
    """The cost of the cheapest monotonous path through the matrix, a diagonal step counted twice."""
    rows, columns = cost.shape
    last = np.full(rows + 1, np.inf)
    before = np.full(rows + 1, np.inf)
    before[0] = 0.0
    # Diagonal by diagonal (row + column constant), so that numpy does the inner loop.
    for diagonal in range(rows + columns - 1):
        low, high = max(0, diagonal - columns + 1), min(rows - 1, diagonal)
        row = np.arange(low, high + 1)
        here = cost[row, diagonal - row]
        best = np.minimum(before[row] + 2 * here, np.minimum(last[row], last[row + 1]) + here)
        before, last = last, np.full(rows + 1, np.inf)
        last[row + 1] = best
    return float(last[rows])
