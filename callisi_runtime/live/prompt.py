"""What the person who picked up hears, again and again, on a track of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

from callisi_runtime.live.ringback import RATE
from callisi_runtime.live.voice import STEP

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAD_IN = 0.25
PAUSE = 1.0
"""Seconds of silence before the prompt, and between two of them."""


class PromptTrack:
    """An audio source that repeats one sentence until it is stopped."""

    def __init__(self) -> None:
        self.source = rtc.AudioSource(RATE, 1, queue_size_ms=200)
        self._task: asyncio.Task[None] | None = None

    def start(self, samples: NDArray[np.int16]) -> None:
        """Repeat this sentence: int16 at 24 kHz."""
        lead = np.zeros(int(LEAD_IN * RATE), np.int16)
        loop = np.concatenate([samples, np.zeros(int(PAUSE * RATE), np.int16)])
        self._task = asyncio.create_task(self._run(lead, loop), name="callisi-prompt")

    async def stop(self) -> None:
        """Fall silent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self.source.aclose()

    async def _run(self, lead: NDArray[np.int16], loop: NDArray[np.int16]) -> None:
        await self._push(lead)
        while True:
            await self._push(loop)

    async def _push(self, samples: NDArray[np.int16]) -> None:
        for at in range(0, len(samples) - STEP + 1, STEP):
            await self.source.capture_frame(rtc.AudioFrame(samples[at : at + STEP].tobytes(), RATE, 1, STEP))
