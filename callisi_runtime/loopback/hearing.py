"""Where utterances begin and end in a stream of sound, by loudness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from callisi_runtime.loopback.audio import Samples, rms

if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAME: Final = 0.02
_LOUD: Final = 300.0
_ONSET: Final = 3  # loud frames in a row: a click is shorter
_KEPT_BEFORE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Started:
    """Somebody began to speak, `at` seconds into the stream."""

    at: float


@dataclass(frozen=True, slots=True)
class Heard:
    """A whole utterance, `start` to `end` seconds into the stream, a little silence on both sides."""

    start: float
    end: float
    samples: Samples


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing was said for as long as was asked for; the last word ended `at`."""

    at: float


class Ears:
    """Cuts the sound it hears into utterances. Times are seconds of sound, not of the clock."""

    def __init__(self, rate: int, endpoint_silence: float, utterance_gap: float | None = None) -> None:
        self._rate, self._size = rate, round(rate * _FRAME)
        self._endpoint, self._gap = endpoint_silence, utterance_gap
        self._rest: Samples = np.zeros(0, np.int16)
        self._frames: list[Samples] = []
        self._position = 0
        self._loud_in_a_row = 0
        self._last_loud = 0.0
        self._start: float | None = None
        self._gap_due = False

    @property
    def now(self) -> float:
        """How much was heard so far."""
        return self._position * _FRAME

    def hear(self, samples: Samples) -> Iterator[Started | Heard | Ended]:
        """Go on listening; what became certain through these samples."""
        sound = np.concatenate([self._rest, samples])
        whole = len(sound) // self._size * self._size
        self._rest = sound[whole:]
        for at in range(0, whole, self._size):
            yield from self._frame(sound[at : at + self._size])

    def finish(self) -> Heard | None:
        """What was being said when nothing more is to come."""
        return None if self._start is None else self._utterance()

    def _frame(self, frame: Samples) -> Iterator[Started | Heard | Ended]:
        self._position += 1
        self._frames.append(frame)
        loud = rms(frame) > _LOUD
        self._loud_in_a_row = self._loud_in_a_row + 1 if loud else 0
        if loud and (self._start is not None or self._loud_in_a_row >= _ONSET):
            self._last_loud = self.now
        if self._start is None:
            yield from self._waiting()
        elif self.now - self._last_loud >= self._endpoint - 1e-9:
            yield self._utterance()
        if self._gap_due and self._gap is not None and self.now - self._last_loud >= self._gap - 1e-9:
            self._gap_due = False
            yield Ended(self._last_loud)

    def _waiting(self) -> Iterator[Started]:
        if self._loud_in_a_row >= _ONSET:
            self._start = max(0.0, self.now - _ONSET * _FRAME)
            self._gap_due = self._gap is not None
            yield Started(self._start)
        else:
            self._frames = self._frames[-round(_KEPT_BEFORE / _FRAME) :]

    def _utterance(self) -> Heard:
        assert self._start is not None
        heard = Heard(self._start, self._last_loud, np.concatenate(self._frames))
        self._start, self._frames, self._loud_in_a_row = None, [], 0
        return heard
