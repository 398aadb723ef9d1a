"""A participant without any of Callisi's code: joins a room, plays tones, remembers what happened there.

The room is its own: when it leaves, the room is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from livekit import api, rtc

from .audio import Samples, tone
from .box import API_KEY, API_SECRET, URL, api_client
from .call import Entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

ROOM_RATE = 24000
FRAME = 480
"""Samples per frame: 20 ms."""


class RoomAgent:
    """`async with RoomAgent("room") as agent: await agent.publish("clara", tone(800, rate=ROOM_RATE))`."""

    def __init__(self, room_name: str, identity: str = "agent-clara") -> None:
        self.room_name, self.identity = room_name, identity
        self.room = rtc.Room()
        self.events: list[Entry] = []
        """What happened in the room, as short texts: `participant_connected sip_+4930111` ..."""
        self._happened = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sources: list[rtc.AudioSource] = []

    async def __aenter__(self) -> Self:
        self._subscribe()
        grants = api.VideoGrants(room_join=True, room=self.room_name, agent=True)
        token = (
            api.AccessToken(API_KEY, API_SECRET)
            .with_identity(self.identity)
            .with_kind("agent")
            .with_grants(grants)
        )
        await self.room.connect(URL, token.to_jwt())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for source in self._sources:
            await source.aclose()
        async with api_client() as lk:
            with contextlib.suppress(api.ServerError):  # a test may have closed the room itself
                await lk.room.delete_room(api.DeleteRoomRequest(room=self.room_name))
        await self.room.disconnect()

    def _subscribe(self) -> None:
        room, note = self.room, self._note
        room.on("participant_connected", lambda who: note(f"participant_connected {who.identity}"))
        room.on("participant_disconnected", lambda who: note(f"participant_disconnected {who.identity}"))
        room.on("track_published", lambda _, who: note(f"track_published {who.identity}"))
        room.on("participant_attributes_changed", self._note_status)
        room.on("sip_dtmf_received", lambda key: note(f"key {key.digit} from {_identity(key)}"))

    def _note_status(self, changed: dict[str, str], who: rtc.Participant) -> None:
        if "sip.callStatus" in changed:
            self._note(f"status {changed['sip.callStatus']} of {who.identity}")

    def _note(self, text: str) -> None:
        self.events.append(Entry(time.monotonic(), text))
        self._happened.set()

    async def until(self, text: str, timeout: float = 10.0, *, since: float = 0.0) -> Entry:
        """The first event after `since` that contains `text`. Raises AssertionError when none comes."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    for entry in self.events:
                        if entry.at >= since and text in entry.text:
                            return entry
                    self._happened.clear()
                    await self._happened.wait()
        except TimeoutError:
            seen = [entry.text for entry in self.events]
            raise AssertionError(
                f"{text!r} did not happen in the room within {timeout} s, but {seen}"
            ) from None

    async def publish(self, name: str, samples: Samples | None = None) -> rtc.LocalTrackPublication:
        """A track of this name that repeats `samples` (24 kHz), or stays silent.

        Each time it has played them `played NAME` happens; the telephone has heard them up to 0.7 s later.
        """
        source = rtc.AudioSource(ROOM_RATE, 1, queue_size_ms=400)
        self._sources.append(source)
        track = rtc.LocalAudioTrack.create_audio_track(name, source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self.room.local_participant.publish_track(track, options)
        if samples is not None:
            playing = repeat(source, samples, lambda: self._note(f"played {name}"))
            self._tasks.add(asyncio.get_running_loop().create_task(playing))
        return publication

    async def publish_tone(self, name: str, frequency: float) -> rtc.LocalTrackPublication:
        """A track that sounds until the agent leaves."""
        return await self.publish(name, tone(frequency, 10.0, rate=ROOM_RATE))


async def repeat(
    source: rtc.AudioSource, samples: Samples, after_each: Callable[[], None] = lambda: None
) -> None:
    """Send `samples` (24 kHz) again and again, in whole frames."""
    while True:
        for begin in range(0, len(samples) - FRAME + 1, FRAME):
            frame = samples[begin : begin + FRAME].tobytes()
            await source.capture_frame(rtc.AudioFrame(frame, ROOM_RATE, 1, FRAME))
        after_each()


def _identity(key: rtc.SipDTMF) -> str:
    return key.participant.identity if key.participant else "nobody"
