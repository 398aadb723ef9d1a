"""The real line: the machine's effects on a LiveKit room with SIP legs, and the room's events for the machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from livekit import api, rtc

from callisi_runtime.flow import Outcome
from callisi_runtime.flow import events as on
from callisi_runtime.live.dial import Dialler, LegWatch, status_of
from callisi_runtime.live.gate import Gate
from callisi_runtime.live.prompt import PromptTrack
from callisi_runtime.live.ringback import melody, ringing_tone
from callisi_runtime.live.speech import SpeechError
from callisi_runtime.live.warm import give_back

if TYPE_CHECKING:
    from callisi_runtime.call import CallRunner
    from callisi_runtime.live.session import Conversation
    from callisi_runtime.live.speech import Speaker
    from callisi_runtime.live.voice import Voice

log = logging.getLogger("callisi.line")

CARRIER_ID = "sip.twilio.callSid"
"""The attribute of a leg in which LiveKit keeps Twilio's call sid, when the carrier sent it."""
LAST_WORD_GRACE = 0.4
"""Seconds between the last word and the hang-up: what is on its way is still heard."""
RETURN_SECONDS = 30.0
"""How long a party is waited for that seemed to leave while LiveKit's server was away."""
RETURN_STEP = 0.2
PROMPT_READY = 4.0
"""Seconds within which the prompt must be audio; it is synthesised while the phone rings."""
PERSONAL = frozenset({"prompt"})
"""Sentences that may name a caller: never kept on disk."""


class LiveLine:
    """`Hands` on a real line.

    Args:
        room: Connected.
        caller: The identity of the caller's leg.
        voice: Published in the room.
        speaker: Turns sentences into audio.
        dialler: Dials into this room.
        conversation: The language model's session, or what stands for it.
        numbers: The declared targets' numbers, by index.
        melody: Whether the caller hears a melody while it rings, or the ringing tone.
    """

    def __init__(
        self,
        room: rtc.Room,
        caller: str,
        voice: Voice,
        speaker: Speaker,
        dialler: Dialler,
        conversation: Conversation,
        numbers: tuple[str, ...],
        *,
        melody: bool,
    ) -> None:
        self.room = room
        self.caller = caller
        self.voice = voice
        self.speaker = speaker
        self.dialler = dialler
        self.conversation = conversation
        self.numbers = numbers
        self.melody = melody
        self.gate = Gate(dialler.lk, room, caller, voice)
        self.runner: CallRunner | None = None
        self.owns: Callable[[], Awaitable[bool]] = _always
        """Whether this process still has the call: only its owner ends the room."""
        self.caller_left = False
        self._legs: dict[str, LegWatch] = {}
        self._prompts: dict[str, PromptTrack] = {}
        self._spoken_prompts: dict[str, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._handlers: list[tuple[str, Callable[..., None]]] = []

    def attach(self, runner: CallRunner) -> None:
        """Report everything that happens in the room to this call."""
        self.runner = runner
        for name, handler in (
            ("participant_disconnected", self._left),
            ("participant_attributes_changed", self._attributes),
            ("track_published", self._published),
            ("sip_dtmf_received", self._key),
        ):
            self.room.on(name, handler)  # type: ignore[arg-type]  # the names are rtc's own
            self._handlers.append((name, handler))

    def detach(self) -> None:
        """Report nothing any more."""
        for name, handler in self._handlers:
            with contextlib.suppress(KeyError):
                self.room.off(name, handler)  # type: ignore[arg-type]
        self._handlers.clear()

    # -- Hands: towards the caller --------------------------------------------------------------------------

    async def say(self, key: str, text: str) -> bool:
        """Say a sentence to the caller; False when no voice could."""
        try:
            samples = await self.speaker.samples(text, keep=key not in PERSONAL)
        except SpeechError as error:
            log.warning("sentence %s could not be said: %s", key, error)
            return False
        self.conversation.remember(text)
        if await self.voice.wake_up():
            self.gate.permit()
            await self.voice.heard()
        self._note("line.say", key=key)
        await self.voice.play(samples)
        return True

    def hush(self) -> None:
        """Stop the language model's words at once."""
        self.conversation.interrupt()

    def listen(self, on_: bool) -> None:
        """Let the language model answer the caller, or not."""
        self.conversation.listen(on_)

    def ringback(self, on_: bool) -> None:
        """Start or stop what the caller hears while it rings."""
        loop = (melody() if self.melody else ringing_tone()) if on_ else None
        self.voice.background(loop)

    # -- Hands: towards staff -------------------------------------------------------------------------------

    async def dial(self, leg: str, target: int, ring_timeout: int, *, refer: bool) -> None:
        """Ring a declared target and report what comes of it."""
        watch = self._legs[leg] = LegWatch()
        if refer:
            error = await self.dialler.refer(self.caller, self.numbers[target], ring_timeout)
        else:
            error = await self._dial_behind_the_gate(leg, watch, self.numbers[target], ring_timeout)
        if error is None:
            watch.answered = True
            self._feed(on.LegAnswered(leg))
            return
        if not refer:
            self._spawn(self.drop(leg))
        if not watch.dropped:
            self._note_dial_end(leg, watch, error)
            self._feed(on.LegFailed(leg, watch.outcome(error, caller_left=self.caller_left)))

    async def _dial_behind_the_gate(
        self, leg: str, watch: LegWatch, number: str, ring_timeout: int
    ) -> BaseException | None:
        prompt = self._prompts[leg] = PromptTrack()
        self._prepare_prompt()
        ready = asyncio.create_task(self._close_gate(leg, watch, prompt))
        try:
            error = await self.dialler.dial(leg, number, ring_timeout)
            if error is None:
                await asyncio.wait_for(ready, PROMPT_READY)
        except Exception as problem:
            log.warning("the gate could not be closed: %s", type(problem).__name__)
            error = problem
        finally:
            ready.cancel()
        return error

    async def _close_gate(self, leg: str, watch: LegWatch, prompt: PromptTrack) -> None:
        published = asyncio.create_task(self.gate.publish_prompt(leg, prompt.source))
        await watch.published.wait()
        self._note("line.leg_published", leg=leg)
        await self.gate.close(leg)
        self._note("line.gate_closed", leg=leg)
        await published

    def _prepare_prompt(self) -> None:
        """Synthesise the prompt while the phone rings: whoever picks up must not wait for a voice."""
        if self.runner is not None:
            self._prompt_speech(self.runner.plan.sentence("prompt", self.runner.facts))

    def _prompt_speech(self, text: str) -> asyncio.Task[Any]:
        if text not in self._spoken_prompts:
            speech = asyncio.create_task(self.speaker.samples(text, keep=False))
            self._spoken_prompts[text] = speech
            self._tasks.add(speech)
        return self._spoken_prompts[text]

    async def prompt(self, leg: str, text: str) -> None:
        """Tell the person on this leg who calls, again and again; what they cannot be told, they cannot accept."""
        track = self._prompts.get(leg)
        if track is None:
            return
        await self.gate.open_prompt(leg)
        try:
            samples = await asyncio.shield(self._prompt_speech(text))
        except SpeechError as error:
            log.warning("the prompt could not be said: %s", error)
            return
        if leg in self._prompts:
            track.start(samples)

    async def bridge(self, leg: str) -> None:
        """Let the caller and this leg hear each other; session and voice end, and cost nothing."""
        await asyncio.gather(self.gate.open(leg), self._end_prompt(leg))
        self._spawn(self._rest())

    async def _rest(self) -> None:
        """While a person has the caller nobody listens, thinks or speaks here."""
        await asyncio.gather(self.conversation.close(), self.voice.rest())
        await asyncio.to_thread(give_back)

    async def adopt(self, leg: str) -> None:
        """A predecessor put this leg through: it and the caller hear each other, and its end is seen."""
        watch = self._legs[leg] = LegWatch()
        watch.rang = watch.answered = True
        if leg in self.room.remote_participants:
            await self.gate.adopt(leg)
            self._spawn(self._rest())
        else:
            self._feed(on.LegLeft(leg))

    async def drop_strangers(self, joined: str | None) -> None:
        """End every staff leg of a predecessor but the one that has the caller: its memory may not know them all."""
        strangers = [
            who.identity
            for who in self.room.remote_participants.values()
            if who.attributes.get("callisi.role") == "staff" and who.identity != joined
        ]
        await asyncio.gather(*(self.dialler.drop(leg) for leg in strangers))

    async def drop(self, leg: str) -> None:
        """End this leg, whatever it is doing."""
        watch = self._legs.get(leg)
        if watch is not None:
            watch.dropped = True
        await self.dialler.drop(leg)
        await self._end_prompt(leg)
        await self.gate.drop_prompt(leg)
        self.gate.forget(leg)

    async def hang_up(self) -> None:
        """End the call for everybody."""
        self.detach()
        if not self.caller_left:
            await asyncio.sleep(LAST_WORD_GRACE)
        if not await self.owns():
            return
        with contextlib.suppress(api.ServerError):
            await self.dialler.lk.room.delete_room(api.DeleteRoomRequest(room=self.room.name))

    async def close(self) -> None:
        """Stop everything of ours in this process; the room stays as it is."""
        self.detach()
        for leg in list(self._prompts):
            await self._end_prompt(leg)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.conversation.close()
        await self.voice.close()

    # -- the room's events ----------------------------------------------------------------------------------

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        if self._hung_up(participant):
            self._gone(participant.identity)
        elif participant.identity == self.caller or participant.identity in self._legs:
            self._spawn(self._perhaps_gone(participant.identity))

    def _hung_up(self, participant: rtc.RemoteParticipant) -> bool:
        """Whether the server says so. When it was away itself, everybody seems to leave, and most come back."""
        return self.room.isconnected() and bool(participant.disconnect_reason)

    async def _perhaps_gone(self, identity: str) -> None:
        until = asyncio.get_running_loop().time() + RETURN_SECONDS
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(RETURN_STEP)
            if self.room.isconnected() and identity in self.room.remote_participants:
                return
        self._gone(identity)

    def _gone(self, identity: str) -> None:
        if identity == self.caller:
            self.caller_left = True
            self._feed(on.CallerLeft())
            return
        watch = self._legs.get(identity)
        if watch is not None and watch.answered and not watch.dropped:
            watch.dropped = True
            self.gate.forget(identity)
            self._spawn(self._end_prompt(identity))
            self._feed(on.LegLeft(identity))

    def _attributes(self, _: dict[str, str], participant: rtc.Participant) -> None:
        watch = self._legs.get(participant.identity)
        if watch is None:
            return
        sid = participant.attributes.get(CARRIER_ID)
        if sid and not watch.named:  # a leg that nobody picks up is on the carrier's record, too
            watch.named = True
            self._note("line.leg_named", leg=participant.identity, carrier_id=sid)
        if status_of(participant) == "ringing" and not watch.rang:
            watch.rang = True
            self._feed(on.LegRinging(participant.identity))

    def _published(self, _: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        watch = self._legs.get(participant.identity)
        if watch is not None:
            watch.published.set()

    def _key(self, pressed: rtc.SipDTMF) -> None:
        who = pressed.participant.identity if pressed.participant is not None else None
        if who == self.caller:
            self._feed(on.KeyPressed(pressed.digit))
        elif who in self._legs:
            self._feed(on.KeyPressed(pressed.digit, who))

    # -- small things ---------------------------------------------------------------------------------------

    def _feed(self, event: on.Event) -> None:
        if self.runner is not None:
            self.runner.feed(event)

    def _note(self, kind: str, **data: object) -> None:
        if self.runner is not None:
            self.runner.record.add(self.runner.clock.now(), kind, **data)

    def _note_dial_end(self, leg: str, watch: LegWatch, error: BaseException) -> None:
        outcome = watch.outcome(error, caller_left=self.caller_left)
        sip = getattr(error, "sip_status_code", None)
        code = getattr(error, "code", None) or type(error).__name__
        self._note("line.dial_ended", leg=leg, sip=sip, code=str(code), rang=watch.rang)
        if outcome is Outcome.MISCONFIGURED:
            log.error("the transfer is set up wrongly: the server says %s, SIP %s", code, sip)

    async def _end_prompt(self, leg: str) -> None:
        track = self._prompts.pop(leg, None)
        if track is not None:
            await track.stop()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _always() -> bool:
    return True
