"""Everything that a caller hears has one sample rate, wherever it was made."""

from __future__ import annotations

from callisi_runtime.live import ringback, voice


def test_voice_and_ringing_tone_have_one_rate() -> None:
    assert voice.RATE == ringback.RATE
