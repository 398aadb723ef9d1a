"""What it did cost: Twilio's own bill of the account, and the share of our calls and messages in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from callisi_runtime.carrier.ask import asked
from callisi_runtime.carrier.records import calls, messages
from callisi_runtime.money import Money

if TYPE_CHECKING:
    from twilio.rest import Client

    from callisi_runtime.carrier.own import Own
    from callisi_runtime.carrier.records import CarrierCall, CarrierMessage

TOTAL = "totalprice"
DIGITS = 8
"""More than Twilio writes: what lies behind is not the price, but how a number was carried."""


@dataclass(frozen=True, slots=True)
class Category:
    """What the account has used of one category."""

    name: str
    count: str
    count_unit: str
    usage: str
    usage_unit: str
    price: Money

    def as_dict(self) -> dict[str, object]:
        """As the JSON document has it; amounts are text, so that no digit is lost."""
        return {
            "category": self.name,
            "count": self.count,
            "count_unit": self.count_unit,
            "usage": self.usage,
            "usage_unit": self.usage_unit,
            **_money(self.price),
        }


@dataclass(frozen=True, slots=True)
class Share:
    """Our own calls or messages."""

    records: int
    """Known to the ledger, and found at Twilio."""
    prices: tuple[Money, ...]
    """One sum per currency."""
    not_rated: int
    """Found, but without a price yet: the sum will grow."""
    not_found: int
    """Known to the ledger, and not found at Twilio: deleted there, or of another account."""

    def as_dict(self) -> dict[str, object]:
        """As the JSON document has it."""
        return {
            "records": self.records,
            "prices": [_money(one) for one in self.prices],
            "not_rated": self.not_rated,
            "not_found": self.not_found,
        }


@dataclass(frozen=True, slots=True)
class Actual:
    """The bill. `account` counts whole days (GMT) and everything the account does, `calls` and `messages` only ours."""

    since: float
    account: tuple[Category, ...]
    total: Money | None
    calls: Share
    messages: Share
    legs_without_id: int
    calls_without_id: int

    def as_dict(self) -> dict[str, Any]:
        """The JSON document of `callisi cost --actual --json`."""
        return {
            "ok": True,
            "since": datetime.fromtimestamp(self.since, UTC).isoformat(timespec="seconds"),
            "account": {
                "categories": [one.as_dict() for one in self.account],
                "total": None if self.total is None else _money(self.total),
            },
            "ours": {
                "calls": self.calls.as_dict(),
                "messages": self.messages.as_dict(),
                "calls_without_id": self.calls_without_id,
                "legs_without_id": self.legs_without_id,
            },
        }


def actual_cost(client: Client, own: Own, since: float) -> Actual:
    """Ask Twilio what was used and paid since then (Unix seconds). Blocking.

    Args:
        client: Twilio's own.
        own: Which sids are ours (`carrier.own.own_since`).
        since: Unix seconds; usage is counted from the beginning of that day (GMT).

    Raises:
        NotAnswered: Twilio refuses, or does not answer.
    """
    day = datetime.fromtimestamp(since, UTC).date()
    usage = asked(client, lambda it: [_category(row) for row in it.usage.records.list(start_date=day)])
    # A message is written down before it is sent, and a call before its record: what is older is nobody's.
    ours = asked(client, lambda it: [one for one in calls(it, since) if one.sid in own.calls])
    sent = asked(client, lambda it: [one for one in messages(it, since) if one.sid in own.messages])
    total = next((one.price for one in usage if one.name == TOTAL), None)
    return Actual(
        since,
        tuple(one for one in usage if one.name != TOTAL),
        total,
        share(ours, len(own.calls)),
        share(sent, len(own.messages)),
        own.legs_without_id,
        own.calls_without_id,
    )


def share(found: Iterable[CarrierCall | CarrierMessage], known: int) -> Share:
    """Their prices, summed in each currency; what has no price yet is counted, never taken for free."""
    sums: dict[str, Money] = {}
    records = not_rated = 0
    for one in found:
        records += 1
        if one.price is None:
            not_rated += 1
        else:
            nothing = Money(Decimal(0), one.price.currency)
            sums[one.price.currency] = sums.get(one.price.currency, nothing).plus(one.price)
    return Share(records, tuple(sums.values()), not_rated, known - records)


def as_text(found: Actual) -> str:
    """The same for people."""
    from callisi_runtime.money import plain

    day = datetime.fromtimestamp(found.since, UTC)
    lines = [f"the account since {day:%Y-%m-%d} (whole days, GMT; everything it does)"]
    width = max((len(one.name) for one in found.account), default=0)
    lines += [f"  {one.name:{width}}  {one.usage} {one.usage_unit}, {one.price}" for one in found.account]
    lines.append(f"  total: {found.total}" if found.total else "  total: Twilio tells none")
    lines.append(f"\nours since {day:%Y-%m-%d %H:%M} GMT, by the ledger")
    for name, part in (("calls", found.calls), ("messages", found.messages)):
        prices = " and ".join(f"{plain(one.amount)} {one.currency}" for one in part.prices) or "nothing yet"
        lines.append(f"  {name}: {part.records}, {prices}" + _gaps(part))
    if found.calls_without_id or found.legs_without_id:
        lines.append(
            f"  not in it: {found.calls_without_id} calls and {found.legs_without_id} answered dials"
            " whose sid the line did not tell; the account's figures have them"
        )
    return "\n".join(lines)


def _gaps(part: Share) -> str:
    gaps = [f"{part.not_rated} not rated yet"] if part.not_rated else []
    gaps += [f"{part.not_found} not found at Twilio"] if part.not_found else []
    return f" ({', '.join(gaps)})" if gaps else ""


def _category(row: Any) -> Category:
    amount = round(Decimal(str(row.price or 0)), DIGITS).normalize()
    return Category(
        str(row.category),
        str(row.count or "0"),
        str(row.count_unit or ""),
        str(row.usage or "0"),
        str(row.usage_unit or ""),
        Money(amount, str(row.price_unit or "").upper()),
    )


def _money(price: Money) -> dict[str, object]:
    return {"price": f"{price.amount:f}", "currency": price.currency}
