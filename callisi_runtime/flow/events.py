"""What can happen in a call. The drivers bring events; the machine never looks anything up."""

from __future__ import annotations

from dataclasses import dataclass

from callisi_runtime.flow.model import Outcome


@dataclass(frozen=True, slots=True)
class Arrived:
    """A caller is on the line and can hear us."""

    caller_known: bool = True
    open: bool = True
    allowed: tuple[int, ...] = ()
    funds: bool = True
    """False: the money of the day is used up, and this call is answered without model and transfer."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence has been said to its end, or could not be (`heard=False`)."""

    key: str
    heard: bool = True


@dataclass(frozen=True, slots=True)
class PersonWanted:
    """The caller asks for a person: by a declared phrase, or the language model's tool said so."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The caller does not want to be put through after all."""


@dataclass(frozen=True, slots=True)
class CallerSpoke:
    """The caller has finished a sentence."""


@dataclass(frozen=True, slots=True)
class MessageGiven:
    """The caller left a message through the language model's tool; perhaps one that is known already."""


@dataclass(frozen=True, slots=True)
class DetailGiven:
    """The same, and something in it is new: a first message, or a detail of one that may be on its way already."""


@dataclass(frozen=True, slots=True)
class GoodbyeWanted:
    """The caller is served and said goodbye."""


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key on a telephone: `leg` is `None` for the caller's."""

    key: str
    leg: str | None = None


@dataclass(frozen=True, slots=True)
class LegRinging:
    """The dialled telephone rings."""

    leg: str


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """The dialled telephone was picked up, by a person or by a mailbox."""

    leg: str


@dataclass(frozen=True, slots=True)
class LegFailed:
    """The dial came to nothing."""

    leg: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LegLeft:
    """A leg that had answered is gone."""

    leg: str


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller hung up, or the line to them broke."""


@dataclass(frozen=True, slots=True)
class NoteAccepted:
    """A channel accepted message number `number`."""

    number: int
    channel: str


@dataclass(frozen=True, slots=True)
class NoteFailed:
    """Every channel refused message number `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer the machine started has run out."""

    name: str


@dataclass(frozen=True, slots=True)
class ModelDown:
    """The language model, or the voice that speaks its words, does not answer."""


@dataclass(frozen=True, slots=True)
class BudgetSpent:
    """The language model's answer to what the caller said cannot be paid. The machine finds this itself."""

    dials: bool = False
    """Neither can one more transfer."""


@dataclass(frozen=True, slots=True)
class DialsSpent:
    """One more transfer cannot be paid. The machine finds this itself, when it begins a call, a transfer or a talk."""


@dataclass(frozen=True, slots=True)
class ModelUp:
    """The language model answers again. Changes nothing: one that failed in a call is not trusted again in it."""


@dataclass(frozen=True, slots=True)
class EarsDown:
    """The transcriber does not answer: the caller can press keys, but is not understood."""


@dataclass(frozen=True, slots=True)
class EarsUp:
    """The transcriber answers again. Changes nothing: one that failed in a call is not trusted again in it."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Another process took the call over; timers and dials of the old one are gone."""

    elapsed: float = 0.0
    """Seconds since the caller arrived, those in which nobody had the call included."""


Event = (
    Arrived
    | Said
    | PersonWanted
    | Withdrawn
    | CallerSpoke
    | MessageGiven
    | DetailGiven
    | GoodbyeWanted
    | KeyPressed
    | LegRinging
    | LegAnswered
    | LegFailed
    | LegLeft
    | CallerLeft
    | NoteAccepted
    | NoteFailed
    | TimerFired
    | ModelDown
    | BudgetSpent
    | DialsSpent
    | ModelUp
    | EarsDown
    | EarsUp
    | Resumed
)
