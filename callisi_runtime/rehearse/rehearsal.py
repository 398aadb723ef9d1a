"""One rehearsed call.

How time passes. It is virtual: it stands still while you type, and runs only

- while somebody speaks: a sentence takes one second for 14 characters, the caller's as well as the agent's;
- until it is the caller's turn: one second after the agent has finished or, while it rings or a person is on the line,
  two seconds after the last thing that was heard, so that the caller may say something into the ringing;
- on `/wait 12s`; what follows such a line comes at once;
- at the end of a script, until the call is over and every message has found its end.

What is due in the meantime happens in its order: telephones ring out, timers of the machine fire, messages arrive.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from callisi_runtime.call import CallRunner
from callisi_runtime.call.memory import Memory, remember
from callisi_runtime.flow import Phase
from callisi_runtime.flow import events as on
from callisi_runtime.hours import is_open
from callisi_runtime.plan import CallFacts
from callisi_runtime.rehearse.books import MemoryBooks, Notification
from callisi_runtime.rehearse.clock import VirtualClock
from callisi_runtime.rehearse.line import SimulatedLine, speaking_seconds
from callisi_runtime.rehearse.providers import Providers
from callisi_runtime.rehearse.real_books import Real, RealBooks
from callisi_runtime.rehearse.screen import NoScreen, Screen
from callisi_runtime.rehearse.staff import Staff

if TYPE_CHECKING:
    from datetime import datetime

    from callisi_runtime.phone import Number
    from callisi_runtime.plan import CallPlan

PAUSE = 1.0
"""Seconds between the agent's last word and the caller's first."""
PAUSE_WHILE_RINGING = 2.0
LONGEST = 3 * 3600.0
"""Virtual seconds after which a rehearsal is given up; no call lasts so long."""
QUIET_ROUNDS = 12
"""Rounds of the event loop without any activity after which everything is known to wait for time to pass."""
FLOOR = (Phase.CONVERSING, Phase.TAKING_MESSAGE)
RINGING = (Phase.CONNECTING, Phase.ACCEPTING, Phase.CONNECTED)


class Talk(Protocol):
    """The language model's side; `live.text.TextConversation` is one."""

    real: bool

    async def open(self) -> None:
        """Start it."""

    def heard(self, text: str) -> bool:
        """The caller's final words; True when `answer` is to follow."""

    async def answer(self, text: str) -> None:
        """Have the model answer."""

    async def remember(self, text: str) -> None:
        """A sentence was said that the model must know of."""

    def interrupt(self) -> None:
        """Stop its words."""

    async def close(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part, and how the world behaves."""

    caller: Number
    at: datetime
    """When the call comes in; aware."""
    staff: Staff
    providers: Providers
    real_model: bool = False
    """Ask the language model that the file names, instead of the small brain."""
    funds: bool = True
    """False: other calls have used up what the day may cost."""
    real: Real | None = None
    """The real ledger and the real channels, instead of simulated ones."""


class Rehearsal:
    """One call in virtual time. Made inside a running event loop.

    Args:
        plan: The agent.
        cast: Who takes part.
        screen: Where it is shown.
    """

    def __init__(self, plan: CallPlan, cast: Cast, screen: Screen | None = None) -> None:
        self.plan = plan
        self.cast = cast
        self.screen = screen or NoScreen()
        self.clock = VirtualClock()
        self.line = SimulatedLine(self.clock, cast.staff, cast.providers, self.screen)
        real = cast.real
        facts = CallFacts(id=real.call_id() if real else "rehearsal", caller=cast.caller, started=cast.at)
        self.books: MemoryBooks | RealBooks
        if real is None:
            self.books = MemoryBooks(self.clock, cast.providers, self._message, self._spawn)
        else:
            self.books = RealBooks(real, facts, self.clock, plan.flow.patience, self._message)
        self.runner = CallRunner(plan, facts, self.line, self.books, self.clock)
        self._memory: Memory | None = None
        self.line.runner = self.runner
        self.runner.observers.append(lambda *_: self._stir())
        self.talk: Talk | None = None
        self.unsaid = 0
        """Lines of the script that came too late."""
        self.seconds = 0.0
        """How long the call lasted; known when it is over."""
        self._activity = 0
        self._waited = False
        self._turn: asyncio.Task[None] | None = None
        self._model_waits = False
        self._tasks: set[asyncio.Task[None]] = set()

    # -- the course of the call -----------------------------------------------------------------------------

    async def start(self) -> None:
        """The call comes in, and the greeting begins."""
        if isinstance(self.books, RealBooks):
            self.books.live.safety = lambda: self.plan.safety_note(self.runner.facts)
            self.books.live.where = lambda: (self.runner.state.phase.value, remember(self.runner))
            await self.books.begin(self.plan.spec.name)
            self._memory = Memory(self.runner, self.books.save, self.books.tell)
        if self.cast.providers["stt"].kind in ("down", "hang"):
            self.runner.feed(on.EarsDown())
        known = self.cast.caller.e164 is not None
        allowed = self.plan.allowed_targets(self.cast.caller, self.cast.at)
        open_ = is_open(self.plan.spec.hours, self.cast.at)
        self.runner.feed(on.Arrived(known, open_, allowed, self.cast.funds))
        await self.settle()

    async def say(self, text: str) -> bool:
        """The caller says something when it is their turn; False when the call is over."""
        await self.until_turn()
        if self.over:
            return False
        now = self.clock.now()
        self.screen.said(now, "caller", text)
        self.runner.talking(True)
        await self.run_until(now + speaking_seconds(text))
        self.runner.talking(False)
        self.line.last_thing = self.clock.now()
        index = len(self.runner.record.transcript)
        await self._hear(text)
        self._began_at(index, now)
        await self.settle()
        return True

    def _began_at(self, index: int, at: float) -> None:
        """The transcript says when a line began; it is understood when it is over."""
        transcript = self.runner.record.transcript
        if index < len(transcript) and transcript[index].who == "caller":
            line = replace(transcript[index], at=round(at, 3))
            transcript[index] = line

    async def _hear(self, text: str) -> None:
        if self.over:
            return
        if self.runner.state.phase is Phase.CONNECTED:
            self.runner.record.say(self.clock.now(), "caller", text)
            found = self.line.phone_in("joined")
            if found is not None:
                self.line.talk_on(found[1], found[0])
        elif not self.runner.state.ears_up:
            self.runner.record.say(self.clock.now(), "caller", text)
            self.screen.happened(
                self.clock.now(), "the transcriber is down: nobody understands this; /press 1 still works"
            )
        else:
            talk = await self.ready()
            if talk.heard(text):
                self._turn = asyncio.create_task(talk.answer(text))

    async def hang_up(self) -> None:
        """The caller hangs up."""
        if not self.over:
            self.screen.happened(self.clock.now(), "the caller hangs up")
            self.runner.feed(on.CallerLeft())
            await self.settle()

    async def press(self, key: str) -> None:
        """The caller presses a key."""
        self.screen.happened(self.clock.now(), f"the caller presses {key}")
        self.line.last_thing = self.clock.now()
        self.runner.feed(on.KeyPressed(key))
        await self.settle()

    async def wait(self, seconds: float) -> None:
        """Nobody does anything for so long; what follows comes at once."""
        await self.run_until(self.clock.now() + seconds)
        self._waited = True

    async def pass_time(self) -> None:
        """Nobody says anything until the next thing is heard, and the caller's turn after it."""
        heard = self.line.last_thing
        while not self.over and self.line.last_thing == heard and await self._step(LONGEST):
            pass
        await self.until_turn()

    def just_waited(self) -> bool:
        """Whether the line before was a `/wait`, so that what follows comes at once."""
        waited, self._waited = self._waited, False
        return waited

    async def finish(self) -> None:
        """Let time run until the call is over and every message has found its end."""
        await self._run_while(lambda: not self.over)
        if not self.over:
            await self.hang_up()
        await self._run_while(lambda: self.runner.busy or self.books.unsettled)
        await self.runner.wait()
        await self.close()

    async def close(self) -> None:
        """Leave nothing running."""
        await self.runner.stop()
        if self._memory is not None:
            await self._memory.close()
        if isinstance(self.books, RealBooks):
            await self.books.leave()
        if self.talk is not None:
            await self.talk.close()
            self.talk = None
        for task in [*self._tasks, *([self._turn] if self._turn else [])]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @property
    def over(self) -> bool:
        """Whether the call is over."""
        return self.runner.over.is_set() or self.runner.ended

    # -- the language model ---------------------------------------------------------------------------------

    async def ready(self) -> Talk:
        """The language model's side, started when it is first needed."""
        if self.talk is None:
            from callisi_runtime.live.text import TextConversation, quiet

            quiet()
            talk: Talk = TextConversation(
                self.runner, self.line.model_says, self._reach_model, real=self.cast.real_model
            )
            await talk.open()
            for said in self.runner.record.transcript:
                if said.who == "agent":
                    await talk.remember(said.text)
            self.talk = self.line.talk = talk
        return self.talk

    async def _reach_model(self) -> None:
        mode = self.cast.providers["llm"]
        if mode.kind == "down":
            raise ConnectionError("the language model is down")
        if mode.kind in ("slow", "hang"):
            self._model_waits = True
            try:
                await self.clock.sleep(mode.seconds if mode.kind == "slow" else LONGEST)
            finally:
                self._model_waits = False

    # -- time -----------------------------------------------------------------------------------------------

    async def until_turn(self) -> None:
        """Let time run until the caller would speak, or the call is over."""
        while not self.over:
            await self.settle()
            turn = self._turn_at()
            waited, now = self._waited, self.clock.now()
            if turn is not None and (turn <= now or waited):
                self._waited = False
                return
            if not await self._step(turn if turn is not None else LONGEST):
                if turn is None:
                    return
                continue

    def _turn_at(self) -> float | None:
        """When the caller would speak, as things stand; None while they would not."""
        phase = self.runner.state.phase
        if self.line.speaking or (self._turn is not None and not self._turn.done()):
            return None
        if phase in RINGING:
            return self.line.last_thing + PAUSE_WHILE_RINGING
        return self.line.last_thing + PAUSE if phase in FLOOR else None

    async def run_until(self, moment: float) -> None:
        """Let time run until a moment."""
        while await self._step(moment):
            pass

    async def _run_while(self, going: Callable[[], bool]) -> None:
        await self.settle()
        while going() and self.clock.now() < LONGEST and self.clock.next_at() is not None:
            await self._step(LONGEST)

    async def _step(self, until: float) -> bool:
        await self.settle()
        fired = self.clock.advance(until)
        await self.settle()
        return fired

    async def settle(self) -> None:
        """Return when everything waits for time to pass, and nothing else is going on."""
        await self._quiet()
        while isinstance(self.books, RealBooks) and self.books.working:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            self._catch_up(time.monotonic() - began)
            await self._quiet()
        while self._turn is not None and not self._turn.done() and not self._model_waits:
            began = time.monotonic()
            await asyncio.wait({self._turn}, timeout=0.05)
            if self.cast.real_model:
                self._catch_up(time.monotonic() - began)
            await self._quiet()

    def _catch_up(self, seconds: float) -> None:
        """What is real takes real time, and the call's time goes with it."""
        until = self.clock.now() + seconds
        while self.clock.advance(until):
            pass

    async def _quiet(self) -> None:
        rounds = 0
        while rounds < QUIET_ROUNDS:
            before = self._activity
            await asyncio.sleep(0)
            rounds = rounds + 1 if self._activity == before else 0

    def _stir(self) -> None:
        self._activity += 1
        if not self.runner.over.is_set():
            self.seconds = self.clock.now()

    def _message(self, notification: Notification) -> None:
        self._stir()
        self.screen.message(self.clock.now(), notification)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
