"""A receptionist as a competent user of LiveKit Agents writes it: answers, talks, dials a person by a tool.

Same plugins, models, turn detection, process counts and prompt as the Callisi agent it stands beside; everything
else as LiveKit has it by default. Two habits can be chosen by the environment:

    GREETING=say|model          the greeting's text is given, or the language model is asked to greet
    TRANSFER=at_once|announced  the tool dials at once, or first lets the caller hear that it will

Contains nothing of Callisi's.
"""

from __future__ import annotations

import asyncio
import logging
import os

from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    JobContext,
    JobProcess,
    RunContext,
    StopResponse,
    function_tool,
    get_job_context,
    room_io,
)
from livekit.plugins import deepgram, openai, silero

GREETING = "Guten Tag, hier ist Clara, die KI-Assistentin von Callisi. Was kann ich für Sie tun?"
CONNECTING = "Einen Moment bitte, ich stelle Sie durch."
NOBODY = "Es tut mir leid, ich erreiche dort gerade niemanden."
INSTRUCTIONS = """\
Du bist Clara, die Telefonassistentin von Callisi. Du sprichst freundlich, ruhig und natürlich, siezt die Anrufer
und kommst rasch zur Sache. Du stellst höchstens eine Frage auf einmal. Wer mit einem Menschen sprechen möchte, wird
durchgestellt.
"""
STAFF = "+493023125111"
RING_SECONDS = 25
MAX_CALLS = 8


class Clara(Agent):
    """Talks to the caller."""

    def __init__(self) -> None:
        super().__init__(instructions=INSTRUCTIONS)

    @function_tool
    async def transfer_to_human(self, ctx: RunContext[None]) -> str:
        """Stellt den Anrufer zu einem Menschen durch."""
        if os.environ["TRANSFER"] == "announced":
            await ctx.session.say(CONNECTING)
        job = get_job_context()
        try:
            await job.api.sip.create_sip_participant(dial_request(job.room.name))
        except api.TwirpError:
            return NOBODY
        # the person has the caller: the agent keeps quiet, and stays until one of them leaves
        ctx.session.input.set_audio_enabled(False)
        ctx.session.output.set_audio_enabled(False)
        raise StopResponse


def dial_request(room: str) -> api.CreateSIPParticipantRequest:
    """Ring the person into the caller's room; answered when the request returns."""
    return api.CreateSIPParticipantRequest(
        sip_trunk_id=os.environ["SIP_OUTBOUND_TRUNK"],
        sip_call_to=STAFF,
        room_name=room,
        participant_identity="staff",
        wait_until_answered=True,
        ringing_timeout=Duration(seconds=RING_SECONDS),
    )


def prewarm(process: JobProcess) -> None:
    """Load the voice activity detection before there is a call."""
    process.userdata["vad"] = silero.VAD.load(min_silence_duration=0.3)


async def entrypoint(ctx: JobContext) -> None:
    """One call."""
    await ctx.connect()
    session: AgentSession[None] = AgentSession(
        stt=deepgram.STT(model="nova-3", language="de", base_url=os.environ["DEEPGRAM_BASE_URL"]),
        llm=openai.LLM(model="gpt-4.1-mini"),
        tts=openai.TTS(model="gpt-4o-mini-tts", voice="coral", response_format="pcm"),
        vad=ctx.proc.userdata["vad"],
        turn_handling={
            "turn_detection": "vad",
            "endpointing": {"min_delay": 0.3, "max_delay": 1.2},
            "interruption": {"mode": "vad"},
        },
    )
    await session.start(
        Clara(),
        room=ctx.room,
        room_options=room_io.RoomOptions(close_on_disconnect=True, delete_room_on_close=True),
    )
    if os.environ["GREETING"] == "model":
        await session.generate_reply(instructions="Begrüße den Anrufer und biete deine Hilfe an.")
    else:
        await session.say(GREETING)


def main() -> None:
    """Take calls until killed."""
    logging.basicConfig(level=logging.INFO)
    server = AgentServer(
        host="127.0.0.1",
        port=0,
        num_idle_processes=int(os.environ["IDLE_PROCESSES"]),
        load_fnc=lambda worker: len(worker.active_jobs) / MAX_CALLS,
        load_threshold=0.999,
        setup_fnc=prewarm,
    )
    server.rtc_session(entrypoint, agent_name=os.environ["AGENT_NAME"])
    asyncio.run(server.run(devmode=False))
