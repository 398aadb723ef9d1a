"""The price file to begin with: every price that an agent needs, as a line to fill in. It holds no price."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from callisi_runtime.cost.estimate import Row
from callisi_runtime.money import plain

CENT = Decimal("0.01")
HEAD = """\
# Prices that `callisi cost` reckons with. They are yours: Callisi brings none, because none would stay true.
# Each has its currency, its unit, where it stands and the day on which you looked it up. Take the `#` away and fill in.
# What Twilio tells about your account need not stand here; what stands here wins.

# Totals are in this currency. Amounts in another are added only with a rate:
#   USD: {{worth: 0.92 EUR, source: where the rate stands, as_of: {day}}}
currency: {currency}
rates:

prices:
"""


def price_template(rows: Iterable[Row], currency: str, today: date) -> str:
    """The text of a new `prices.yaml`."""
    lines = [HEAD.format(currency=currency, day=today.isoformat())]
    for row in rows:
        told = f" Twilio says: {row.price.amount} per {row.price.per}." if row.price else ""
        lines.append(
            f"  # {row.need.what}, {plain(row.quantity.quantize(CENT))} in the month estimated.{told}"
        )
        units = " | ".join(row.need.per)
        lines.append(
            f'  # {row.need.item}: {{price: , per: {units}, source: "", as_of: {today.isoformat()}}}'
        )
    return "\n".join(lines) + "\n"
