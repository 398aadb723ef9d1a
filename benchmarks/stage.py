"""The stage of the line's benchmarks: servers, providers with scripted delays, and the agents side by side."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from livekit import api

from benchmarks.hand_written import agent as hand_written
from callisi_runtime.loopback import ChatRequest, DeepgramServer, OpenAIServer, Reply, ToolCall, TwilioServer
from callisi_runtime.loopback.voice import RATE as VOICE_RATE
from callisi_runtime.loopback.voice import EspeakVoice
from tests.line.kit.audio import RATE, Samples, resample
from tests.line.kit.box import Box, api_client
from tests.line.kit.lines import provision
from tests.line.kit.net import BRIDGE, CARRIER
from tests.line.kit.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parent.parent
AGENT = Path(__file__).parent / "agent.yaml"
CALLISI_RUN = Path(sys.executable).with_name("callisi-run")

FIRST_TOKEN = 0.3
FIRST_SOUND = 0.2
FINAL_TRANSCRIPT = 0.25
"""Seconds that the providers take, on every side: language model, voice, transcriber."""
QUESTION = "Wann haben Sie am Samstag geöffnet?"
ANSWER = "Am Samstag haben wir von neun bis dreizehn Uhr geöffnet."
ASK = "Ich möchte mit einem Menschen sprechen"
TOOL = "transfer_to_human"
VOICE = EspeakVoice()


@dataclass(frozen=True, slots=True)
class Side:
    """One agent that can be rung."""

    name: str
    number: str
    worker: Worker

    @property
    def uri(self) -> str:
        """What a telephone dials to ring it."""
        return f"sip:{self.number}@{BRIDGE}:5060"


class Says:
    """A recogniser that hears the same words in everything; `words` may be changed at any time."""

    def __init__(self) -> None:
        self.words = QUESTION

    def recognise(self, samples: Samples, rate: int) -> str:
        """See Recogniser."""
        return self.words


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that is up while calls are measured."""

    callisi: Side
    hand: Side
    """Says a given greeting; its tool dials at once."""
    model: Side
    """Lets the model greet; its tool tells the caller before it dials."""
    ears: Says
    deepgram: DeepgramServer
    lk: api.LiveKitAPI

    @property
    def sides(self) -> tuple[Side, Side, Side]:
        """All of them."""
        return self.callisi, self.hand, self.model


def spoken(text: str) -> Samples:
    """A sentence as a telephone carries it: int16 at 8 kHz."""
    return resample(VOICE.speak(text), VOICE_RATE, RATE)


def brain(request: ChatRequest) -> Reply:
    """The language model of every side."""
    if request.last_role == "tool":
        return Reply("Ich habe dort niemanden erreicht.")
    asked = request.last_user_text
    if not asked:
        return Reply(hand_written.GREETING)
    if asked == ASK and TOOL in request.tools:
        return Reply(tool_calls=(ToolCall(TOOL),))
    return Reply(ANSWER)


@contextlib.asynccontextmanager
async def set_up(folder: Path, *, idle: int) -> AsyncIterator[Stage]:
    """Start everything; each agent gets `idle` processes that wait for a call."""
    async with contextlib.AsyncExitStack() as stack:
        box = stack.enter_context(Box(folder))
        ears = Says()
        openai = OpenAIServer(reply=brain, voice=VOICE, first_token=FIRST_TOKEN, first_sound=FIRST_SOUND)
        deepgram = DeepgramServer(recogniser=ears, endpoint_silence=FINAL_TRANSCRIPT)
        twilio = TwilioServer()
        for server in (openai, deepgram, twilio):
            await stack.enter_async_context(server)
        for text in (hand_written.GREETING, hand_written.CONNECTING, ANSWER, QUESTION, ASK):
            VOICE.speak(text)
        lk = api_client()
        stack.push_async_callback(lk.aclose)
        lines = await provision(lk, agent="bench")
        shared = {
            **box.environment,
            "OPENAI_BASE_URL": openai.base_url,
            "OPENAI_API_KEY": "loopback",
            "DEEPGRAM_BASE_URL": deepgram.base_url,
            "DEEPGRAM_API_KEY": "loopback",
            "PYTHONPATH": str(ROOT),
        }
        own = {
            "TWILIO_API_BASE": twilio.api_base,
            "TWILIO_ACCOUNT_SID": twilio.account_sid,
            "TWILIO_AUTH_TOKEN": twilio.auth_token,
            "TWILIO_PHONE_NUMBER": "+493023125100",
            "CALLISI_DATABASE": f"sqlite:///{folder / 'ledger.db'}",
            "CALLISI_CACHE": str(folder / "cache"),
            "CALLISI_IDLE_PROCESSES": str(idle),
        }
        command = [str(CALLISI_RUN), str(AGENT), "--health-port", "0"]
        callisi = Worker(command, env={**shared, **own}, folder=folder, name="callisi")
        sides = [Side("Callisi", "+49301", await stack.enter_async_context(callisi))]
        for name, number, greeting, transfer in (
            ("hand", "+49303", "say", "at_once"),
            ("model", "+49304", "model", "announced"),
        ):
            await add_line(lk, name, number)
            theirs = {
                "AGENT_NAME": name,
                "GREETING": greeting,
                "TRANSFER": transfer,
                "SIP_OUTBOUND_TRUNK": lines.outbound,
                "IDLE_PROCESSES": str(idle),
            }
            module = [sys.executable, "-m", "benchmarks.hand_written"]
            worker = Worker(module, env={**shared, **theirs}, folder=folder, name=name)
            sides.append(Side(name, number, await stack.enter_async_context(worker)))
        yield Stage(sides[0], sides[1], sides[2], ears, deepgram, lk)


async def add_line(lk: api.LiveKitAPI, agent: str, number: str) -> None:
    """One more number that can be dialled, with its own agent behind it; as the first one otherwise."""
    trunk = api.SIPInboundTrunkInfo(
        name=agent, numbers=[number], allowed_addresses=[CARRIER], ringing_timeout=Duration(seconds=10)
    )
    made = await lk.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk))
    individual = api.SIPDispatchRuleIndividual(room_prefix=f"{agent}-")
    info = api.SIPDispatchRuleInfo(
        name=agent,
        trunk_ids=[made.sip_trunk_id],
        rule=api.SIPDispatchRule(dispatch_rule_individual=individual),
        room_config=api.RoomConfiguration(
            agents=[api.RoomAgentDispatch(agent_name=agent)], departure_timeout=2, empty_timeout=5
        ),
    )
    await lk.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=info))


def folder_of_this_run() -> Path:
    """Where logs are kept."""
    return Path(os.environ["CALLISI_LINE_BOX"])
