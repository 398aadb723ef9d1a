"""An estimate for a person to read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from callisi_runtime.cli.tables import pairs, table
from callisi_runtime.money import Money, plain

if TYPE_CHECKING:
    from callisi_runtime.cost.estimate import Estimate, Row

CENT = Decimal("0.01")


def as_text(found: Estimate, assumed: dict[str, str], file: str) -> str:
    """The table, the totals or why there are none, and what all of it rests on."""
    parts = [
        _rows(found),
        _totals(found),
        *_troubles(found, file),
        "Assumed\n" + _indented(pairs(assumed.items())),
    ]
    return "\n\n".join(part for part in parts if part)


def _rows(found: Estimate) -> str:
    head = ("what", "quantity", "unit", "price", "month", "as of", "source")
    return table(head, [_cells(row) for row in found.rows])


def _cells(row: Row) -> tuple[object, ...]:
    cost = row.cost(row.quantity)
    price = row.price
    return (
        row.need.what,
        plain(row.quantity.quantize(Decimal("0.0001") if row.quantity < 1 else CENT)),
        row.need.per[row.unit].replace("_", " "),
        price.amount if price else "missing",
        _cents(cost) if cost else "-",
        price.as_of if price else "-",
        price.source if price else "-",
    )


def _totals(found: Estimate) -> str:
    if found.month is None:
        return "No total."
    rows = [
        ("a month", _cents(found.month)),
        ("a call", _cents(found.call) if found.call else None),
        ("the longest call that can be", _cents(found.worst) if found.worst else None),
    ]
    return pairs(rows)


def _troubles(found: Estimate, file: str) -> list[str]:
    lines = [_missing(row, file) for row in found.missing]
    lines += [
        f"{currency} is not added to {found.currency} without a rate; write it into {file} under rates.{currency}"
        for currency in found.unrated
    ]
    today = datetime.now(UTC).date()
    lines += [
        f"warning: the price of {row.need.item} is from {row.price.as_of}; look it up again"
        for row in found.rows
        if row.price and row.price.stale(today)
    ]
    lines += [
        f"warning: {row.need.item}: {row.fault}; the last known price counts"
        for row in found.rows
        if row.price and row.fault
    ]
    return ["\n".join(lines)] if lines else []


def _missing(row: Row, file: str) -> str:
    why = f" ({row.fault})" if row.fault else ""
    unit = " or ".join(row.need.per)
    return f"missing: {row.need.item}{why}; write it into {file} under prices.{row.need.item}, per {unit}"


def _cents(amount: Money) -> str:
    return f"{amount.amount.quantize(CENT):f} {amount.currency}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
