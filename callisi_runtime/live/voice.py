"""The one voice of the agent in a room: fixed sentences, the language model's words, and what is heard while it rings.

One track carries all three, mixed here, so that nothing overlaps, nothing needs a second gate, and a sentence can be
stopped within a frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from callisi_runtime.live.ringback import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]

STEP = RATE // 25
"""Samples of one frame: 40 ms. Each costs a call into native code, however long it is."""
AHEAD_MS = 120
"""How much audio may wait in the native queue: what is stopped, is stopped this fast."""
LEAD_IN = 0.1
"""Seconds of silence before every sentence; without it the first syllable is lost."""
OPENING_SECONDS = 10.0
"""How long silence is sent from the start on: the bridge needs 0.3 s of a stream before it lets sound through whole.

Sent while the call is being answered, they cost the caller nothing.
"""
SUBSCRIBED_SECONDS = 2.0
STREAM_SECONDS = 0.3
"""How long silence is sent after a rest before anything is said, for the reason given above."""
DUCKED = 0.15
"""How loud the ringing is while something is said."""


class Voice:
    """The agent's track."""

    def __init__(self) -> None:
        self.source = rtc.AudioSource(RATE, 1, queue_size_ms=AHEAD_MS)
        self.publication: rtc.LocalTrackPublication | None = None
        self._room: rtc.Room | None = None
        self._turning = asyncio.Lock()
        self.model = ModelWords(self)
        self._sentence: deque[Samples] = deque()
        self._background: Samples | None = None
        self._at = 0
        self._opening = True
        self.begun = asyncio.Event()
        """Set when the first sentence is on its way to the caller, with enough of it ahead to bear other work here."""
        self._work = asyncio.Event()
        self._done: asyncio.Future[None] | None = None
        self._pump: asyncio.Task[None] | None = None

    async def publish(self, room: rtc.Room) -> None:
        """Publish the track; on its subscription the bridge answers the call."""
        self._room = room
        track = rtc.LocalAudioTrack.create_audio_track("callisi-voice", self.source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=False)
        self.publication = await room.local_participant.publish_track(track, options)
        asyncio.get_running_loop().call_later(OPENING_SECONDS, self._opened)
        self._pump = asyncio.create_task(self._run(), name="callisi-voice")

    async def rest(self) -> None:
        """Take the track away: a voice that is silent for long costs nothing."""
        async with self._turning:
            publication, self.publication = self.publication, None
            if self._room is None or publication is None:
                return
            await self._stop_pump()
            with contextlib.suppress(Exception):
                await self._room.local_participant.unpublish_track(publication.sid)
            await self.source.aclose()

    async def wake_up(self) -> bool:
        """Publish the track again after a rest; whether that was needed."""
        async with self._turning:
            if self._room is None or self.publication is not None:
                return False
            self.source = rtc.AudioSource(RATE, 1, queue_size_ms=AHEAD_MS)
            self._opening = True
            await self.publish(self._room)
            return True

    async def heard(self) -> None:
        """Until the track is subscribed, and sound comes through whole."""
        if self.publication is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.publication.wait_for_subscription(), SUBSCRIBED_SECONDS)
            await asyncio.sleep(STREAM_SECONDS)

    @property
    def sid(self) -> str:
        """The track's id."""
        return self.publication.sid if self.publication else ""

    async def play(self, samples: Samples) -> None:
        """Say something that is already audio; returns when its last sample has left. Cancelling stops it."""
        if self._opening:
            self._opened()
            self.source.clear_queue()
        silence = np.zeros(int(LEAD_IN * RATE), np.int16)
        self._sentence.extend(_steps(np.concatenate([silence, samples])))
        self._done = asyncio.get_running_loop().create_future()
        self._work.set()
        try:
            await self._done
            await asyncio.sleep(self.source.queued_duration)
        except asyncio.CancelledError:
            self._sentence.clear()
            self.source.clear_queue()
            raise
        finally:
            self._done = None

    def background(self, loop: Samples | None) -> None:
        """Play something again and again behind everything else; None stops it."""
        self._background = None if loop is None or len(loop) < STEP else loop
        self._at = 0
        self._work.set()

    def _opened(self) -> None:
        self._opening = False

    def wake(self) -> None:
        """There is something to play."""
        self._work.set()

    async def close(self) -> None:
        """Stop for good."""
        await self._stop_pump()
        await self.source.aclose()

    async def _stop_pump(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
            self._pump = None

    async def _run(self) -> None:
        while True:
            step = self._next()
            if step is None and self._opening:
                step = np.zeros(STEP, np.int16)
            if step is None:
                self._work.clear()
                await self._work.wait()
                continue
            await self.source.capture_frame(rtc.AudioFrame(step.tobytes(), RATE, 1, STEP))
            if self._done is not None and self.source.queued_duration * 1000 > AHEAD_MS / 2:
                self.begun.set()
            if not self._sentence and self._done is not None and not self._done.done():
                self._done.set_result(None)

    def _next(self) -> Samples | None:
        front: Samples | None = None
        if self._sentence:
            front = self._sentence.popleft()
        elif self._done is None:
            front = self.model.next_step()
        if self._background is None:
            return front
        behind = self._next_background()
        if front is None:
            return behind
        mixed = front.astype(np.int32) + (behind * DUCKED).astype(np.int32)
        return np.clip(mixed, -32_768, 32_767).astype(np.int16)

    def _next_background(self) -> Samples:
        loop = self._background
        assert loop is not None
        if self._at + STEP > len(loop):
            self._at = 0
        step = loop[self._at : self._at + STEP]
        self._at += STEP
        return step


class ModelWords(AudioOutput):
    """What the language model says, as an output of the AgentSession, played on the voice's own track."""

    def __init__(self, voice: Voice) -> None:
        super().__init__(
            label="callisi-voice", capabilities=AudioOutputCapabilities(pause=True), sample_rate=RATE
        )
        self._voice = voice
        self._steps: deque[Samples] = deque()
        self._rest = np.zeros(0, np.int16)
        self._flushed = False
        self._paused = False
        self._played = 0
        self._started = False
        self._pending = False
        self._end: asyncio.TimerHandle | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take a frame; frames may come faster than they are played."""
        await super().capture_frame(frame)
        self._pending = True
        self._flushed = False
        samples = np.concatenate([self._rest, np.frombuffer(frame.data, np.int16)])
        whole = len(samples) // STEP * STEP
        self._steps.extend(samples[at : at + STEP] for at in range(0, whole, STEP))
        self._rest = samples[whole:]
        self._voice.wake()

    def next_step(self) -> Samples | None:
        """The next 20 ms, or None while there is nothing, or the output is paused."""
        if self._paused:
            return None
        if not self._steps and self._flushed and len(self._rest):
            self._steps.append(np.pad(self._rest, (0, STEP - len(self._rest))))
            self._rest = np.zeros(0, np.int16)
        if not self._steps:
            self._finish_when_heard()
            return None
        if not self._started:
            self._started = True
            self.on_playback_started(created_at=time.time())
        self._played += 1
        step = self._steps.popleft()
        if not self._steps:
            self._finish_when_heard()
        return step

    def flush(self) -> None:
        """The segment is complete."""
        super().flush()
        self._flushed = True
        self._voice.wake()
        self._finish_when_heard()

    def clear_buffer(self) -> None:
        """Stop at once."""
        if not self._pending:
            return
        if self._started and not self._paused:
            self._voice.source.clear_queue()
        self._reset(interrupted=True)

    def pause(self) -> None:
        """Stop, to go on later."""
        super().pause()
        self._paused = True
        if self._end is not None:
            self._end.cancel()
            self._end = None

    def resume(self) -> None:
        """Go on."""
        super().resume()
        self._paused = False
        self._voice.wake()
        self._finish_when_heard()

    def _finish_when_heard(self) -> None:
        if self._end is None and self._pending and self._flushed and not self._steps and not len(self._rest):
            delay = self._voice.source.queued_duration
            self._end = asyncio.get_running_loop().call_later(delay, self._reset)

    def _reset(self, *, interrupted: bool = False) -> None:
        if self._end is not None:
            self._end.cancel()
        position = self._played * STEP / RATE
        self._steps.clear()
        self._rest = np.zeros(0, np.int16)
        self._flushed, self._played, self._started, self._pending, self._end = False, 0, False, False, None
        self.on_playback_finished(playback_position=position, interrupted=interrupted)


def _steps(samples: Samples) -> list[Samples]:
    padded = np.pad(samples, (0, -len(samples) % STEP))
    return [padded[at : at + STEP] for at in range(0, len(padded), STEP)]
