"""The smallest worker there is: it answers every call with a tone. Holds the kit without any of Callisi's code."""

from __future__ import annotations

import asyncio
import os

from livekit import api, rtc
from livekit.agents import AgentServer, JobContext

from .agent import ROOM_RATE, repeat
from .audio import tone
from .hearing import TONES

AGENT = "plain"


async def answer(ctx: JobContext) -> None:
    """Play the tone until the caller leaves, then close the room."""
    left = asyncio.Event()
    ctx.room.on("participant_disconnected", lambda _: left.set())
    await ctx.connect()
    source = rtc.AudioSource(ROOM_RATE, 1, queue_size_ms=400)
    track = rtc.LocalAudioTrack.create_audio_track("plain", source)
    await ctx.room.local_participant.publish_track(track)
    playing = asyncio.create_task(repeat(source, tone(TONES["clara"], rate=ROOM_RATE)))
    await left.wait()
    playing.cancel()
    await ctx.api.room.delete_room(api.DeleteRoomRequest(room=ctx.room.name))
    ctx.shutdown("the caller left")


def main() -> None:
    """Serve until killed."""
    server = AgentServer(
        ws_url=os.environ["LIVEKIT_URL"],
        api_key=os.environ["LIVEKIT_API_KEY"],
        api_secret=os.environ["LIVEKIT_API_SECRET"],
        host="127.0.0.1",
        port=8081,
        num_idle_processes=1,
        load_fnc=lambda _: 0.0,
    )
    server.rtc_session(answer, agent_name=AGENT)
    asyncio.run(server.run())


if __name__ == "__main__":
    import logging

    logging.basicConfig(level=logging.INFO)
    main()
