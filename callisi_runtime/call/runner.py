"""`CallRunner`: feeds events to the machine and has its effects carried out, in order, on any line."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from callisi_runtime.call.record import CallRecord
from callisi_runtime.flow import CallState, Outcome, Phase, step
from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.notify.safe import clean
from callisi_runtime.phone import masked
from callisi_runtime.plan.facts import Message

if TYPE_CHECKING:
    from datetime import datetime

    from callisi_runtime.call.books import Books
    from callisi_runtime.call.hands import Cancellable, Clock, Hands
    from callisi_runtime.plan import CallFacts, CallPlan

log = logging.getLogger("callisi.call")

NOTHING = Message()
NAME_LIMIT = 80
"""Characters that a name takes in a message to staff."""
LAST_WORD_SECONDS = 30.0
"""How long the books are waited for after the call is over; what is not done then, the sender does."""


class CallRunner:
    """One call under way.

    Args:
        plan: What the file says.
        facts: What is known about the call; changes as the caller leaves a message.
        hands: The line.
        books: The ledger.
        clock: Real or virtual time.
        state: Where the call is; given when a successor takes a call over.
    """

    def __init__(
        self,
        plan: CallPlan,
        facts: CallFacts,
        hands: Hands,
        books: Books,
        clock: Clock,
        state: CallState | None = None,
    ) -> None:
        self.plan = plan
        self.facts = facts
        self.hands = hands
        self.books = books
        self.clock = clock
        self.state = state or CallState()
        number = facts.caller.e164
        self.record = CallRecord(facts.id, plan.spec.name, masked(number) if number else "hidden")
        self.over = asyncio.Event()
        self.last_words = ""
        self.observers: list[Callable[[on.Event, CallState, tuple[do.Effect, ...]], None]] = []
        self._effects: asyncio.Queue[do.Effect] = asyncio.Queue()
        self._speech: deque[tuple[str, str | None]] = deque()
        self._instead: dict[str, str | None] = {}
        """Sentences that must not begin any more, and what is said in their place."""
        self._saying: asyncio.Task[None] | None = None
        self._timers: dict[str, Cancellable] = {}
        self._due: dict[str, float] = {}
        """When each timer runs out, by the clock of this call."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._worker = asyncio.create_task(self._carry_out(), name="callisi-effects")

    # -- events in ------------------------------------------------------------------------------------------

    def feed(self, event: on.Event) -> None:
        """Something happened. Never blocks and never fails: the effects are carried out in order behind it."""
        if isinstance(event, on.NoteAccepted):
            self.facts = replace(self.facts, channel=event.channel)
        self.record.add_event(self.clock.now(), event)
        self.state, effects = step(self.plan.flow, self.state, event)
        for effect in effects:
            if isinstance(effect, do.Instead):
                self._instead[effect.of] = effect.key
            # Before the observers: a promise reaches the books ahead of the memory, and no dial waits for both.
            self._effects.put_nowait(effect)
        for observer in self.observers:
            observer(event, self.state, effects)

    def heard(self, text: str) -> None:
        """The caller said something; it is kept as their last words until the machine asks for them."""
        self.last_words = text
        self.record.say(self.clock.now(), "caller", text)

    def aside(self, key: str, text: str) -> None:
        """Say something true and harmless that the machine need not know of: a declared fact, who is speaking.

        It is said after what is being said, and stopped like it.
        """
        self._speech.append((key, text))
        self._speak_on()

    def talking(self, on_: bool) -> None:
        """Somebody is talking whom the machine does not hear: the silence after it is counted from its end."""
        flow, timers = self.plan.flow, self.state.timers
        if on_:
            self._stop_timer("quiet")
            if flow.ask_while_ringing and self.state.listening:
                # nobody is told in the middle of a word that it still rings
                self._stop_timer("word")
            return
        if "quiet" in timers:
            self._start_timer("quiet", flow.caller_silence)
        if "word" in timers and "word" not in self._timers:
            self._start_timer("word", flow.word_every)

    def moment(self) -> datetime:
        """What time it is in this call; aware."""
        return self.facts.started + timedelta(seconds=self.clock.now())

    @property
    def speaking(self) -> bool:
        """Whether a sentence is being said, or waits to be said."""
        return bool(self._speech) or (self._saying is not None and not self._saying.done())

    @property
    def busy(self) -> bool:
        """Whether an effect is still being carried out."""
        return not self._effects.empty() or any(not task.done() for task in self._tasks)

    def take_message(self, message: Message) -> None:
        """The language model took a message; empty parts leave what is known."""
        known = self.facts.message
        self.know(message)
        self.feed(on.MessageGiven() if self.facts.message == known else on.DetailGiven())

    def know(self, message: Message) -> None:
        """Keep what the caller said it is about, as harmless text; empty parts leave what is known."""
        old = self.facts.message
        self.facts = replace(
            self.facts,
            message=replace(
                old,
                subject=clean(message.subject) or old.subject,
                name=clean(message.name, NAME_LIMIT) or old.name,
                callback=clean(message.callback) or old.callback,
            ),
        )

    # -- effects out ----------------------------------------------------------------------------------------

    async def _carry_out(self) -> None:
        while True:
            effect = await self._effects.get()
            self.record.add_effect(self.clock.now(), effect)
            try:
                await self._perform(effect)
            except Exception:
                log.exception("effect %s failed", type(effect).__name__)

    async def _perform(self, effect: do.Effect) -> None:
        match effect:
            case do.Say(key):
                self._speech.append((key, None))
                self._speak_on()
            case do.Instead(of, key):
                self._say_instead(of, key)
            case do.Hush():
                self._stop_speaking()
            case do.Listen(on_):
                self.hands.listen(on_)
            case do.Ringback(on_):
                self.hands.ringback(on_)
            case do.Dial(leg, target, seconds):
                self._spawn(self._dial(leg, target, seconds, refer=False))
            case do.Refer(leg, target, seconds):
                self._spawn(self._dial(leg, target, seconds, refer=True))
            case do.Prompt(leg):
                self._spawn(self.hands.prompt(leg, self.plan.sentence("prompt", self.facts)))
            case do.Bridge(leg):
                await self.hands.bridge(leg)
            case do.Drop(leg):
                self._spawn(self.hands.drop(leg))
            case do.StartTimer(name, seconds):
                self._start_timer(name, seconds)
            case do.ExtendTimer(name, seconds):
                if name in self._due:
                    self._start_timer(name, self._due[name] - self.clock.now() + seconds)
            case do.StopTimer(name):
                self._stop_timer(name)
            case do.HangUp():
                await self._hang_up()
            case _:
                await self._write_down(effect)

    async def _write_down(self, effect: do.Effect) -> None:
        match effect:
            case do.Arm(number, due_in):
                await self.books.arm(self.plan.note(self.facts, number), due_in)
            case do.Settle(outcome, number, send, evidence):
                self.facts = replace(self.facts, outcome=outcome)
                note = self.plan.note(self.facts, number) if number else None
                await self.books.settle(note, outcome=outcome.value, send=send, evidence=evidence)
            case do.Deliver(number):
                self._spawn(self._deliver(number))
            case do.Keep(part):
                self.know(replace(NOTHING, **{part: self.last_words}))
            case do.Close(evidence):
                await self.books.close(evidence)

    def _speak_on(self) -> None:
        if self._saying is None or self._saying.done():
            self._saying = self._spawn(self._speak())

    async def _speak(self) -> None:
        while self._speech:
            key, aside = self._speech.popleft()
            if aside is None:
                true = self._still_true(key)
                if true is None:
                    continue
                key = true
            text = aside if aside is not None else self.plan.sentence(key, self.facts)
            self.record.say(self.clock.now(), "agent", text)
            heard = False
            try:
                heard = await self.hands.say(key, text)
            except Exception:
                log.exception("sentence %s could not be said", key)
            if aside is None:
                self.feed(on.Said(key, heard))

    def _still_true(self, key: str) -> str | None:
        """What is said where this sentence would begin now: the machine may be ahead of the effects."""
        true: str | None = key
        while true in self._instead:
            true = self._instead.pop(true)
        return true

    def _say_instead(self, of: str, key: str | None) -> None:
        """A sentence that waits gives way to another, or to none; one that has begun is followed by it."""
        if of not in self._instead:
            return  # its turn came first, and the right one was said
        del self._instead[of]
        for place, waiting in enumerate(self._speech):
            if waiting == (of, None):
                del self._speech[place]
                if key is not None:
                    self._speech.insert(place, (key, None))
                return
        if key is not None:
            self._speech.appendleft((key, None))
            self._speak_on()

    def _stop_speaking(self) -> None:
        self._speech.clear()
        if self._saying is not None and self._saying is not asyncio.current_task():
            self._saying.cancel()
        self._saying = None
        self.hands.hush()

    async def _dial(self, leg: str, target: int, seconds: int, *, refer: bool) -> None:
        try:
            if await self._busy_lately(target):
                self.feed(on.LegFailed(leg, Outcome.BUSY))
                return
            await self.hands.dial(leg, target, seconds, refer=refer)
        except Exception:
            log.exception("dial failed in our own code")
            self.feed(on.LegFailed(leg, Outcome.PROVIDER_DOWN))

    async def _busy_lately(self, target: int) -> bool:
        """Whether a number need not be dialled, because it was busy just now; the last one always is dialled."""
        transfer = self.plan.spec.transfer
        if transfer is None or not transfer.skip_busy or not self.state.waiting:
            return False
        since = self.clock.now() - transfer.skip_busy
        if target in self.record.busy_targets(since):
            return True
        return await self.books.busy_lately(self.plan.spec.name, target, transfer.skip_busy)

    async def _deliver(self, number: int) -> None:
        result = await self.books.deliver(self.plan.note(self.facts, number))
        if result.state == "accepted":
            self.feed(on.NoteAccepted(number, result.channel or ""))
        elif result.state == "failed":
            self.feed(on.NoteFailed(number))

    def _start_timer(self, name: str, seconds: float) -> None:
        self._stop_timer(name)
        self._due[name] = self.clock.now() + seconds
        self._timers[name] = self.clock.later(seconds, lambda: self._fire(name))

    def _fire(self, name: str) -> None:
        self._timers.pop(name, None)
        self._due.pop(name, None)
        self.feed(on.TimerFired(name))

    def _stop_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        self._due.pop(name, None)
        if timer is not None:
            timer.cancel()

    # -- the end --------------------------------------------------------------------------------------------

    async def _hang_up(self) -> None:
        self._stop_speaking()
        for name in list(self._timers):
            self._stop_timer(name)
        self.record.outcome = outcome_of(self.state)
        with contextlib.suppress(Exception):
            await self.hands.hang_up()
        self.over.set()

    async def wait(self) -> None:
        """Until the call is over and everything it owes is written down; at most `LAST_WORD_SECONDS` after its end."""
        await self.over.wait()
        pending = [task for task in self._tasks if not task.done() and task is not asyncio.current_task()]
        if pending:
            await asyncio.wait(pending, timeout=LAST_WORD_SECONDS)
        keep = self.plan.spec.privacy.keep_transcript
        await self.books.finish(self.record.outcome, self.record.spoken() if keep else None)
        await self.stop()

    async def stop(self) -> None:
        """Cancel everything that runs; for a process that hands its call over, and for tests."""
        for name in list(self._timers):
            self._stop_timer(name)
        tasks = [self._worker, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def ended(self) -> bool:
        """Whether the machine has ended the call."""
        return self.state.phase is Phase.ENDED

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def outcome_of(state: CallState) -> str:
    """How a call ended, in one word: how its last dial or message ended, else `served` or `caller_left`."""
    if state.outcome is not None:
        return state.outcome.value
    return "served" if state.caller_here else Outcome.CALLER_LEFT.value
