"""Quantities times prices: lines, totals, and what is missing for one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from callisi_runtime.cost.needs import Need
from callisi_runtime.cost.prices import Known, Price
from callisi_runtime.money import Money, plain, total

PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is paid for, with its price if it is known."""

    need: Need
    price: Price | None
    fault: str | None
    """Why there is no price, or an old one."""

    @property
    def unit(self) -> int:
        """Which of the need's units the price is for."""
        return self.need.per.index(self.price.per) if self.price else 0

    @property
    def quantity(self) -> Decimal:
        """How much in a month."""
        return self.need.amounts[self.unit]

    def cost(self, quantity: Decimal) -> Money | None:
        """What so much of it costs."""
        return self.price.amount.times(quantity) if self.price else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a month costs, what a call costs, and what the dearest call costs; None: it cannot be said."""

    rows: tuple[Row, ...]
    currency: str
    rates: dict[str, Money]
    month: Money | None
    call: Money | None
    worst: Money | None
    missing: tuple[Row, ...]
    unrated: tuple[str, ...]
    """Currencies without a rate."""

    def as_dict(self) -> dict[str, Any]:
        """The estimate as `--json` prints it; amounts are texts, so that no cent gets lost."""
        return {
            "currency": self.currency,
            "rows": [_row_dict(row) for row in self.rows],
            "rates": {currency: str(worth) for currency, worth in self.rates.items()},
            "month": self.month and str(rounded(self.month)),
            "call": self.call and str(rounded(self.call)),
            "worst_call": self.worst and str(rounded(self.worst)),
            "missing": [row.need.item for row in self.missing],
            "currencies_without_a_rate": list(self.unrated),
        }


def estimate(needs: Iterable[Need], known: Known, calls: int) -> Estimate:
    """Add everything up; where a price or a rate is missing, there is no total."""
    rows = tuple(_row(need, known) for need in needs)
    missing = tuple(row for row in rows if row.price is None)
    currencies = {row.price.amount.currency for row in rows if row.price}
    unrated = tuple(sorted(currencies - set(known.rates) - {known.currency}))
    month = call = worst = None
    if not missing and not unrated:
        month = _sum(rows, known, lambda row: row.quantity)
        by_call = _sum(rows, known, lambda row: Decimal(0) if row.need.scope == "month" else row.quantity)
        call = Money(by_call.amount / calls, by_call.currency) if calls else None
        worst = _sum(rows, known, lambda row: row.need.worst[row.unit])
    return Estimate(rows, known.currency, known.rates, month, call, worst, missing, unrated)


def _row(need: Need, known: Known) -> Row:
    price = known.prices.get(need.item)
    fault = known.faults.get(need.item)
    if price is not None and price.per not in need.per:
        fault = f"its price is per {price.per}, and must be per {' or '.join(need.per)}"
        price = None
    return Row(need, price, fault)


def converted(amount: Money, known_rates: dict[str, Money], currency: str) -> Money:
    """The amount in the currency of totals."""
    if amount.currency == currency:
        return amount
    return known_rates[amount.currency].times(amount.amount)


def _sum(rows: Iterable[Row], known: Known, quantity: Any) -> Money:
    costs = (row.cost(quantity(row)) for row in rows)
    return total((converted(one, known.rates, known.currency) for one in costs if one), known.currency)


def rounded(amount: Money) -> Money:
    """The amount to a ten-thousandth of a cent: enough to compare, short enough to read."""
    return Money(amount.amount.quantize(PLACES), amount.currency)


def _row_dict(row: Row) -> dict[str, Any]:
    price, cost = row.price, row.cost(row.quantity)
    return {
        "item": row.need.item,
        "what": row.need.what,
        "quantity": plain(row.quantity.quantize(PLACES)),
        "per": row.need.per[row.unit],
        "price": price and str(price.amount),
        "source": price and price.source,
        "as_of": price and price.as_of.isoformat(),
        "stale": bool(price and price.stale(date.today())),
        "fault": row.fault,
        "month": cost and str(rounded(cost)),
        "worst_call": str(rounded(price.amount.times(row.need.worst[row.unit]))) if price else None,
    }
