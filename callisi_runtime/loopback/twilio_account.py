"""The account itself on the loopback Twilio: its state, its money, its verified numbers, its customer profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from callisi_runtime.loopback.twilio_answers import ACCOUNT, Row, new_sid, old_list
from callisi_runtime.loopback.twilio_pages import meta_page
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callisi_runtime.loopback.twilio import TwilioServer

STAMP: Final = "2026-06-01T00:00:00Z"


class Account:
    """Operations: `account`, `balance`, `caller_id_list`, `profile_list`.

    A paid account with money, made after calls were limited, and with an approved profile.
    """

    def __init__(self, server: TwilioServer) -> None:
        self.status, self.type = "active", "Full"
        self.made = "Mon, 01 Jun 2026 00:00:00 +0000"
        self.balance, self.currency = "25.00", "EUR"
        self.verified: list[str] = []
        """Numbers of others that may be called from a trial account, and shown (E.164)."""
        self.profiles: list[str] = ["twilio-approved"]
        """The states of its customer profiles."""
        self._server = server

    def routes(self) -> Sequence[Route]:
        """See Part."""
        return (
            Route("account", "GET", "/2010-04-01/Accounts/{Sid}.json", self._fetch),
            Route("balance", "GET", f"{ACCOUNT}/Balance.json", self._balance),
            Route("caller_id_list", "GET", f"{ACCOUNT}/OutgoingCallerIds.json", self._caller_ids),
            Route("profile_list", "GET", "/v1/CustomerProfiles", self._profiles),
        )

    async def _fetch(self, _: web.Request) -> web.Response:
        sid = self._server.account_sid
        answer = {
            "sid": sid,
            "owner_account_sid": sid,
            "friendly_name": "Loopback",
            "status": self.status,
            "type": self.type,
            "date_created": self.made,
            "date_updated": self.made,
            "uri": f"/2010-04-01/Accounts/{sid}.json",
        }
        return web.json_response(answer)

    async def _balance(self, _: web.Request) -> web.Response:
        sid = self._server.account_sid
        answer = {"account_sid": sid, "balance": self.balance, "currency": self.currency}
        return web.json_response(answer)

    async def _caller_ids(self, request: web.Request) -> web.Response:
        wanted = request.query.get("PhoneNumber")
        rows = [self._caller_id(one) for one in self.verified if wanted in (None, one)]
        return old_list(request, "outgoing_caller_ids", rows)

    def _caller_id(self, number: str) -> Row:
        sid, account = new_sid("PN"), self._server.account_sid
        return {
            "sid": sid,
            "account_sid": account,
            "friendly_name": number,
            "phone_number": number,
            "date_created": self.made,
            "date_updated": self.made,
            "uri": f"/2010-04-01/Accounts/{account}/OutgoingCallerIds/{sid}.json",
        }

    async def _profiles(self, request: web.Request) -> web.Response:
        wanted = request.query.get("Status")
        shown = [self._profile(one) for one in self.profiles if wanted in (None, one)]
        return meta_page(request, "results", shown)

    def _profile(self, status: str) -> Row:
        sid = new_sid("BU")
        url = f"https://trusthub.twilio.com/v1/CustomerProfiles/{sid}"
        return {
            "sid": sid,
            "account_sid": self._server.account_sid,
            "policy_sid": "RN" + "6" * 32,
            "friendly_name": "Loopback",
            "status": status,
            "valid_until": None,
            "email": "office@example.com",
            "status_callback": None,
            "date_created": STAMP,
            "date_updated": STAMP,
            "url": url,
            "links": {},
            "errors": None,
        }
