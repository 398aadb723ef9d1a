"""Twilio's alerts on loopback: what its monitor complains about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aiohttp import web

from callisi_runtime.loopback.twilio_answers import Row, new_sid
from callisi_runtime.loopback.twilio_pages import meta_page
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callisi_runtime.loopback.twilio import TwilioServer

DETAILS: Final = ("request_variables", "response_body", "response_headers", "request_headers")
"""What only a single alert shows."""


class Alerts:
    """Operations: `alert_list`, `alert_fetch`. The newest come first; `StartDate` and `EndDate` count by the second."""

    def __init__(self, server: TwilioServer) -> None:
        self.alerts: list[Row] = []
        """The oldest first."""
        self._server = server

    def add(
        self,
        code: int,
        *,
        level: str = "error",
        ago: timedelta = timedelta(),
        text: str = "",
        resource_sid: str = "",
    ) -> Row:
        """Something to complain about; `resource_sid` is the call or message that it is about."""
        sid, when = new_sid("NO"), f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%SZ}"
        row: Row = {
            "sid": sid,
            "account_sid": self._server.account_sid,
            "alert_text": text,
            "api_version": "2010-04-01",
            "date_created": when,
            "date_generated": when,
            "date_updated": when,
            "error_code": str(code),
            "log_level": level,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "request_method": "GET",
            "request_url": "",
            "resource_sid": resource_sid or new_sid("CA"),
            "service_sid": None,
            "url": f"https://monitor.twilio.com/v1/Alerts/{sid}",
        }
        self.alerts.append(row)
        return row

    def routes(self) -> Sequence[Route]:
        """See Part."""
        return (
            Route("alert_list", "GET", "/v1/Alerts", self._list),
            Route("alert_fetch", "GET", "/v1/Alerts/{Sid}", self._fetch),
        )

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        since, until = query.get("StartDate", ""), query.get("EndDate", "9")
        shown = [
            row
            for row in reversed(self.alerts)
            if since <= row["date_generated"] <= until and query.get("LogLevel") in (None, row["log_level"])
        ]
        return meta_page(request, "alerts", shown)

    async def _fetch(self, request: web.Request) -> web.Response:
        found = [row for row in self.alerts if row["sid"] == request.match_info["Sid"]]
        if not found:
            return self._server.error(20404, f"The requested resource {request.path} was not found")
        return web.json_response(found[0] | dict.fromkeys(DETAILS))
