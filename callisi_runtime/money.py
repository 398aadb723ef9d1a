"""Amounts of money: exact, each with its currency, and never added across currencies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

PATTERN = r"^([0-9]{1,9}(\.[0-9]{1,9})?) ([A-Z]{3})$"
SHAPE = re.compile(PATTERN)
MILLIONTHS = 1_000_000


class CurrencyMismatch(ValueError):
    """Two currencies were to be added."""


class Money(NamedTuple):
    """An amount in one currency (ISO 4217)."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency}"

    def times(self, quantity: Decimal | int) -> Money:
        """The amount for so many of it."""
        return Money(self.amount * quantity, self.currency)

    def plus(self, other: Money) -> Money:
        """The sum. Raises CurrencyMismatch."""
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} are not added without a rate")
        return Money(self.amount + other.amount, self.currency)

    @property
    def millionths(self) -> int:
        """Millionths of the currency's unit, rounded up: what the machine of a call reckons in."""
        exact = self.amount * MILLIONTHS
        whole = int(exact)
        return whole if whole == exact else whole + 1


def money(text: str) -> Money:
    """`1.50 EUR` -> an amount. Raises ValueError for everything else, signs, commas and exponents included."""
    found = SHAPE.fullmatch(text)
    if found is None or text.endswith("\n"):
        raise ValueError(
            f"{text!r} is no amount: write it like `1.50 EUR`, with a point and the currency's letters"
        )
    return Money(Decimal(found[1]), found[3])


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum in this currency. Raises CurrencyMismatch when one of them is in another."""
    found = Money(Decimal(0), currency)
    for one in amounts:
        found = found.plus(one)
    return found


def plain(amount: Decimal) -> str:
    """The amount with at least two decimals, without an exponent and without needless zeros."""
    text = f"{amount.normalize():f}"
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents.ljust(2, '0')}"
