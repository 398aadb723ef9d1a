"""Usage on the loopback Twilio: what the account has used by category and day, summed over the days asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from callisi_runtime.loopback.twilio_answers import ACCOUNT, Row, old_list
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from callisi_runtime.loopback.twilio import TwilioServer

UNITS: Final = {"calls": ("calls", "minutes"), "sms": ("messages", "messages")}


@dataclass(frozen=True, slots=True)
class Used:
    """What was used of one category on one day (GMT)."""

    category: str
    day: date
    price: Decimal
    count: int
    usage: int


class Usage:
    """Operation: `usage_list`. `used` is what is summed."""

    def __init__(self, server: TwilioServer) -> None:
        self.used: list[Used] = []
        self.currency = "usd"
        self._server = server

    def routes(self) -> Sequence[Route]:
        """See Part."""
        return (Route("usage_list", "GET", f"{ACCOUNT}/Usage/Records.json", self._list),)

    def add(
        self, category: str, price: str, *, count: int = 1, usage: int | None = None, day: date | None = None
    ) -> None:
        """Something was used on that day (default: today). `totalprice` is not summed by itself."""
        today = day or datetime.now(UTC).date()
        self.used.append(Used(category, today, Decimal(price), count, count if usage is None else usage))

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        first = date.fromisoformat(query.get("StartDate", "2020-01-01"))
        last = date.fromisoformat(query.get("EndDate", f"{datetime.now(UTC):%Y-%m-%d}"))
        wanted = query.get("Category")
        within = [one for one in self.used if first <= one.day <= last and wanted in (None, one.category)]
        categories = sorted({one.category for one in within})
        rows = [
            self._row([one for one in within if one.category == name], name, first, last)
            for name in categories
        ]
        return old_list(request, "usage_records", rows)

    def _row(self, used: list[Used], category: str, first: date, last: date) -> Row:
        account = self._server.account_sid
        unit, measure = UNITS["sms" if category.startswith(("sms", "channels")) else "calls"]
        return {
            "account_sid": account,
            "api_version": "2010-04-01",
            "as_of": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+00:00}",
            "category": category,
            "description": category.replace("-", " "),
            "count": str(sum(one.count for one in used)),
            "count_unit": unit,
            "usage": str(sum(one.usage for one in used)),
            "usage_unit": measure,
            "price": float(sum((one.price for one in used), Decimal(0))),  # a number in the description
            "price_unit": self.currency,
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
            "uri": f"/2010-04-01/Accounts/{account}/Usage/Records.json?Category={category}",
            "subresource_uris": {},
        }
