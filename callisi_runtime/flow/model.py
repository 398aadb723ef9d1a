"""What the machine of one call knows: its plan, its phase, its legs, its promises. Plain values, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar

Record = TypeVar("Record", bound=tuple[Any, ...])
"""A named tuple."""


class Phase(StrEnum):
    """Where a call is."""

    __hash__ = str.__hash__

    SCREENING = "screening"
    GREETING = "greeting"
    CONVERSING = "conversing"
    CONNECTING = "connecting"
    """A human leg is being dialled or rings."""
    ACCEPTING = "accepting"
    """A human leg answered; is it a person?"""
    CONNECTED = "connected"
    TAKING_MESSAGE = "taking_message"
    NOTIFYING = "notifying"
    """Staff is being told; the caller waits for the truth about it."""
    CLOSING = "closing"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a dial ended. `OUTCOME_WORDS` has each in the staff's words."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    """Answered, but nobody pressed the key: a mailbox, or a pocket."""
    BUSY = "busy"
    NOT_AVAILABLE = "not_available"
    """The network says that the subscriber cannot be reached now (480)."""
    DECLINED = "declined"
    NO_SUCH_NUMBER = "no_such_number"
    PROVIDER_DOWN = "provider_down"
    RANG_OUT = "rang_out"
    NEVER_RANG = "never_rang"
    """Given up after the ring timeout without one ring."""
    NO_REPLY = "no_reply"
    """Nothing at all answered the dial."""
    CALLER_LEFT = "caller_left"
    MISCONFIGURED = "misconfigured"
    """Our own fault: trunk, credentials, number format."""
    CLOSED = "closed"
    """Nobody was dialled: outside the hours, or nobody may be dialled."""
    OVER_BUDGET = "over_budget"
    """Nobody was dialled: what calls may cost is used up."""
    MESSAGE = "message"
    """Nobody was dialled: the caller left a message."""
    INTERRUPTED = "interrupted"
    """No dial ended like this: the call broke off, and nobody knows what the caller wanted."""


OUTCOME_WORDS: dict[Outcome, str] = {
    Outcome.ACCEPTED: "Gespräch angenommen",
    Outcome.NOT_ACCEPTED: "abgehoben, aber nicht angenommen, vermutlich Mailbox",
    Outcome.BUSY: "besetzt",
    Outcome.NOT_AVAILABLE: "nicht erreichbar",
    Outcome.DECLINED: "abgelehnt",
    Outcome.NO_SUCH_NUMBER: "Rufnummer nicht vergeben",
    Outcome.PROVIDER_DOWN: "Telefonanbieter gestört",
    Outcome.RANG_OUT: "niemand hat abgehoben",
    Outcome.NEVER_RANG: "kein Klingeln",
    Outcome.NO_REPLY: "keine Antwort vom Netz",
    Outcome.CALLER_LEFT: "Anrufer hat vorher aufgelegt",
    Outcome.MISCONFIGURED: "Weiterleitung falsch eingerichtet",
    Outcome.CLOSED: "außerhalb der Zeiten",
    Outcome.OVER_BUDGET: "niemand angerufen, Kostengrenze erreicht",
    Outcome.MESSAGE: "Nachricht hinterlassen",
    Outcome.INTERRUPTED: "Gespräch unterbrochen",
}

Evidence = Literal["accepted_by_person", "message_accepted", "message_delivered", "served", "withdrew"]
LegState = Literal["dialling", "ringing", "answered", "joined"]
NoteState = Literal["none", "armed", "sending", "accepted", "failed"]
Then = Literal["stay", "converse", "listen", "person", "message", "close"]
"""What follows when everything has been said: nothing, the talk, listening, the transfer, the message, the end."""
GRANTED: tuple[Then, ...] = ("person", "message")
"""What a caller was granted already, and no failure, clock or goodbye takes back."""

MAX_TRANSFERS = 2
"""How often a caller is put through on request; afterwards the message is what counts."""
MAX_NOTES = 3
"""How many messages one call may send."""
MAX_NUDGES = 2
"""How often a silent caller is asked; after one more silence the call ends."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a call may cost, in whole numbers of one small unit; see `purse`."""

    free: int
    """For turns, dials and talks: what is left when the caller's time and the messages have been set aside."""
    turn: int
    """One answer of the language model."""
    leg: int
    """One telephone that was dialled and picked up, until it took the call or was given up."""
    talk: int
    """One minute with a person, on both legs."""
    seconds: float
    """The caller's whole time with the agent, which is set aside when the call begins."""
    tail: float
    """The part of it that transfers, messages and last words may take."""
    exact: bool = True
    """False in a proof: there the money may run out at any moment, so that the proof holds for every amount."""


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """What the machine needs of the plan. Times in seconds."""

    ring_timeouts: tuple[int, ...] = ()
    """One per declared target, in the order of the file; empty: no transfer."""
    at_once: bool = False
    refer: bool = False
    accept: Literal["press_1", "answer", "any_key"] = "press_1"
    accept_timeout: float = 12.0
    ask_while_ringing: bool = False
    word_every: float = 8.0
    returns: bool = False
    """The agent comes back when the person hangs up first."""
    talk_seconds: float = 3600.0
    channels: tuple[str, ...] = ()
    """The kinds of the fallback channels, in order; empty: no message is ever promised."""
    ask_message: bool = False
    patience: float = 8.0
    then_hang_up: bool = False
    silence: float = 6.0
    caller_silence: float = 12.0
    call_seconds: float = 900.0
    budget: Budget | None = None
    """None: nothing is counted."""


class Leg(NamedTuple):
    """One SIP leg to a person."""

    id: str
    target: int
    state: LegState = "dialling"


class CallState(NamedTuple):
    """The whole state of one call; small, hashable, and stored in the ledger as it is."""

    phase: Phase = Phase.SCREENING
    caller_known: bool = True
    caller_here: bool = True
    open: bool = True
    allowed: tuple[int, ...] = ()
    """Targets that may be dialled for this caller at this time."""
    waiting: tuple[int, ...] = ()
    """Targets not yet dialled in the running transfer."""
    legs: tuple[Leg, ...] = ()
    dialled: int = 0
    transfers: int = 0
    speech: tuple[str, ...] = ()
    """Keys of the sentences that are being said or wait to be said, in that order."""
    then: Then = "stay"
    timers: frozenset[str] = frozenset()
    ringback: bool = False
    listening: bool = False
    """The language model may answer."""
    owed: bool = False
    """The caller wants a person or a message passed on, and nothing proves yet that they got it."""
    note: NoteState = "none"
    """How the latest message stands."""
    notes: int = 0
    """The number of the latest message."""
    news: bool = False
    """The caller heard `trying`, and does not know yet how it ended."""
    channel: str | None = None
    """The kind of the channel that accepted the message."""
    asking: Literal["subject", "callback"] | None = None
    subject: bool = False
    unsent: bool = False
    """The caller left a message that waits for the end of a transfer, of a sentence or of another message."""
    outcome: Outcome | None = None
    model_up: bool = True
    """A language model that failed in a call is not trusted again in that call."""
    ears_up: bool = True
    nudges: int = 0
    gap: bool = False
    """A process died, and what the caller said then may be lost with it: nothing of ours was heard since."""
    evidence: Evidence | None = None
    """What closed the obligation; `None`: it is open."""
    paid: int = 0
    """What was paid of the budget."""
    bought: int = 0
    """Minutes with people that were paid, in all."""
    talk: int = 0
    """Minutes that were paid of the talk with the person who has the caller."""
    over_budget: bool = False
    """The language model answers no more because it cannot be paid."""
    grounded: bool = False
    """Nobody is dialled any more because it cannot be paid."""

    def leg(self, leg_id: str) -> Leg | None:
        """The leg of that id, while it exists."""
        return next((leg for leg in self.legs if leg.id == leg_id), None)

    @property
    def joined(self) -> Leg | None:
        """The person the caller talks to."""
        return next((leg for leg in self.legs if leg.state == "joined"), None)

    @property
    def able(self) -> bool:
        """Whether a conversation is possible: somebody listens and somebody thinks."""
        return self.model_up and self.ears_up

    @property
    def hears(self) -> bool:
        """Whether a message can be taken down: somebody listens, and nothing is out of order."""
        return self.ears_up and (self.model_up or self.over_budget)

    def as_dict(self) -> dict[str, Any]:
        """The state as a JSON object; `from_dict` makes it a state again."""
        plain = self._asdict()
        plain["legs"] = [leg._asdict() for leg in self.legs]
        plain["timers"] = sorted(self.timers)
        for key in ("allowed", "waiting", "speech"):
            plain[key] = list(plain[key])
        plain["phase"] = self.phase.value
        plain["outcome"] = self.outcome and self.outcome.value
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> CallState:
        """The state that `as_dict` wrote, perhaps in another version: what it does not know, it leaves out.

        Raises:
            ValueError: a phase or an outcome that does not exist.
        """
        known = {key: value for key, value in plain.items() if key in cls._fields}
        if "phase" in known:
            known["phase"] = Phase(known["phase"])
        if known.get("outcome") is not None:
            known["outcome"] = Outcome(known["outcome"])
        known["legs"] = tuple(Leg(**leg) for leg in known.get("legs", ()))
        known["timers"] = frozenset(known.get("timers", ()))
        for key in ("allowed", "waiting", "speech"):
            known[key] = tuple(known.get(key, ()))
        return cls(**known)


@cache
def places(kind: type[tuple[Any, ...]]) -> dict[str, int]:
    """Where each field of a named tuple stands."""
    return {name: place for place, name in enumerate(kind._fields)}  # type: ignore[attr-defined]


def changed(record: Record, **changes: Any) -> Record:
    """A record with some fields changed: `_replace` by position, in a third of the time."""
    values, kind = list(record), type(record)
    place = places(kind)
    for name, value in changes.items():
        values[place[name]] = value
    return tuple.__new__(kind, values)
