"""Twilio's WhatsApp senders on loopback: registered in a browser, read here."""

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


@dataclass(slots=True)
class Sender:
    """One sender: `whatsapp:+49...`."""

    sender_id: str
    status: str = "ONLINE"
    offline_reasons: Sequence[Mapping[str, str]] | None = None
    webhook: Mapping[str, Any] | None = None
    configuration: Mapping[str, Any] | None = None
    profile: Mapping[str, Any] | None = None
    sid: str = field(default_factory=lambda: "XE" + secrets.token_hex(16))

    def as_json(self) -> dict[str, object]:
        """The Sender resource of the API."""
        return {
            "sid": self.sid,
            "status": self.status,
            "sender_id": self.sender_id,
            "configuration": self.configuration,
            "webhook": self.webhook,
            "profile": self.profile,
            "properties": {"quality_rating": "HIGH", "messaging_limit": "1K Customers/24hr"},
            "offline_reasons": self.offline_reasons,
            "url": f"{ORIGIN}/v2/Channels/Senders/{self.sid}",
        }


class Senders:
    """Operations: `sender_list`, `sender_fetch`, `sender_create`, `sender_update`.

    A created one is `CREATING` until its `status` is set to something else.
    """

    def __init__(self, server: TwilioServer) -> None:
        self.senders: dict[str, Sender] = {}
        self._server = server

    def add(self, number: str, status: str = "ONLINE", *, reason: tuple[str, str] | None = None) -> Sender:
        """A registered sender; `reason`: code and words of why it is offline."""
        reasons = None if reason is None else [{"code": reason[0], "message": reason[1]}]
        sender = Sender(f"whatsapp:{number}", status, reasons)
        self.senders[sender.sid] = sender
        return sender

    def routes(self) -> Sequence[Route]:
        """See Part."""
        every, one = "/v2/Channels/Senders", "/v2/Channels/Senders/{Sid}"
        return (
            Route("sender_list", "GET", every, self._list),
            Route("sender_create", "POST", every, self._create),
            Route("sender_fetch", "GET", one, self._fetch),
            Route("sender_update", "POST", one, self._update),
        )

    async def _list(self, request: web.Request) -> web.Response:
        wanted = f"{request.query['Channel']}:"
        found = [one.as_json() for one in self.senders.values() if one.sender_id.startswith(wanted)]
        return meta_page(request, "senders", found)

    async def _create(self, request: web.Request) -> web.Response:
        given = await request.json()
        sender = Sender(given["sender_id"], "CREATING")
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
        self._set(sender, await request.json())
        return web.json_response(sender.as_json(), status=202)

    def _set(self, sender: Sender, given: Mapping[str, Any]) -> None:
        for name in ("webhook", "configuration", "profile"):
            if given.get(name) is not None:
                setattr(sender, name, given[name])

    def _missing(self, request: web.Request) -> web.Response:
        return self._server.error(20404, f"The requested resource {request.path} was not found")
