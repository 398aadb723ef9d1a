"""The simulated line: sentences that take their time, telephones that ring, and a person who picks up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from callisi_runtime.flow import Outcome, Phase
from callisi_runtime.flow import events as on
from callisi_runtime.phone import written
from callisi_runtime.rehearse.staff import CONDUCT, Conduct

if TYPE_CHECKING:
    from callisi_runtime.call import CallRunner
    from callisi_runtime.call.hands import Cancellable
    from callisi_runtime.rehearse.clock import VirtualClock
    from callisi_runtime.rehearse.providers import Providers
    from callisi_runtime.rehearse.screen import Screen
    from callisi_runtime.rehearse.staff import Staff

CHARACTERS_PER_SECOND = 14.0
"""How fast German is spoken on the telephone."""
TALK_SECONDS = 20.0
"""How long a person talks with the caller before hanging up, when neither says anything."""
SOON = 1.0
"""After which a telephone that rings does what it was told to do."""
TRUNK_SECONDS = 1.0
"""How long the network takes to refuse a dial."""


def speaking_seconds(text: str) -> float:
    """How long a sentence takes."""
    return len(text) / CHARACTERS_PER_SECOND


class Talk(Protocol):
    """The language model's side, as the line needs it."""

    def interrupt(self) -> None:
        """Stop its words."""

    async def remember(self, text: str) -> None:
        """A sentence was said that the model must know of."""


@dataclass(slots=True)
class Phone:
    """One telephone of the staff that was dialled."""

    target: int
    state: str = "dialled"
    """dialled, rings, answered, joined, gone"""
    until: float = 0.0
    """When it is given up."""
    timers: list[Cancellable] = field(default_factory=list)


class SimulatedLine:
    """`Hands` without a telephone.

    Args:
        clock: The call's time.
        staff: Who behaves how.
        providers: How the providers behave.
        screen: What is shown.
    """

    def __init__(self, clock: VirtualClock, staff: Staff, providers: Providers, screen: Screen) -> None:
        self.clock = clock
        self.staff = staff
        self.providers = providers
        self.screen = screen
        self.runner: CallRunner
        self.talk: Talk | None = None
        self.phones: dict[str, Phone] = {}
        self.dialled: list[str] = []
        self.last_thing = 0.0
        """When something was last heard on the line."""
        self.voice_free = 0.0
        """When the agent's voice has said what it has to say."""
        self._model_end: Cancellable | None = None

    # -- towards the caller ---------------------------------------------------------------------------------

    async def say(self, key: str, text: str) -> bool:
        """Say a sentence; its time passes."""
        while self.voice_free > self.clock.now():
            await self.clock.sleep(self.voice_free - self.clock.now())
        self.screen.said(self.clock.now(), "agent", text)
        try:
            await self.clock.sleep(speaking_seconds(text))
        finally:
            self.last_thing = self.clock.now()
        if self.talk is not None:
            await self.talk.remember(text)
        return True

    def model_says(self, text: str) -> None:
        """The language model's words; when no voice can say them, the machine takes over."""
        if not self.runner.state.listening:
            return
        if self.providers["tts"].kind not in ("up", "slow"):
            self.runner.feed(on.ModelDown())
            return
        now = self.clock.now()
        self.voice_free = max(now, self.voice_free) + self.providers["tts"].seconds + speaking_seconds(text)
        self.runner.record.say(now, "agent", text)
        self.screen.said(now, "agent", text)
        self.runner.talking(True)
        if self._model_end is not None:
            self._model_end.cancel()
        self._model_end = self.clock.later(self.voice_free - now, self._model_done)

    def _model_done(self) -> None:
        self.voice_free = self.last_thing = self.clock.now()
        self._model_end = None
        self.runner.talking(False)

    def hush(self) -> None:
        """Stop the model's words."""
        if self.talk is not None:
            self.talk.interrupt()
        if self._model_end is not None:
            self._model_end.cancel()
            self._model_done()

    @property
    def speaking(self) -> bool:
        """Whether the agent's voice is heard."""
        return self.runner.speaking or self.voice_free > self.clock.now()

    def listen(self, on_: bool) -> None:
        """The model asks the machine itself."""

    def ringback(self, on_: bool) -> None:
        """What the caller hears while it rings."""
        self.last_thing = self.clock.now()

    # -- towards staff --------------------------------------------------------------------------------------

    async def dial(self, leg: str, target: int, ring_timeout: int, *, refer: bool) -> None:
        """Ring a telephone; what it does is in `staff`."""
        number = self.runner.plan.spec.transfer.to[target].to if self.runner.plan.spec.transfer else ""
        self.dialled.append(number)
        phone = self.phones[leg] = Phone(target, until=self.clock.now() + ring_timeout)
        self.screen.happened(
            self.clock.now(), f"{'referring to' if refer else 'dialling'} {self.whom(target)}"
        )
        trunk = self.providers["trunk"]
        if trunk.kind == "down":
            self._in(phone, TRUNK_SECONDS, lambda: self.fail(leg, Outcome.PROVIDER_DOWN))
        elif trunk.kind == "hang":
            self._in(phone, ring_timeout, lambda: self.fail(leg, Outcome.NO_REPLY))
        else:
            self._behave(leg, phone, CONDUCT[self.staff.behaviour(target)], trunk.seconds, ring_timeout)

    def _behave(self, leg: str, phone: Phone, conduct: Conduct, late: float, ring_timeout: float) -> None:
        if conduct.rings_after is not None:
            self._in(phone, late + conduct.rings_after, lambda: self.ring(leg))
        if conduct.fails_after is not None:
            self._in(phone, late + conduct.fails_after, lambda: self.fail(leg, conduct.outcome))
        elif conduct.answers_after is not None and late + conduct.answers_after < ring_timeout:
            self._in(
                phone, late + conduct.answers_after, lambda: self.answer(leg, conduct.key, conduct.key_after)
            )
        else:
            self._in(phone, ring_timeout, lambda: self.fail(leg, Outcome.RANG_OUT))

    async def prompt(self, leg: str, text: str) -> None:
        """The person hears who calls; the caller does not."""
        self.screen.happened(self.clock.now(), f"the person who picked up hears: {text}")

    async def bridge(self, leg: str) -> None:
        """Caller and person hear each other."""
        phone = self.phones[leg]
        phone.state = "joined"
        targets = self.runner.plan.spec.transfer.to if self.runner.plan.spec.transfer else ()
        name = targets[phone.target].name if targets else None
        self.staff_says(f"Guten Tag, hier ist {name}." if name else "Ja, hallo?")
        self.talk_on(phone, leg)

    async def drop(self, leg: str) -> None:
        """End a leg."""
        phone = self.phones.get(leg)
        if phone is not None and phone.state != "gone":
            self._quiet(phone)
            phone.state = "gone"

    async def hang_up(self) -> None:
        """The call is over for everybody."""
        for leg in list(self.phones):
            await self.drop(leg)

    # -- what the telephones do -----------------------------------------------------------------------------

    def phone_in(self, *states: str) -> tuple[str, Phone] | None:
        """The latest telephone in one of these states."""
        return next(((leg, one) for leg, one in reversed(self.phones.items()) if one.state in states), None)

    def ring(self, leg: str) -> None:
        """It rings."""
        phone = self.phones[leg]
        phone.state = "rings"
        self.last_thing = self.clock.now()
        self.screen.happened(self.clock.now(), f"{self.whom(phone.target)} rings")
        self.runner.feed(on.LegRinging(leg))

    def answer(self, leg: str, key: str | None = None, key_after: float = 3.0) -> None:
        """Somebody, or something, picks up, and perhaps presses a key."""
        phone = self.phones[leg]
        self._quiet(phone)
        phone.state = "answered"
        self.screen.happened(self.clock.now(), f"{self.whom(phone.target)} picks up")
        self.runner.feed(on.LegAnswered(leg))
        if key is not None:
            self._in(phone, key_after, lambda: self.press(leg, key))

    def press(self, leg: str, key: str) -> None:
        """A key on a staff telephone."""
        if self.runner.state.phase is not Phase.CONNECTED:
            self.screen.happened(self.clock.now(), f"{self.whom(self.phones[leg].target)} presses {key}")
        self.runner.feed(on.KeyPressed(key, leg))

    def fail(self, leg: str, outcome: Outcome) -> None:
        """The dial comes to nothing."""
        phone = self.phones[leg]
        self._quiet(phone)
        phone.state = "gone"
        self.last_thing = self.clock.now()
        self.screen.happened(
            self.clock.now(), f"{self.whom(phone.target)}: {outcome.value.replace('_', ' ')}"
        )
        self.runner.feed(on.LegFailed(leg, outcome))

    def leave(self, leg: str) -> None:
        """A person hangs up."""
        phone = self.phones[leg]
        self._quiet(phone)
        phone.state = "gone"
        self.last_thing = self.clock.now()
        self.screen.happened(self.clock.now(), f"{self.whom(phone.target)} hangs up")
        self.runner.feed(on.LegLeft(leg))

    def staff_says(self, text: str) -> None:
        """A person says something to the caller."""
        self.runner.record.say(self.clock.now(), "staff", text)
        self.screen.said(self.clock.now(), "staff", text)
        self.last_thing = self.clock.now() + speaking_seconds(text)

    def talk_on(self, phone: Phone, leg: str) -> None:
        """They talk: the person hangs up when nothing has been said for a while."""
        self._quiet(phone)
        self._in(phone, TALK_SECONDS, lambda: self.leave(leg))

    def change(self, leg: str, conduct: Conduct) -> None:
        """A telephone that rings behaves differently from now on."""
        phone = self.phones[leg]
        rings = phone.state == "rings"
        soon = Conduct(
            rings_after=None if rings else conduct.rings_after,
            answers_after=SOON if rings and conduct.answers_after is not None else conduct.answers_after,
            fails_after=SOON if rings and conduct.fails_after is not None else conduct.fails_after,
            outcome=conduct.outcome,
            key=conduct.key,
        )
        left = phone.until - self.clock.now()
        self._quiet(phone)
        self._behave(leg, phone, soon, 0.0, left)

    def whom(self, target: int) -> str:
        """A target as the screen names it."""
        transfer = self.runner.plan.spec.transfer
        if transfer is None:
            return "nobody"
        one = transfer.to[target]
        return f"{one.name} ({written(one.to)})" if one.name else written(one.to)

    def _in(self, phone: Phone, seconds: float, action: object) -> None:
        phone.timers.append(self.clock.later(seconds, action))  # type: ignore[arg-type]

    def _quiet(self, phone: Phone) -> None:
        for timer in phone.timers:
            timer.cancel()
        phone.timers.clear()
