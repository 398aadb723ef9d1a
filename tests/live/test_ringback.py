"""What the caller hears while it rings."""

from __future__ import annotations

import numpy as np
import pytest

from callisi_runtime.live.ringback import RATE, TONE_HERTZ, TONE_OFF, TONE_ON, melody, ringing_tone


def strongest_hertz(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64)))
    return float(np.argmax(spectrum) * RATE / len(samples))


def test_the_tone_is_the_german_one() -> None:
    tone = ringing_tone()
    assert len(tone) == int((TONE_ON + TONE_OFF) * RATE)
    assert strongest_hertz(tone[:RATE]) == pytest.approx(TONE_HERTZ, abs=1)
    assert not tone[RATE:].any()


def test_the_melody_never_pauses_long_and_never_clips() -> None:
    sound = melody().astype(np.float64)
    window = RATE // 10
    loud = np.sqrt(np.mean(sound[: len(sound) // window * window].reshape(-1, window) ** 2, axis=1))
    quiet = "".join("." if level > 50 else " " for level in loud)
    assert max(len(gap) for gap in quiet.split(".")) <= 3, "a pause of more than 0.3 s"
    assert 1000 < np.max(np.abs(sound)) < 12000


@pytest.mark.parametrize("loop", [ringing_tone, melody])
def test_a_loop_begins_and_ends_softly(loop: object) -> None:
    assert callable(loop)
    sound = loop()
    assert abs(int(sound[0])) < 100
    assert abs(int(sound[-1])) < 100
