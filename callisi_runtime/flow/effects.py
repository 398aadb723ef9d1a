"""What the machine asks the driver to do, in this order. Only `Arm` and `Settle` must be finished before the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from callisi_runtime.flow.model import Evidence, Outcome


@dataclass(frozen=True, slots=True)
class Say:
    """Say a sentence of the plan to the caller, after what is being said; answer with `Said`."""

    key: str


@dataclass(frozen=True, slots=True)
class Instead:
    """Say `key` in the place of a sentence that does not hold any more; where that has begun, right after it.

    Answer with `Said(key)`; without a key nothing is said in its place. A sentence that has begun is said to its end.
    """

    of: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop whatever is being said, the language model's words included; no `Said` follows for it."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Whether the language model may answer the caller."""

    on: bool


@dataclass(frozen=True, slots=True)
class Ringback:
    """Start or stop what the caller hears while it rings."""

    on: bool


@dataclass(frozen=True, slots=True)
class Dial:
    """Ring a declared target; answer with `LegRinging`, `LegAnswered` or `LegFailed`."""

    leg: str
    target: int
    ring_timeout: int


@dataclass(frozen=True, slots=True)
class Refer:
    """Hand the call to the carrier; answer with `LegAnswered` (it took it) or `LegFailed`."""

    leg: str
    target: int
    ring_timeout: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tell the person on this leg who calls and which key takes the call, again and again."""

    leg: str


@dataclass(frozen=True, slots=True)
class Bridge:
    """Open the gate: the caller and this leg hear each other."""

    leg: str


@dataclass(frozen=True, slots=True)
class Drop:
    """End this leg: stop its ringing, or hang up on it."""

    leg: str


@dataclass(frozen=True, slots=True)
class Arm:
    """Write message `number` to staff down, due when the running dials must have ended: it goes out if we die.

    Asked again for the same number, it only becomes due later.
    """

    number: int
    due_in: float


@dataclass(frozen=True, slots=True)
class Settle:
    """Write the outcome down: armed message `number` is due now (`send`), or it is cancelled.

    `number` is 0 where nothing is armed.
    """

    outcome: Outcome
    number: int
    send: bool
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send message `number` at once; answer with `NoteAccepted` or `NoteFailed` when that is known."""

    number: int


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the caller's last words as this part of the message."""

    part: Literal["subject", "callback"]


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Start a timer, or start it anew; answer with `TimerFired`."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ExtendTimer:
    """Let a running timer run out so many seconds later."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Stop a timer."""

    name: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close the obligation to this caller on this evidence."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call, after a short grace for the last word to arrive."""


Effect = (
    Say
    | Instead
    | Hush
    | Listen
    | Ringback
    | Dial
    | Refer
    | Prompt
    | Bridge
    | Drop
    | Arm
    | Settle
    | Deliver
    | Keep
    | StartTimer
    | ExtendTimer
    | StopTimer
    | Close
    | HangUp
)
