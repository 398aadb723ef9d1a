"""The room of one call, which outlives the processes that have it: the caller's leg, and the telephones dialled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Literal

from callisi_runtime.flow import Outcome
from callisi_runtime.flow import events as on
from callisi_runtime.simulate.provider import draw, now

if TYPE_CHECKING:
    from callisi_runtime.call import CallRunner
    from callisi_runtime.simulate.process import Process
    from callisi_runtime.simulate.witness import Witness

Conduct = Literal[
    "takes the call",
    "mailbox",
    "refuses",
    "pocket",
    "leaves",
    "busy",
    "declined",
    "not available",
    "no such number",
    "provider down",
    "misconfigured",
    "rings on",
    "never rings",
    "silence",
    "answers too late",
]
CONDUCT: dict[Conduct, int] = {
    "takes the call": 30,
    "mailbox": 12,
    "refuses": 5,
    "pocket": 3,
    "leaves": 3,
    "busy": 9,
    "declined": 5,
    "not available": 6,
    "no such number": 2,
    "provider down": 3,
    "misconfigured": 1,
    "rings on": 13,
    "never rings": 3,
    "silence": 3,
    "answers too late": 2,
}
"""What a telephone does that is dialled, and how often."""
FAILURES: dict[Conduct, Outcome] = {
    "busy": Outcome.BUSY,
    "declined": Outcome.DECLINED,
    "not available": Outcome.NOT_AVAILABLE,
    "no such number": Outcome.NO_SUCH_NUMBER,
    "provider down": Outcome.PROVIDER_DOWN,
    "misconfigured": Outcome.MISCONFIGURED,
}
TWICE = 0.04
"""How often an event is reported twice."""


@dataclass(slots=True)
class Phone:
    """One leg to a person."""

    leg: str
    target: int
    dialled: float
    state: Literal["dialling", "ringing", "answered", "joined", "gone"] = "dialling"
    outcome: Outcome | None = None
    gone: float | None = None
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Whether it rings somewhere, or somebody has picked up."""
        return self.state != "gone"


class Room:
    """The line of one call.

    Args:
        rng: Decides how telephones behave.
        witness: Sees everything.
    """

    def __init__(self, rng: Random, witness: Witness) -> None:
        self.rng = rng
        self.witness = witness
        self.caller_here = True
        self.left = asyncio.Event()
        """The caller has hung up."""
        self.over = asyncio.Event()
        self.phones: list[Phone] = []
        self.dropping: set[str] = set()
        """Legs that are being ended."""
        self.runner: CallRunner | None = None
        self.process: Process | None = None

    def attach(self, runner: CallRunner, process: Process) -> None:
        """This process has the call now."""
        self.runner, self.process = runner, process

    @property
    def served(self) -> bool:
        """Whether a living process has the call."""
        return self.process is not None and not self.process.dead

    def feed(self, event: on.Event) -> None:
        """Report an event to whatever process has the call; without one it is lost."""
        if self.runner is None or not self.served or self.over.is_set():
            return
        self.runner.feed(event)
        if self.rng.random() < TWICE and not isinstance(event, on.CallerLeft):
            self.runner.feed(event)

    def caller_leaves(self) -> None:
        """The caller hangs up."""
        if self.caller_here and not self.over.is_set():
            self.caller_here = False
            self.left.set()
            self.witness.note("caller hangs up")
            self.feed(on.CallerLeft())

    def end(self) -> None:
        """The room is deleted: every leg ends."""
        if self.over.is_set():
            return
        for phone in self.phones:
            self._gone(phone)
        self.caller_here = False
        self.over.set()

    # -- telephones ------------------------------------------------------------------------------------------

    def dial(self, leg: str, target: int, ring_timeout: float, *, refer: bool) -> None:
        """Dial; what the telephone does is drawn."""
        self.witness.dialled(leg, target)
        conduct, rng = draw(self.rng, CONDUCT), self.rng
        phone = Phone(leg, target, now())
        self.phones.append(phone)
        self.witness.note(f"{leg} dials target {target}: {conduct}")
        if conduct in FAILURES:
            self._in(phone, rng.uniform(0.1, 5.0), lambda: self._fail(phone, FAILURES[conduct]))
            return
        if refer and conduct in ("mailbox", "refuses", "pocket", "leaves"):
            conduct = "takes the call"
        if conduct == "silence":
            return
        if conduct == "never rings":
            self._in(phone, ring_timeout, lambda: self._fail(phone, Outcome.NEVER_RANG))
            return
        self._in(phone, rng.uniform(0.3, 3.0), lambda: self._ring(phone))
        if conduct == "answers too late":
            self._in(phone, ring_timeout + rng.uniform(6.0, 12.0), lambda: self._answer(phone, conduct))
            return
        self._in(phone, ring_timeout, lambda: self._ring_out(phone))
        if conduct != "rings on":
            after = rng.uniform(3.1, max(4.0, ring_timeout))
            self._in(phone, after, lambda: self._answer(phone, conduct))

    async def drop(self, leg: str) -> None:
        """End a leg; until that has arrived, it may still answer."""
        phone = self.phone(leg)
        if phone is not None:
            self.dropping.add(leg)
            await asyncio.sleep(self.rng.uniform(0.02, 0.6))
            self._gone(phone)

    def bridge(self, leg: str) -> None:
        """Caller and person hear each other; they talk, and one of them hangs up."""
        phone = self.phone(leg)
        if phone is None:
            self.witness.note(f"{leg} was bridged, and is gone")
            return
        phone.state = "joined"
        self.witness.bridged(phone, caller_here=self.caller_here)
        for timer in phone.timers:
            timer.cancel()
        talk = self.rng.uniform(5.0, 300.0)
        if self.rng.random() < 0.5:
            self._in(phone, talk, lambda: self._leave(phone))
        else:
            self._in(phone, talk, self.caller_leaves)

    def phone(self, leg: str) -> Phone | None:
        """The telephone of that leg, while it is there."""
        return next((one for one in self.phones if one.leg == leg and one.alive), None)

    def _ring(self, phone: Phone) -> None:
        if phone.state == "dialling":
            phone.state = "ringing"
            self.feed(on.LegRinging(phone.leg))

    def _ring_out(self, phone: Phone) -> None:
        if phone.state in ("dialling", "ringing"):
            self._fail(phone, Outcome.RANG_OUT)

    def _answer(self, phone: Phone, conduct: Conduct) -> None:
        if phone.state not in ("dialling", "ringing"):
            return
        phone.state = "answered"
        self.witness.note(f"{phone.leg} answers")
        self.feed(on.LegAnswered(phone.leg))
        after, keys = self.rng.uniform(0.5, 9.0), {"takes the call": "1", "refuses": "2", "pocket": "5"}
        if conduct == "leaves":
            self._in(phone, after, lambda: self._leave(phone))
        elif conduct in keys:
            self._in(phone, after, lambda: self.feed(on.KeyPressed(keys[conduct], phone.leg)))
        else:
            self._in(phone, self.rng.uniform(20.0, 90.0), lambda: self._leave(phone))

    def _fail(self, phone: Phone, outcome: Outcome) -> None:
        if phone.alive:
            phone.outcome = outcome
            self._gone(phone)
            self.witness.note(f"{phone.leg} fails: {outcome.value}")
            self.feed(on.LegFailed(phone.leg, outcome))

    def _leave(self, phone: Phone) -> None:
        if phone.alive:
            self._gone(phone)
            self.witness.note(f"{phone.leg} hangs up")
            self.feed(on.LegLeft(phone.leg))

    def _gone(self, phone: Phone) -> None:
        if phone.alive:
            phone.state, phone.gone = "gone", now()
        for timer in phone.timers:
            timer.cancel()

    def _in(self, phone: Phone, seconds: float, action: Callable[[], None]) -> None:
        phone.timers.append(asyncio.get_running_loop().call_later(seconds, action))
