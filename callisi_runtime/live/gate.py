"""The gate: a human leg in the caller's room that hears nothing, and is heard by nobody, until it accepted.

Subscriptions, never muting: a SIP leg that was muted stays muted. The server enforces the closed gate while the dial
is under way, so that it holds even when this process dies.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from livekit import api, rtc

if TYPE_CHECKING:
    from callisi_runtime.live.voice import Voice


class Gate:
    """Who hears whom in one room."""

    def __init__(self, lk: api.LiveKitAPI, room: rtc.Room, caller: str, voice: Voice) -> None:
        self.lk = lk
        self.room = room
        self.caller = caller
        self.voice = voice
        self._prompts: dict[str, str] = {}
        self._joined: set[str] = set()
        self._listening: set[str] = set()
        """Legs that answered: their ears are open, and what they must not hear is taken away track by track."""
        # a key that is pressed while the prompt is still being opened must not be undone by it
        self._turning = asyncio.Lock()

    def permit(self) -> None:
        """Say which of our tracks who may hear: the caller the voice, a leg its own prompt, and nothing else."""
        heard: dict[str, list[str]] = {self.caller: [self.voice.sid]}
        for leg, sid in self._prompts.items():
            heard[leg] = [sid]
        for leg in self._joined:
            heard[leg] = [self.voice.sid]
        self.room.local_participant.set_track_subscription_permissions(
            allow_all_participants=False,
            participant_permissions=[
                rtc.ParticipantTrackPermission(participant_identity=who, allowed_track_sids=sids)
                for who, sids in heard.items()
            ],
        )

    async def publish_prompt(self, leg: str, source: rtc.AudioSource) -> str:
        """Publish a track that only this leg may hear; returns its id."""
        track = rtc.LocalAudioTrack.create_audio_track(f"callisi-prompt-{leg}", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self.room.local_participant.publish_track(track, options)
        self._prompts[leg] = publication.sid
        self.permit()
        return publication.sid

    async def drop_prompt(self, leg: str) -> None:
        """Take the prompt of a leg away."""
        sid = self._prompts.pop(leg, None)
        if sid is not None:
            with contextlib.suppress(Exception):
                await self.room.local_participant.unpublish_track(sid)

    async def close(self, leg: str) -> None:
        """The leg hears nothing and nobody hears it; while it rings."""
        await asyncio.gather(
            self._ears(leg, on=False),
            self._hear(self.caller, leg, on=False),
            # with several phones at once, one may have answered already: the bridge subscribes it to every new track
            *(self._hear(other, leg, on=False) for other in self._listening if other != leg),
        )

    async def open_prompt(self, leg: str) -> None:
        """The leg answered: it hears its prompt, and still neither the caller nor another leg."""
        async with self._turning:
            if leg not in self._joined:
                await self._open_ears(leg)

    async def open(self, leg: str) -> None:
        """The leg accepted: it and the caller hear each other, and the agent only when it warns both."""
        async with self._turning:
            self._joined.add(leg)
            if leg not in self._listening:  # with `accept: answer` no prompt has opened them
                await self._open_ears(leg)
            await asyncio.gather(
                self.drop_prompt(leg),
                self._hear(leg, self.caller, on=True),
                self._hear(self.caller, leg, on=True),
            )
        self.permit()

    async def adopt(self, leg: str) -> None:
        """A predecessor put this leg through: its ears stay open, so that the talk has no break."""
        self._listening.add(leg)
        await self.open(leg)

    def forget(self, leg: str) -> None:
        """The leg is gone."""
        self._joined.discard(leg)
        self._listening.discard(leg)
        self._prompts.pop(leg, None)

    async def _open_ears(self, leg: str) -> None:
        """It may hear, but nobody yet."""
        # only after the answer: before it the leg's own wish to hear everybody would override ours
        await self._deafen(leg)
        self._listening.add(leg)
        await self._ears(leg, on=True)
        # a track that was published in between is one that it asked for when its ears opened
        await self._deafen(leg)

    async def _deafen(self, leg: str) -> None:
        """It hears nobody else in the room, the caller included; our own tracks are guarded by `permit`."""
        others = [identity for identity in self.room.remote_participants if identity != leg]
        await asyncio.gather(*(self._hear(leg, other, on=False) for other in others))

    def tracks_of(self, who: str) -> list[str]:
        """The ids of what somebody in the room sends."""
        participant = self.room.remote_participants.get(who)
        return (
            [publication.sid for publication in participant.track_publications.values()]
            if participant
            else []
        )

    async def _ears(self, leg: str, *, on: bool) -> None:
        # without can_update_metadata the leg's sip.callStatus would freeze at "dialing"
        permission = api.ParticipantPermission(
            can_subscribe=on, can_publish=True, can_publish_data=True, can_update_metadata=True
        )
        await self.lk.room.update_participant(
            api.UpdateParticipantRequest(room=self.room.name, identity=leg, permission=permission)
        )

    async def _hear(self, who: str, whom: str, *, on: bool) -> None:
        sids = self.tracks_of(whom)
        if sids:
            await self.lk.room.update_subscriptions(
                api.UpdateSubscriptionsRequest(
                    room=self.room.name, identity=who, track_sids=sids, subscribe=on
                )
            )
