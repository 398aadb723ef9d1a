"""What runs in the process of one call: connect, answer, greet, and let the machine have it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from livekit import api, rtc
from livekit.agents import AutoSubscribe, JobContext, JobProcess

from callisi_runtime.call import CallRunner, LoopClock
from callisi_runtime.call.funds import funds_of_the_day
from callisi_runtime.call.ledger_books import LedgerBooks
from callisi_runtime.call.memory import Memory, make_good, recall, remember
from callisi_runtime.call.runner import outcome_of
from callisi_runtime.flow import Phase
from callisi_runtime.flow import events as on
from callisi_runtime.hours import is_open
from callisi_runtime.ledger import CallRow, ledger_at
from callisi_runtime.live.admission import tell_end
from callisi_runtime.live.dial import Dialler
from callisi_runtime.live.ending import Ending
from callisi_runtime.live.line import CARRIER_ID, LiveLine
from callisi_runtime.live.logs import configure_logging
from callisi_runtime.live.providers import Voices
from callisi_runtime.live.seat import Seat, epoch_in
from callisi_runtime.live.session import Conversation
from callisi_runtime.live.speech import Speaker, SpeechCache
from callisi_runtime.live.voice import Voice
from callisi_runtime.live.warm import NOBODY, give_back, plan_of, voices_of
from callisi_runtime.live.watch_line import Hello, WatchLine, socket_path
from callisi_runtime.notify import Sender, build_channels
from callisi_runtime.notify.channels import preload
from callisi_runtime.notify.settings import notify_settings
from callisi_runtime.phone import Number, normalise
from callisi_runtime.plan import CallFacts, CallPlan
from callisi_runtime.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from callisi_runtime.call.memory import Before

log = logging.getLogger("callisi.call")

SAID_FIRST = ("greeting", "connecting")
"""Sentences that are made ready before there is a call: those that every millisecond counts for."""
CALLER_SECONDS = 10.0
"""How long the caller's leg may take to appear in the room."""
GREETING_SECONDS = 1.0
"""How long the model's session waits for the first sentence to begin."""
BOOKS_SECONDS = 2.0
"""How long the ledger may take before the caller is greeted without it."""
CLAIM_SECONDS = 20.0
"""How long a message that this process is sending is nobody else's; when it dies over it, others wait no longer."""
REPLACED = ("DUPLICATE_IDENTITY", "PARTICIPANT_REMOVED")
"""Why the room lets a process go whose successor is there."""
HANDOVER_SECONDS = 45.0
"""How long a process that must go serves the caller until its successor is there: a worker that was killed is back."""


@dataclass(frozen=True, slots=True)
class JobSetup:
    """What every call process gets from the worker; picklable."""

    agent: str
    """The validated file, as JSON: a file edited meanwhile changes no running worker."""
    trunk: str
    """The outbound trunk's id; empty without a transfer."""
    last_resort: str = ""
    """The number a caller is handed to when no process can take the call; empty: none."""
    ends: str = ""
    """Where the worker is told that a call is over."""


def prepare(process: JobProcess, *, setup: JobSetup) -> None:
    """Before a call: everything that costs time. Must not raise, or the worker would respawn processes for ever."""
    configure_logging()
    try:
        settings = Settings.from_environ(os.environ)
        plan = plan_of(setup.agent)
        spec = plan.spec
        cache = SpeechCache(settings.cache_directory, spec.language, spec.voice.tts)
        cache.load(plan.sentence(key, NOBODY) for key in SAID_FIRST)
        preload({step.channel for step in plan.route})
        voices = voices_of(setup.agent)
        process.userdata.update(plan=plan, settings=settings, cache=cache, setup=setup, voices=voices)
        give_back()
    except Exception as error:
        log.exception("this process cannot take calls")
        process.userdata["error"] = error


async def entrypoint(ctx: JobContext, *, setup: JobSetup) -> None:
    """One call, from the first ring to the last word. Returns when the call is over, or somebody else has it."""
    if "error" in ctx.proc.userdata:
        raise RuntimeError("this process could not be prepared") from ctx.proc.userdata["error"]
    watch = WatchLine(*whose(ctx, setup))
    await watch.open()
    try:
        if not watch.superfluous:
            await (await LiveCall.connect(ctx, watch)).run()
    finally:
        await watch.abandon()
        tell_end(setup.ends, ctx.job.id)
        ctx.shutdown("the call is over, or another process has it")


def whose(ctx: JobContext, setup: JobSetup) -> tuple[Path, Hello]:
    """Where the watchdog listens, and what it is told of this process."""
    name, settings = ctx.proc.userdata["plan"].spec.name, ctx.proc.userdata["settings"]
    hello = Hello(
        ctx.room.name, name, os.getpid(), epoch_in(ctx.job.metadata), time.monotonic(), setup.last_resort
    )
    return socket_path(name, settings), hello


class LiveCall:
    """The parts of one call, put together."""

    def __init__(
        self,
        ctx: JobContext,
        voice: Voice,
        caller: rtc.RemoteParticipant,
        watch: WatchLine,
        publishing: asyncio.Task[None],
    ) -> None:
        self.ctx = ctx
        self.voice = voice
        self.caller = caller
        self.watch = watch
        self._publishing = publishing
        self.plan: CallPlan = ctx.proc.userdata["plan"]
        self.settings: Settings = ctx.proc.userdata["settings"]
        self.setup: JobSetup = ctx.proc.userdata["setup"]
        self.lk = api.LiveKitAPI(
            _http(self.settings.livekit_url or ""),
            self.settings.livekit_api_key,
            self.settings.livekit_api_secret,
            failover=False,
        )
        self.seat = Seat(self.lk, ctx.room)
        self.ledger = ledger_at(self.settings.callisi_database)
        self.took: dict[str, float] = {}
        """When what was done, in monotonic seconds."""

    @classmethod
    async def connect(cls, ctx: JobContext, watch: WatchLine) -> LiveCall:
        """Join the room and publish the voice: on its subscription the bridge answers the caller."""
        await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
        joined = time.monotonic()
        voice = Voice()
        # what the books are asked about this call, they are asked while the track is being published
        publishing = asyncio.create_task(voice.publish(ctx.room))
        try:
            caller = await find_caller(ctx.room)
        except BaseException:
            publishing.cancel()
            raise
        call = cls(ctx, voice, caller, watch, publishing)
        call.took["joined"] = joined
        return call

    async def run(self) -> None:
        """Greet at once, or go on where another process was; the model's session is built while the caller listens."""
        try:
            await self._run()
        finally:
            await self.lk.aclose()
            await self.ledger.close()

    async def _run(self) -> None:
        facts = CallFacts(id=self.call_id, caller=self.number, started=datetime.now(UTC))
        books = self._books(facts)
        books.safety = partial(self.plan.safety_note, facts)
        before, ended = await self._remembered(facts, books)
        state, facts, lines = before or (None, facts, [])
        line = self._line()
        line.owns = books.owned
        runner = CallRunner(self.plan, facts, line, books, LoopClock(), state)
        books.safety = lambda: self.plan.safety_note(runner.facts)
        books.where = lambda: (runner.state.phase.value, remember(runner))
        runner.record.transcript.extend(lines)
        line.conversation.recall(lines)
        line.attach(runner)
        try:
            if ended or (state is not None and state.phase is Phase.ENDED):
                await self._end_at_last(runner, line, books)
            else:
                await self._have(runner, line, books)
        finally:
            self.seat.leave()
            await runner.stop()
            await line.close()

    async def _remembered(self, facts: CallFacts, books: LedgerBooks) -> tuple[Before | None, bool]:
        """What a predecessor left of this call, from the watchdog or else the ledger; whether it had ended it."""
        row = CallRow(
            facts.id,
            self.plan.spec.name,
            facts.caller.e164,
            time.time(),
            self.ctx.room.name,
            carrier_id=self.caller.attributes.get(CARRIER_ID),
        )
        before = recall(self.watch.inherited, facts)
        books.epoch = self.watch.hello.epoch
        if before is not None:
            self._opening = asyncio.create_task(self._open_behind(books, row))
            await self._answered()
            return before, False
        _, known = await asyncio.gather(self._answered(), books.begin(row, patience=BOOKS_SECONDS))
        if known is None:
            return None, False
        books.epoch = max(books.epoch, known.epoch + 1)
        self.watch.became(books.epoch)
        self._opening = asyncio.create_task(books.save(known.phase or "", known.state or {}))
        return recall(known.state, facts), known.ended is not None

    async def _open_behind(self, books: LedgerBooks, row: CallRow) -> None:
        known = await books.begin(row, patience=BOOKS_SECONDS)
        if known is not None and known.epoch >= books.epoch:
            books.epoch = known.epoch + 1
            self.watch.became(books.epoch)

    async def _end_at_last(self, runner: CallRunner, line: LiveLine, books: LedgerBooks) -> None:
        """A predecessor died between the end of the call and the end of the room."""
        log.info("a call that was over is ended (epoch %d)", books.epoch)
        await make_good(self.plan, runner.facts, runner.state, books)
        await line.hang_up()
        await books.finish(outcome_of(runner.state), None)
        await self.watch.bye()

    async def _have(self, runner: CallRunner, line: LiveLine, books: LedgerBooks) -> None:
        memory = Memory(runner, books.save, books.tell, self.watch.save)
        ending = Ending(self.ctx.room, runner)
        self._note_start(runner, books)
        await self._begin(runner, line, books)
        opening = asyncio.create_task(self._open_session(runner, line))
        try:
            how = await ending.wait()
            await self._let_go(how, runner)
        except asyncio.CancelledError:
            if runner.over.is_set():  # only something of our own hangs: nothing is left to hand over
                await books.finish(runner.record.outcome, None)
                await self.watch.bye()
                raise
            # the worker is going: a successor gets the call, and the room stays
            await self.watch.handover()
            await ending.replaced_within(HANDOVER_SECONDS)
            raise
        finally:
            opening.cancel()
            await asyncio.gather(opening, memory.close(), return_exceptions=True)

    async def _begin(self, runner: CallRunner, line: LiveLine, books: LedgerBooks) -> None:
        if runner.state.phase is Phase.SCREENING:
            funds = await funds_of_the_day(self.plan, self.ledger, runner.facts)
            if books.epoch:  # another process had the call, and died before it had written anything down
                runner.feed(on.Resumed())
            runner.feed(self._arrived(runner.facts, funds=funds))
        else:
            self._mending = asyncio.create_task(make_good(self.plan, runner.facts, runner.state, books))
            joined = runner.state.joined
            await line.drop_strangers(joined.id if joined else None)
            runner.feed(on.Resumed(seconds_since(runner.facts.started)))
            if joined is not None:
                await line.adopt(joined.id)
        if self.caller.identity not in self.ctx.room.remote_participants:
            line.caller_left = True
            runner.feed(on.CallerLeft())

    async def _let_go(self, how: str, runner: CallRunner) -> None:
        if how == "over":
            log.info("call ended", extra={"call": runner.record.masked()})
            await self.watch.bye()
            return
        await runner.stop()
        log.warning("the call is left to another process: %s", how)
        if how in REPLACED:
            await self.watch.replaced()
        else:
            await self.watch.handover()

    def _note_start(self, runner: CallRunner, books: LedgerBooks) -> None:
        """When what was ready, in seconds since this process was given the call."""
        since = self.watch.hello.since
        steps = {name: round(at - since, 3) for name, at in self.took.items()}
        runner.record.add(
            0.0, "line.taken", epoch=books.epoch, ready=round(time.monotonic() - since, 3), **steps
        )
        log.info("call taken (room %s, epoch %d)", self.ctx.room.name, books.epoch)

    async def _open_session(self, runner: CallRunner, line: LiveLine) -> None:
        if runner.state.joined is not None:
            return  # a person has the caller: no session, no model
        with contextlib.suppress(TimeoutError):
            # to build a session takes the processor that the greeting needs; the caller listens first
            await asyncio.wait_for(self.voice.begun.wait(), GREETING_SECONDS)
        try:
            await line.conversation.open(runner)
        except Exception:
            log.exception("the model's session could not be opened")
            runner.feed(on.ModelDown())
            runner.feed(on.EarsDown())

    @property
    def call_id(self) -> str:
        """LiveKit's id of the caller's SIP call; the room's name where a caller is no SIP leg."""
        return self.caller.attributes.get("sip.callID") or self.ctx.room.name

    @property
    def number(self) -> Number:
        """The caller's number, as far as the carrier shows it; an asserted identity where it is mapped and trusted."""
        attributes = self.caller.attributes
        shown = normalise(attributes.get("sip.phoneNumber") or attributes.get("sip.hostname"))
        if shown.e164 is None and "id" not in attributes.get("callisi.privacy", ""):
            return normalise(attributes.get("callisi.pai")) if attributes.get("callisi.pai") else shown
        return shown

    async def _answered(self) -> None:
        await self._publishing
        self.seat.take()
        self.took["published"] = time.monotonic()
        if self.voice.publication is not None:
            await self.voice.publication.wait_for_subscription()
        self.took["heard"] = time.monotonic()

    def _books(self, facts: CallFacts) -> LedgerBooks:
        sender = Sender(self.ledger, build_channels(notify_settings(self.settings)), lease=CLAIM_SECONDS)
        return LedgerBooks(self.ledger, sender, facts.id, patience=self.plan.flow.patience)

    def _line(self) -> LiveLine:
        voices: Voices = self.ctx.proc.userdata["voices"]
        cache: SpeechCache = self.ctx.proc.userdata["cache"]
        room, transfer = self.ctx.room, self.plan.spec.transfer
        dialler = Dialler(self.lk, room.name, self.setup.trunk, transfer.caller_id if transfer else None)
        return LiveLine(
            room,
            self.caller.identity,
            self.voice,
            Speaker(cache, voices.speakers),
            dialler,
            Conversation(room, self.caller.identity, self.voice, voices),
            tuple(target.to for target in transfer.to) if transfer else (),
            melody=bool(transfer and transfer.while_ringing != "tone"),
        )

    def _arrived(self, facts: CallFacts, *, funds: bool) -> on.Arrived:
        now = facts.started
        return on.Arrived(
            caller_known=facts.caller.e164 is not None,
            open=is_open(self.plan.spec.hours, now),
            allowed=self.plan.allowed_targets(facts.caller, now),
            funds=funds,
        )


async def find_caller(room: rtc.Room) -> rtc.RemoteParticipant:
    """The leg that came through a dispatch rule: never a person we dialled, whoever joined first."""
    found: asyncio.Future[rtc.RemoteParticipant] = asyncio.get_running_loop().create_future()

    def look(*_: object) -> None:
        for participant in room.remote_participants.values():
            if "sip.ruleID" in participant.attributes and not found.done():
                found.set_result(participant)

    room.on("participant_connected", look)
    room.on("participant_attributes_changed", look)
    try:
        look()
        return await asyncio.wait_for(found, CALLER_SECONDS)
    finally:
        room.off("participant_connected", look)
        room.off("participant_attributes_changed", look)


def seconds_since(moment: datetime) -> float:
    """Seconds from then to now; none when the clock was put back."""
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())


def _http(url: str) -> str:
    return url.replace("ws://", "http://", 1).replace("wss://", "https://", 1)


__all__ = ["JobSetup", "LiveCall", "entrypoint", "notify_settings", "prepare"]
