"""What a month of calls is like, and how many minutes are billed for it.

Providers bill each leg by started minutes, so that two minutes on average are more than two minutes on the bill:
what counts is the mean of the rounded lengths, not the rounded mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

STEPS = 20
"""Lengths that stand for a spread: the middles of that many equal parts."""
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Mix:
    """A month, as it is expected. Shares are of all calls, or of the share before; lengths in seconds."""

    calls: int
    lengths: tuple[Decimal, ...]
    """Equally likely lengths of the talk with the agent."""
    human: Decimal = Decimal("0.3")
    """Share of callers who ask for a person."""
    answered: Decimal = Decimal("0.6")
    """Share of those who get one."""
    mailbox: Decimal = Decimal("0.1")
    """Share of those where a mailbox picks up instead, which is billed as well."""
    ring: Decimal = Decimal(15)
    """How long it rings."""
    talks: tuple[Decimal, ...] = (Decimal(180),)
    """Equally likely lengths of the talk with the person."""

    @property
    def reached(self) -> Decimal:
        """Share of all calls that reach a person."""
        return self.human * self.answered

    @property
    def missed(self) -> Decimal:
        """Share of all calls after which a message goes to staff."""
        return self.human * (1 - self.answered)


def spread(minutes: Decimal) -> tuple[Decimal, ...]:
    """Lengths around a mean, spread evenly between nothing and twice as much."""
    width = minutes * 2 * MINUTE / STEPS
    return tuple(width * (2 * step + 1) / 2 for step in range(STEPS))


def started_minutes(seconds: Decimal) -> int:
    """Minutes that are billed for a leg of this length."""
    return int((seconds / MINUTE).to_integral_value(ROUND_CEILING))


def mean(values: Iterable[Decimal | int]) -> Decimal:
    """The average."""
    known: Sequence[Decimal | int] = tuple(values)
    return Decimal(sum(known)) / len(known)


def billed(*parts: tuple[Decimal, ...]) -> Decimal:
    """Minutes billed on average for a leg that is as long as its parts together, each of independent length."""
    sums: list[Decimal] = [Decimal(0)]
    for part in parts:
        sums = [so_far + length for so_far in sums for length in part]
    return mean(started_minutes(one) for one in sums)


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes of an average call. `caller` and `person` are billed minutes, `agent` is time."""

    caller: Decimal
    person: Decimal
    agent: Decimal


def minutes_of(mix: Mix, accept: Decimal = Decimal(12)) -> Minutes:
    """Minutes of an average call. `accept`: seconds after which a mailbox is hung up on."""
    ringing = (mix.ring,)
    served = billed(mix.lengths)
    put_through = billed(mix.lengths, ringing, mix.talks)
    unreached = billed(mix.lengths, ringing)
    caller = (1 - mix.human) * served + mix.reached * put_through + mix.missed * unreached
    person = mix.reached * billed(mix.talks) + mix.human * mix.mailbox * started_minutes(accept)
    return Minutes(caller, person, mean(mix.lengths) / MINUTE)
