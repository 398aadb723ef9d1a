"""What is tried on a user's own line: what the person does, and which ends of the call are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callisi_runtime.flow import Outcome

if TYPE_CHECKING:
    from callisi_runtime.flow import FlowPlan

MESSAGE = frozenset({"message_accepted", "message_delivered"})
NOBODY = frozenset(
    {Outcome.RANG_OUT, Outcome.NOT_AVAILABLE, Outcome.NOT_ACCEPTED, Outcome.NEVER_RANG, Outcome.NO_REPLY}
)


@dataclass(frozen=True, slots=True)
class Case:
    """One call."""

    name: str
    instruction: str
    outcomes: frozenset[Outcome] = frozenset()
    """What the dial may have come to; empty: nobody was to be dialled."""
    evidence: frozenset[str] = frozenset()
    """What may have closed the obligation; empty: it is enough that it is closed, or a message is on its way."""


GREETING = Case(
    "greeting",
    "Ring your number. Listen to the greeting, say goodbye, and hang up.",
    evidence=frozenset({"served", "withdrew"}),
)
ACCEPTED = Case(
    "accepted",
    "Ring, ask for a person. Pick up on the staff's telephone, press 1, say a word, hang up.",
    frozenset({Outcome.ACCEPTED}),
    frozenset({"accepted_by_person"}),
)
NO_ANSWER = Case(
    "no-answer",
    "Ring, ask for a person, and let the staff's telephone ring. Listen to what you are told, then hang up.",
    NOBODY,
    MESSAGE,
)
MAILBOX = Case(
    "mailbox",
    "Ring, ask for a person. Pick up on the staff's telephone and press nothing, as a mailbox does.",
    frozenset({Outcome.NOT_ACCEPTED}),
    MESSAGE,
)
DECLINED = Case(
    "declined",
    "Ring, ask for a person, and decline the call on the staff's telephone.",
    frozenset({Outcome.DECLINED, Outcome.BUSY, Outcome.NOT_AVAILABLE}),
    MESSAGE,
)
HANG_UP = Case(
    "hang-up",
    "Ring, ask for a person, and hang up while the staff's telephone rings. It must fall silent at once.",
    frozenset({Outcome.CALLER_LEFT}),
    MESSAGE,
)


def cases_for(plan: FlowPlan) -> tuple[Case, ...]:
    """The cases that make sense for this agent: without a transfer only the greeting, without channels no messages."""
    if not plan.ring_timeouts:
        return (GREETING,)
    asks: tuple[Case, ...] = (ACCEPTED,) if plan.refer else (ACCEPTED, NO_ANSWER, MAILBOX, DECLINED, HANG_UP)
    if not plan.channels:
        asks = tuple(Case(case.name, case.instruction, case.outcomes) for case in asks)
    if plan.accept == "answer":
        asks = tuple(case for case in asks if case.name != "mailbox")
    return (GREETING, *asks)
