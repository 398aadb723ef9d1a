"""What a recording contains: tones, speech, a known sentence and its holes. Times are monotonic seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .audio import RATE, Samples, write_wav
from .sentence import Match, find_sentence, holes_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TONES: Mapping[str, float] = {
    "caller": 400.0,
    "staff": 600.0,
    "clara": 800.0,
    "prompt": 1000.0,
    "music": 1250.0,
    "mailbox": 1800.0,
}
"""One frequency in Hz per party: none is half of a keypad tone, none is the 425 Hz of a ringing line."""
SILENT_TONE = 500.0
"""A frequency that nobody plays: what is heard here is a click, which then counts on no other either."""

TONE_WINDOW = 400
"""Samples per measurement: 50 ms, 20 Hz apart."""
SPEECH_WINDOW = 160


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which something was heard."""

    start: float
    end: float
    name: str = "speech"
    level: float = 0.0
    """Amplitude of a tone, root mean square of speech; full scale is 32767."""

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Heard:
    """Received audio, laid out by the time at which it arrived."""

    start: float
    """When the first sample arrived; 0.0 when nothing did."""
    samples: Samples

    @property
    def end(self) -> float:
        return self.start + len(self.samples) / RATE

    def between(self, start: float = 0.0, end: float = math.inf) -> Heard:
        """The part from `start` to `end`, cut to what there is."""
        first = min(max(0, round((start - self.start) * RATE)), len(self.samples))
        last = max(first, round((min(end, self.end) - self.start) * RATE))
        return Heard(self.start + first / RATE, self.samples[first:last])

    def tones(
        self, frequencies: Mapping[str, float] = TONES, *, threshold: float = 250, bridge: float = 0.25
    ) -> list[Span]:
        """Where each frequency sounds above `threshold` (amplitude), over pauses up to `bridge` seconds."""
        spans = [
            self._span(run, TONE_WINDOW, name, levels)
            for name, frequency in frequencies.items()
            for levels in [tone_levels(self.samples, frequency)]
            for run in _runs(levels > threshold, bridge * RATE / TONE_WINDOW)
        ]
        return sorted(spans, key=lambda span: (span.start, span.name))

    def speech_spans(self, *, threshold: float = 150, bridge: float = 0.3) -> list[Span]:
        """Where anything sounds above `threshold` (root mean square), over pauses up to `bridge` seconds."""
        levels = loudness(self.samples, SPEECH_WINDOW)
        runs = _runs(levels > threshold, bridge * RATE / SPEECH_WINDOW)
        return [self._span(run, SPEECH_WINDOW, "speech", levels) for run in runs]

    def find(self, reference: Samples) -> list[Match]:
        """Every place where `reference` (int16, 8 kHz) was heard, best first."""
        return find_sentence(reference, self.samples, self.start)

    def holes(
        self, reference: Samples, match: Match, *, longest_allowed: float = 0.06
    ) -> list[tuple[float, float]]:
        """(when, seconds) of each silence over `longest_allowed` seconds where the sentence has sound."""
        return holes_in(reference, self.samples, self.start, match, longest_allowed)

    def save(self, path: Path) -> None:
        """A WAV file, for people."""
        write_wav(path, self.samples)

    def _span(self, run: tuple[int, int], window: int, name: str, levels: npt.NDArray[np.float64]) -> Span:
        first, last = run
        at = [self.start + edge * window / RATE for edge in (first, last)]
        return Span(at[0], at[1], name, float(np.median(levels[first:last])))


def tone_levels(samples: Samples, frequency: float) -> npt.NDArray[np.float64]:
    """The amplitude of one frequency (Hz) in each whole window of 50 ms."""
    count = len(samples) // TONE_WINDOW
    windows = samples[: count * TONE_WINDOW].reshape(count, TONE_WINDOW).astype(np.float64)
    shape = np.hanning(TONE_WINDOW)
    probe = shape * np.exp(-2j * np.pi * frequency * np.arange(TONE_WINDOW) / RATE)
    levels: npt.NDArray[np.float64] = np.abs(windows @ probe) * (2 / shape.sum())
    return levels


def loudness(samples: Samples, window: int) -> npt.NDArray[np.float64]:
    """The root mean square of each whole window."""
    count = len(samples) // window
    windows = samples[: count * window].reshape(count, window).astype(np.float64)
    levels: npt.NDArray[np.float64] = np.sqrt(np.mean(windows**2, axis=1))
    return levels


def _runs(sounding: npt.NDArray[np.bool_], bridge: float) -> list[tuple[int, int]]:
    """(first, one past the last) of each run of true windows, over pauses of up to `bridge` windows."""
    where = np.flatnonzero(sounding)
    if not len(where):
        return []
    breaks = np.flatnonzero(np.diff(where) > bridge + 1)
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(where, breaks + 1)]
