"""Twilio's WhatsApp senders on loopback: registered, verified, told where messages go, and deleted.

The first sender of an account is made in a browser (`Senders.add`): only that links it with a business account.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from callisi_runtime.loopback.twilio_pages import meta_page
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callisi_runtime.loopback.twilio import TwilioServer

ORIGIN: Final = "https://messaging.twilio.com"
WABA: Final = "104996122399160"
CODE: Final = "482913"
"""What Meta sends to a number that Twilio cannot read by itself."""
NEXT: Final = {"CREATING": "VERIFYING", "VERIFYING": "ONLINE", "ONLINE:UPDATING": "ONLINE"}
"""State -> the next one, when time passes; the others wait for somebody."""


@dataclass(slots=True)
class Sender:
    """One sender: `whatsapp:+49...`."""

    sender_id: str
    status: str = "ONLINE"
    offline_reasons: Sequence[Mapping[str, str]] | None = None
    webhook: Mapping[str, Any] | None = None
    configuration: Mapping[str, Any] | None = None
    profile: Mapping[str, Any] | None = None
    friendly_name: str | None = None
    sid: str = field(default_factory=lambda: "XE" + secrets.token_hex(16))

    def as_json(self) -> dict[str, object]:
        """The Sender resource of the API."""
        return {
            "sid": self.sid,
            "status": self.status,
            "sender_id": self.sender_id,
            "friendly_name": self.friendly_name,
            "configuration": self.configuration,
            "webhook": self.webhook,
            "profile": self.profile,
            "properties": {"quality_rating": "HIGH", "messaging_limit": "1K Customers/24hr"},
            "offline_reasons": self.offline_reasons,
            "compliance": None,
            "url": f"{ORIGIN}/v2/Channels/Senders/{self.sid}",
        }


class Senders:
    """Operations: `sender_list`, `sender_fetch`, `sender_create`, `sender_update`, `sender_delete`.

    A created one is CREATING, and goes on when `pass_time` is called: a number of the account that takes SMS to ONLINE,
    any other waits for the verification code first.
    """

    def __init__(self, server: TwilioServer) -> None:
        self.senders: dict[str, Sender] = {}
        self.wabas: set[str] = set()
        """WhatsApp Business Accounts that are linked to this account."""
        self.taken: set[str] = set()
        """Numbers that somebody uses in a WhatsApp app."""
        self._server = server

    def add(self, number: str, status: str = "ONLINE", *, reason: tuple[str, str] | None = None) -> Sender:
        """A sender that was registered in a browser; `reason`: code and words of why it is offline."""
        reasons = None if reason is None else [{"code": reason[0], "message": reason[1]}]
        sender = Sender(f"whatsapp:{number}", status, reasons, configuration={"waba_id": WABA})
        self.senders[sender.sid] = sender
        self.wabas.add(WABA)
        return sender

    def pass_time(self) -> None:
        """Twilio and Meta take the next step with every sender."""
        for sender in self.senders.values():
            asks = sender.status == "CREATING" and not self._takes_sms(sender)
            sender.status = "PENDING_VERIFICATION" if asks else NEXT.get(sender.status, sender.status)

    def _takes_sms(self, sender: Sender) -> bool:
        """Whether Twilio reads the code itself."""
        owned: Mapping[str, Any] = self._server.parts["numbers"].owned  # type: ignore[attr-defined]
        number = sender.sender_id.removeprefix("whatsapp:")
        return any(one["phone_number"] == number and one["capabilities"]["sms"] for one in owned.values())

    def routes(self) -> Sequence[Route]:
        """See Part."""
        every, one = "/v2/Channels/Senders", "/v2/Channels/Senders/{Sid}"
        return (
            Route("sender_list", "GET", every, self._list),
            Route("sender_create", "POST", every, self._create),
            Route("sender_fetch", "GET", one, self._fetch),
            Route("sender_update", "POST", one, self._update),
            Route("sender_delete", "DELETE", one, self._delete),
        )

    async def _list(self, request: web.Request) -> web.Response:
        wanted = f"{request.query['Channel']}:"
        found = [one.as_json() for one in self.senders.values() if one.sender_id.startswith(wanted)]
        return meta_page(request, "senders", found)

    async def _create(self, request: web.Request) -> web.Response:
        given = await request.json()
        sender = Sender(given["sender_id"], "CREATING")
        waba = (given.get("configuration") or {}).get("waba_id")
        if not (given.get("profile") or {}).get("name"):
            return self._server.error(63100, "profile.name is required for WhatsApp senders", 400)
        known = {one.sender_id.removeprefix("whatsapp:") for one in self.senders.values()} | self.taken
        if sender.sender_id.removeprefix("whatsapp:") in known:
            return self._server.error(63100, "senderId is registered with WhatsApp already", 400)
        if waba not in self.wabas:
            return self._server.error(63101, "WABA ID provided is not valid or unable to be used", 400)
        self._set(sender, given)
        self.senders[sender.sid] = sender
        return web.json_response(sender.as_json(), status=202)

    async def _fetch(self, request: web.Request) -> web.Response:
        sender = self.senders.get(request.match_info["Sid"])
        return self._missing(request) if sender is None else web.json_response(sender.as_json())

    async def _update(self, request: web.Request) -> web.Response:
        sender = self.senders.get(request.match_info["Sid"])
        if sender is None:
            return self._missing(request)
        given = await request.json()
        if (code := (given.get("configuration") or {}).get("verification_code")) is not None:
            if code != CODE:
                return self._server.error(63100, "configuration.verification_code is not valid", 400)
            sender.status = "VERIFYING"
            given = {name: value for name, value in given.items() if name != "configuration"}
        self._set(sender, given)
        return web.json_response(sender.as_json(), status=202)

    async def _delete(self, request: web.Request) -> web.Response:
        if self.senders.pop(request.match_info["Sid"], None) is None:
            return self._missing(request)
        return web.Response(status=204)

    def _set(self, sender: Sender, given: Mapping[str, Any]) -> None:
        for name in ("webhook", "configuration", "profile", "friendly_name"):
            if given.get(name) is not None:
                setattr(sender, name, given[name])

    def _missing(self, request: web.Request) -> web.Response:
        return self._server.error(20404, f"The requested resource {request.path} was not found")
