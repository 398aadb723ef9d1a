"""What the machine of one call knows: its plan, its phase, its legs, its promises. Plain values, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Phase(StrEnum):
    """Where a call is."""

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
    MESSAGE = "message"
    """Nobody was dialled: the caller left a message."""


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
    Outcome.MESSAGE: "Nachricht hinterlassen",
}

Evidence = Literal["accepted_by_person", "message_accepted", "message_delivered", "served", "withdrew"]
LegState = Literal["dialling", "ringing", "answered", "joined"]
NoteState = Literal["none", "armed", "sending", "accepted", "failed"]
Then = Literal["stay", "converse", "listen", "person", "close"]
"""What follows when everything has been said: nothing, the conversation, listening, the transfer, the end."""

MAX_TRANSFERS = 2
MAX_NOTES = 3
MAX_NUDGES = 2


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


@dataclass(frozen=True, slots=True)
class Leg:
    """One SIP leg to a person."""

    id: str
    target: int
    state: LegState = "dialling"


@dataclass(frozen=True, slots=True)
class CallState:
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
    """Keys of the sentences that are being said or wait to be said."""
    then: Then = "stay"
    timers: frozenset[str] = frozenset()
    ringback: bool = False
    listening: bool = False
    """The language model may answer."""
    note: NoteState = "none"
    notes: int = 0
    channel: str | None = None
    """The kind of the channel that accepted the message."""
    asking: Literal["subject", "callback"] | None = None
    subject: bool = False
    outcome: Outcome | None = None
    model_up: bool = True
    ears_up: bool = True
    nudges: int = 0
    overtime: bool = False
    evidence: Evidence | None = None
    """What closed the obligation; `None`: it is open."""

    def leg(self, leg_id: str) -> Leg | None:
        """The leg of that id, while it exists."""
        return next((leg for leg in self.legs if leg.id == leg_id), None)

    @property
    def joined(self) -> Leg | None:
        """The person the caller talks to."""
        return next((leg for leg in self.legs if leg.state == "joined"), None)
