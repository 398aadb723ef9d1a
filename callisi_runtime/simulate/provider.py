"""Simulated providers behind the real sender: they accept, delay, refuse, fail, and accept without saying so."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeVar

from callisi_runtime.ledger.values import Note, Receipt, Step
from callisi_runtime.notify.base import Reject, Retry, Sent, index_of, text_of
from callisi_runtime.simulate.process import current_process

T = TypeVar("T")

Weather = Literal["well", "shaky", "away", "gone", "refusing"]
WEATHER: dict[Weather, int] = {"well": 55, "shaky": 28, "away": 10, "gone": 4, "refusing": 3}
"""How the providers are during one call, and how often. `away` comes back after a while, `gone` does not."""

Answer = Literal["accept", "503", "503 though accepted", "429", "400", "timeout", "timeout though accepted"]
SHAKY: dict[Answer, int] = {
    "accept": 45,
    "503": 15,
    "503 though accepted": 8,
    "429": 10,
    "400": 5,
    "timeout": 8,
    "timeout though accepted": 9,
}
Fate = Literal["delivered", "undelivered", "sent", "stuck"]
FATES: dict[Fate, int] = {"delivered": 82, "undelivered": 8, "sent": 6, "stuck": 4}
"""What becomes of an accepted message: `sent` is never reported further, `stuck` never leaves the provider."""

TIMEOUT = 10.0
IDEMPOTENT = ("email", "webhook")
"""Channels whose receiver knows a repeated message by its id, and reports nothing."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a provider has accepted."""

    sid: str
    note: str
    call: str
    step: int
    channel: str
    text: str
    at: float
    visible: float
    """When a look-up finds it."""
    fate: Fate
    fate_at: float


class Provider:
    """Every provider of one call, and the truth about what they accepted.

    Args:
        rng: Decides.
        weather: How they are; drawn when left out.
    """

    def __init__(self, rng: Random, weather: Weather | None = None) -> None:
        self.rng = rng
        self.weather = weather if weather is not None else draw(rng, WEATHER)
        self.back_at = now() + rng.uniform(10.0, 1800.0)
        self.messages: list[Message] = []
        self.lookups_failed = 0
        self.sends = 0

    def channels(self) -> dict[str, SimulatedChannel]:
        """One object per kind, as the sender takes them."""
        return {kind: SimulatedChannel(self, kind) for kind in ("sms", "whatsapp", "email", "webhook")}

    def answer(self) -> Answer:
        """How the next request to send is answered."""
        match self.weather:
            case "shaky":
                return draw(self.rng, SHAKY)
            case "refusing":
                return "400"
            case "away" | "gone" if not self.is_back():
                return self.rng.choice(("503", "timeout"))
        return "accept"

    def is_back(self) -> bool:
        """Whether it answers at all."""
        return self.weather not in ("away", "gone") or (self.weather == "away" and now() >= self.back_at)

    def trips(self) -> bool:
        """Whether a request that only asks something fails."""
        return not self.is_back() or (self.weather == "shaky" and self.rng.random() < 0.15)

    def take(self, note: Note, step: Step, kind: str) -> Message:
        """Accept a message."""
        at, index = now(), index_of(note, step)
        known = next((one for one in self.messages if (one.note, one.step) == (note.id, index)), None)
        if kind in IDEMPOTENT and known is not None:
            return known
        message = Message(
            sid=f"SM{len(self.messages):04}",
            note=note.id,
            call=note.call_id,
            step=index,
            channel=kind,
            text=text_of(note, step),
            at=at,
            visible=at + self.rng.uniform(0.0, 15.0),
            fate="delivered" if kind in IDEMPOTENT else draw(self.rng, FATES),
            fate_at=at + self.rng.uniform(1.0, 45.0),
        )
        self.messages.append(message)
        return message


class SimulatedChannel:
    """`notify.Channel`, as the sender knows it."""

    def __init__(self, provider: Provider, kind: str) -> None:
        self.provider = provider
        self.kind = kind
        self.finds = kind not in IDEMPOTENT

    async def send(self, note: Note, step: Step) -> Sent:
        """Send it once; how it ends is drawn."""
        provider, answer = self.provider, self.provider.answer()
        provider.sends += 1
        await self._travel()
        match answer:
            case "400":
                raise Reject("21211 refused")
            case "429":
                raise Retry("20429", after=provider.rng.uniform(1.0, 30.0), unknown=False)
            case "503":
                raise Retry("503", unknown=True)
            case "timeout":
                await asyncio.sleep(TIMEOUT)
                raise TimeoutError
        message = provider.take(note, step, self.kind)
        if answer == "timeout though accepted":
            await asyncio.sleep(TIMEOUT)
            raise TimeoutError
        await self._travel()
        if answer == "503 though accepted":
            raise Retry("503", unknown=True)
        return Sent(message.sid, "none" if self.kind in IDEMPOTENT else "poll")

    async def find(self, note: Note, step: Step, *, ignore: Collection[str] = ()) -> Sent | None:
        """Look up what an earlier attempt left."""
        await self._travel()
        if self.provider.trips():
            self.provider.lookups_failed += 1
            raise Retry("503", unknown=True)
        index = index_of(note, step)
        for message in reversed(self.provider.messages):
            mine = (message.note, message.step) == (note.id, index) and message.sid not in ignore
            if mine and message.visible <= now():
                return Sent(message.sid)
        return None

    async def status(self, sid: str, step: Step) -> Receipt:
        """What became of a message."""
        await self._travel()
        if self.provider.trips():
            raise Retry("503", unknown=False)
        return receipt_of(next(one for one in self.provider.messages if one.sid == sid))

    async def _travel(self) -> None:
        process = current_process()
        if process is not None:
            await process.point()
        await asyncio.sleep(self.provider.rng.uniform(0.05, 0.8))


def receipt_of(message: Message) -> Receipt:
    """What the provider says about a message now."""
    if message.fate == "stuck" or now() < message.at + 0.5:
        return Receipt("queued", message.sid)
    if message.fate == "sent" or now() < message.fate_at:
        return Receipt("sent", message.sid)
    return Receipt(message.fate, message.sid, "30005" if message.fate == "undelivered" else None)


def draw(rng: Random, weights: Mapping[T, int]) -> T:
    """One of the keys, as often as its weight says."""
    return rng.choices(list(weights), list(weights.values()))[0]


def now() -> float:
    """Virtual seconds."""
    return asyncio.get_running_loop().time()
