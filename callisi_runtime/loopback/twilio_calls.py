"""Calls on the loopback Twilio, as its log keeps them: listed, filtered, fetched one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from aiohttp import web

from callisi_runtime.loopback.twilio_answers import ACCOUNT, Row, new_sid, old_list
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callisi_runtime.loopback.twilio import TwilioServer

Direction = Literal[
    "trunking-originating", "trunking-terminating", "inbound", "outbound-api", "outbound-dial"
]
"""Originating calls come from the telephone network to the trunk, terminating ones go out through it."""
UNANSWERED: Final = frozenset({"busy", "failed", "no-answer", "canceled"})


class Calls:
    """Operations: `call_list`, `call_fetch`. `calls` holds the rows by their sid."""

    def __init__(self, server: TwilioServer) -> None:
        self.calls: dict[str, Row] = {}
        self._server = server
        self._began: dict[str, datetime] = {}

    def routes(self) -> Sequence[Route]:
        """See Part."""
        return (
            Route("call_list", "GET", f"{ACCOUNT}/Calls.json", self._list),
            Route("call_fetch", "GET", f"{ACCOUNT}/Calls/{{Sid}}.json", self._fetch),
        )

    def add(
        self,
        caller: str,
        to: str,
        *,
        direction: Direction = "trunking-originating",
        status: str = "completed",
        began: datetime | None = None,
        seconds: int = 60,
        **values: Any,
    ) -> Row:
        """A call that began then (default: it has just ended). Its price is null until it is set: `row["price"]`."""
        answered = status not in UNANSWERED
        over = answered and status == "completed"
        start = began or datetime.now(UTC) - timedelta(seconds=seconds)
        end = start + timedelta(seconds=seconds)
        sid, account = new_sid("CA"), self._server.account_sid
        path = f"/2010-04-01/Accounts/{account}/Calls/{sid}"
        row: Row = {
            "sid": sid,
            "account_sid": account,
            "parent_call_sid": None,
            "phone_number_sid": None,
            "to": to,
            "to_formatted": to,
            "from": caller,
            "from_formatted": caller,
            "status": status,
            "direction": direction,
            "start_time": format_datetime(start),
            "end_time": format_datetime(end) if over or not answered else None,
            "date_created": format_datetime(start),
            "date_updated": format_datetime(end),
            "duration": str(seconds if over else 0),
            "price": None,
            "price_unit": "USD",
            "trunk_sid": None,
            "answered_by": None,
            "caller_name": None,
            "forwarded_from": None,
            "group_sid": None,
            "queue_time": "0",
            "api_version": "2010-04-01",
            "uri": f"{path}.json",
            "subresource_uris": {"events": f"{path}/Events.json"},
        } | values
        self.calls[sid], self._began[sid] = row, start
        return row

    async def _list(self, request: web.Request) -> web.Response:
        newest = sorted(self.calls.values(), key=lambda row: self._began[row["sid"]], reverse=True)
        return old_list(request, "calls", [row for row in newest if self._fits(row, request.query)])

    async def _fetch(self, request: web.Request) -> web.Response:
        row = self.calls.get(request.match_info["Sid"])
        if row is None:
            return self._server.error(20404, f"The requested resource {request.path} was not found")
        return web.json_response(row)

    def _fits(self, row: Row, query: Mapping[str, str]) -> bool:
        named = {"To": "to", "From": "from", "Status": "status", "ParentCallSid": "parent_call_sid"}
        if any(query.get(name, row[key]) != row[key] for name, key in named.items()):
            return False
        # Twilio compares days, whatever time is given.
        day = f"{self._began[row['sid']].astimezone(UTC):%Y-%m-%d}"
        limits = {sign: query[f"StartTime{sign}"][:10] for sign in "<>" if f"StartTime{sign}" in query}
        return limits.get(">", day) <= day <= limits.get("<", day)
