"""The language model's side of a call: an AgentSession on the caller's leg, closed when nobody needs it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Literal

from livekit.agents import AgentSession, APIConnectOptions, inference, room_io
from livekit.agents.voice.agent_session import SessionConnectOptions

from callisi_runtime.flow import events as on
from callisi_runtime.live.agent import Receptionist

if TYPE_CHECKING:
    from livekit import rtc

    from callisi_runtime.call import CallRunner
    from callisi_runtime.call.record import Line
    from callisi_runtime.live.providers import Voices
    from callisi_runtime.live.voice import Voice
    from callisi_runtime.spec import Turn

log = logging.getLogger("callisi.session")

INPUT_RATE = 16_000
"""Hertz: telephony carries 8 kHz; more costs CPU and brings nothing."""
CONNECT = SessionConnectOptions(
    stt_conn_options=APIConnectOptions(max_retry=2, retry_interval=0.5, timeout=4),
    llm_conn_options=APIConnectOptions(max_retry=0, timeout=8),
    tts_conn_options=APIConnectOptions(max_retry=0, timeout=3),
    max_unrecoverable_errors=1000,
)
"""The session never closes by itself: what to do about a failing provider is the machine's to say."""
FAULTS_UNTIL_DOWN = 2
"""Unrecoverable errors of one provider until the machine is told that it is down."""


class Conversation:
    """The caller and the language model, while they may talk.

    Args:
        room: Connected, with `auto_subscribe` off.
        caller: The identity of the caller's leg.
        voice: What the model's words are played on.
        voices: The assembled providers.
    """

    def __init__(self, room: rtc.Room, caller: str, voice: Voice, voices: Voices) -> None:
        self.room = room
        self.caller = caller
        self.voice = voice
        self.voices = voices
        self.runner: CallRunner | None = None
        self._session: AgentSession[Any] | None = None
        self._said: list[tuple[Literal["assistant", "user"], str]] = []
        self._faults = {"stt": 0, "llm": 0, "tts": 0}
        self._lock = asyncio.Lock()

    async def open(self, runner: CallRunner) -> None:
        """Start listening to the caller; what was said before is told to the model."""
        async with self._lock:
            if self._session is not None:
                return
            self.runner = runner
            counted = runner.plan.flow.budget is not None
            session = build_session(self.voices, runner.plan.spec.voice.turn, ahead=not counted)
            session.output.audio = self.voice.model
            session.on("error", self._fault)
            agent = Receptionist(runner)
            self._subscribe(on_=True)
            await session.start(agent, room=self.room, room_options=room_options(self.caller))
            self._session = session
            await self._add_to_context(*self._said)
            self._said.clear()

    async def close(self) -> None:
        """Stop listening: no transcriber, no model, no voice detection, no audio of the caller in this process."""
        async with self._lock:
            session, self._session = self._session, None
            if session is not None:
                self._subscribe(on_=False)
                with contextlib.suppress(Exception):
                    await session.aclose()

    def listen(self, on_: bool) -> None:
        """Let the model answer; after a bridged talk the session is opened again."""
        if not on_:
            self.interrupt()
        elif self._session is None and self.runner is not None and not self._lock.locked():
            self._reopening = asyncio.create_task(self.open(self.runner))

    def interrupt(self) -> None:
        """Stop the model's words."""
        if self._session is not None:
            with contextlib.suppress(RuntimeError):
                self._session.interrupt(force=True)

    def remember(self, text: str) -> None:
        """A fixed sentence was said: the model must know of it."""
        if self._session is None:
            self._said.append(("assistant", text))
        else:
            self._adding = asyncio.create_task(self._add_to_context(("assistant", text)))

    def recall(self, lines: list[Line]) -> None:
        """What was said while another process had the call."""
        self._said.extend(("user" if line.who == "caller" else "assistant", line.text) for line in lines)

    async def _add_to_context(self, *said: tuple[Literal["assistant", "user"], str]) -> None:
        session = self._session
        if session is None or not said:
            return
        context = session.current_agent.chat_ctx.copy()
        for role, text in said:
            context.add_message(role=role, content=text)
        await session.current_agent.update_chat_ctx(context)

    def _subscribe(self, *, on_: bool) -> None:
        participant = self.room.remote_participants.get(self.caller)
        if participant is not None:
            for publication in participant.track_publications.values():
                publication.set_subscribed(on_)

    def _fault(self, event: Any) -> None:
        error = event.error
        kind = str(getattr(error, "type", "")).removesuffix("_error")
        if kind not in self._faults or getattr(error, "recoverable", False) or self.runner is None:
            return
        self._faults[kind] += 1
        log.warning("%s failed: %s", kind, type(getattr(error, "error", error)).__name__)
        if kind == "stt" and self._faults[kind] >= FAULTS_UNTIL_DOWN:
            self.runner.feed(on.EarsDown())
        elif kind == "tts" and self._faults[kind] >= FAULTS_UNTIL_DOWN:
            self.runner.feed(on.ModelDown())


def build_session(voices: Voices, turn: Turn, *, ahead: bool = True) -> AgentSession[Any]:
    """The session as the file wants it; turn detection and interruption are always explicit.

    `ahead`: the model may be asked before the caller has finished. Where money is counted it is not: what is asked in
    vain costs as well.
    """
    return AgentSession(
        stt=voices.stt,
        llm=voices.llm,
        tts=voices.tts,
        vad=voices.vad if turn.detection != "stt" else None,
        turn_handling=turn_handling(turn, ahead=ahead),  # type: ignore[arg-type]  # a TypedDict, filled from our own model
        aec_warmup_duration=None,
        user_away_timeout=None,
        conn_options=CONNECT,
    )


def turn_handling(turn: Turn, *, ahead: bool = True) -> dict[str, Any]:
    """`voice.turn` in LiveKit's words."""
    detector: Any = inference.TurnDetector(version="v1-mini") if turn.detection == "model" else turn.detection
    interruption = turn.interruption
    generation = {} if ahead else {"preemptive_generation": {"enabled": False}}
    return {
        **generation,
        "turn_detection": detector,
        "endpointing": {"min_delay": turn.min_delay, "max_delay": turn.max_delay},
        "interruption": {
            "enabled": interruption.mode != "off",
            "mode": "vad",
            "min_duration": interruption.min_seconds,
            "min_words": interruption.min_words,
            "resume_false_interruption": interruption.resume_after is not None,
            "false_interruption_timeout": interruption.resume_after,
            "discard_audio_if_uninterruptible": False,
        },
    }


def room_options(caller: str) -> room_io.RoomOptions:
    """The caller's audio in; our own track out; nothing else, and no end of the session with the leg's."""
    return room_io.RoomOptions(
        participant_identity=caller,
        audio_input=room_io.AudioInputOptions(
            sample_rate=INPUT_RATE, frame_size_ms=50, auto_gain_control=False, pre_connect_audio=False
        ),
        audio_output=False,
        text_input=False,
        text_output=False,
        video_input=False,
        close_on_disconnect=False,
    )
