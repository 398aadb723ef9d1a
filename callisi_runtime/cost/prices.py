"""A price: what, in which currency, for what unit, who says so, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from callisi_runtime.money import Money

Unit = Literal["month", "minute", "message", "million_tokens", "million_characters"]
STALE = timedelta(days=180)
"""A price of this age is shown with a warning: price lists change."""


@dataclass(frozen=True, slots=True)
class Price:
    """One price, with its evidence."""

    amount: Money
    per: Unit
    source: str
    as_of: date

    def stale(self, today: date) -> bool:
        """Whether it should be looked up again."""
        return today - self.as_of > STALE


@dataclass(frozen=True, slots=True)
class Known:
    """Every price that is known, and what is wrong with those that are not."""

    currency: str
    prices: dict[str, Price]
    rates: dict[str, Money]
    """Currency -> what one unit of it is worth in `currency`."""
    faults: dict[str, str]
    """Item -> why Twilio could not tell its price."""
