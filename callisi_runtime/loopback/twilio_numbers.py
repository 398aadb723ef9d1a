"""Numbers on the loopback Twilio: those of the account, those that can be bought, addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from callisi_runtime.loopback.twilio_answers import (
    ACCOUNT,
    Row,
    form_of,
    new_sid,
    old_list,
    old_time,
    truth,
)
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callisi_runtime.loopback.twilio import TwilioServer
    from callisi_runtime.loopback.twilio_regulatory import Regulatory

TYPES: Final = {"Local": "local", "Mobile": "mobile", "National": "national", "TollFree": "tollfree"}
SETTABLE: Final = {
    "FriendlyName": "friendly_name",
    "SmsUrl": "sms_url",
    "SmsMethod": "sms_method",
    "SmsFallbackUrl": "sms_fallback_url",
    "SmsApplicationSid": "sms_application_sid",
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "StatusCallback": "status_callback",
    "VoiceReceiveMode": "voice_receive_mode",
    "AddressSid": "address_sid",
    "BundleSid": "bundle_sid",
}
_CAPABILITIES: Final = {"VoiceEnabled": "voice", "SmsEnabled": "SMS", "MmsEnabled": "MMS"}


class Numbers:
    """Numbers of the account (`owned`), numbers on sale (`on_sale`), addresses."""

    def __init__(self, server: TwilioServer) -> None:
        self.server = server
        self.owned: dict[str, Row] = {}
        """By PN sid."""
        self.on_sale: dict[str, Row] = {}
        """By E.164."""
        self.addresses: dict[str, Row] = {}

    def routes(self) -> Sequence[Route]:
        """See Part."""
        own, sale = f"{ACCOUNT}/IncomingPhoneNumbers", f"{ACCOUNT}/AvailablePhoneNumbers/{{CountryCode}}"
        return [
            Route("number_list", "GET", f"{own}.json", self._list),
            Route("number_buy", "POST", f"{own}.json", self._buy),
            Route("number_fetch", "GET", f"{own}/{{Sid}}.json", self._fetch),
            Route("number_update", "POST", f"{own}/{{Sid}}.json", self._update),
            Route("number_release", "DELETE", f"{own}/{{Sid}}.json", self._release),
            Route("number_search", "GET", f"{sale}/{{Type}}.json", self._search),
            Route("address_list", "GET", f"{ACCOUNT}/Addresses.json", self._addresses),
        ]

    # What is there already.

    def add(self, number: str, *, voice: bool = True, sms: bool = True, **values: Any) -> Row:
        """A number of this account."""
        sid, now = new_sid("PN"), old_time()
        account = self.server.account_sid
        row: Row = {
            "sid": sid,
            "account_sid": account,
            "phone_number": number,
            "friendly_name": number,
            "address_requirements": "none",
            "address_sid": None,
            "api_version": "2010-04-01",
            "beta": False,
            "bundle_sid": None,
            "capabilities": {"voice": voice, "sms": sms, "mms": False, "fax": False},
            "date_created": now,
            "date_updated": now,
            "emergency_status": "Inactive",
            "emergency_address_sid": None,
            "emergency_address_status": "unregistered",
            "identity_sid": None,
            "origin": "twilio",
            "sms_application_sid": None,
            "sms_fallback_method": "POST",
            "sms_fallback_url": "",
            "sms_method": "POST",
            "sms_url": "",
            "status": "in-use",
            "status_callback": "",
            "status_callback_method": "POST",
            "trunk_sid": None,
            "type": "mobile",
            "uri": f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json",
            "voice_application_sid": None,
            "voice_caller_id_lookup": False,
            "voice_fallback_method": "POST",
            "voice_fallback_url": None,
            "voice_method": "POST",
            "voice_receive_mode": "voice",
            "voice_url": None,
        } | values
        self.owned[sid] = row
        return row

    def offer(
        self,
        number: str,
        *,
        country: str = "DE",
        kind: str = "mobile",
        voice: bool = True,
        sms: bool = True,
        address_requirements: str = "none",
        needs_bundle: bool = False,
    ) -> Row:
        """A number that can be bought; with `needs_bundle` not without an approved bundle (21649)."""
        row: Row = {
            "phone_number": number,
            "friendly_name": number,
            "iso_country": country,
            "capabilities": {"voice": voice, "SMS": sms, "MMS": False},
            "address_requirements": address_requirements,
            "beta": False,
            "lata": None,
            "latitude": None,
            "longitude": None,
            "locality": None,
            "postal_code": None,
            "rate_center": None,
            "region": None,
        }
        self.on_sale[number] = {"row": row, "kind": kind, "needs_bundle": needs_bundle}
        return row

    def add_address(self, country: str = "DE", **values: Any) -> Row:
        """An address of this account."""
        sid, now, account = new_sid("AD"), old_time(), self.server.account_sid
        row: Row = {
            "sid": sid,
            "account_sid": account,
            "friendly_name": "Office",
            "customer_name": "Loopback GmbH",
            "street": "Lindenstraße 12",
            "street_secondary": None,
            "city": "Berlin",
            "region": "Berlin",
            "postal_code": "10969",
            "iso_country": country,
            "emergency_enabled": False,
            "validated": True,
            "verified": True,
            "date_created": now,
            "date_updated": now,
            "uri": f"/2010-04-01/Accounts/{account}/Addresses/{sid}.json",
        } | values
        self.addresses[sid] = row
        return row

    def leave(self, trunk_sid: str) -> None:
        """The trunk is gone; its numbers are nobody's."""
        for row in self.owned.values():
            if row["trunk_sid"] == trunk_sid:
                row["trunk_sid"] = None

    # Answers.

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        number, name = query.get("PhoneNumber", ""), query.get("FriendlyName")
        digits = number.strip().lstrip("+")  # a plus that was not escaped arrives as a blank
        rows = [
            row
            for row in self.owned.values()
            if digits in row["phone_number"] and name in (None, row["friendly_name"])
        ]
        return old_list(request, "incoming_phone_numbers", rows)

    async def _fetch(self, request: web.Request) -> web.Response:
        row = self.owned.get(request.match_info["Sid"])
        return self._absent(request) if row is None else web.json_response(row)

    async def _buy(self, request: web.Request) -> web.Response:
        form = await form_of(request)
        number = form.get("PhoneNumber", "")
        offered = self.on_sale.get(number)
        if offered is None:
            return self.server.error(21422, "PhoneNumber is not available")
        address, bundle = form.get("AddressSid"), form.get("BundleSid")
        if offered["row"]["address_requirements"] != "none" and address not in self.addresses:
            return self.server.error(21631, "Phone number requires an Address")
        if offered["needs_bundle"] and not self._approved(bundle):
            return self.server.error(21649, "Phone number requires a Bundle")
        del self.on_sale[number]
        has = offered["row"]["capabilities"]
        row = self.add(number, voice=has["voice"], sms=has["SMS"], type=offered["kind"])
        return web.json_response(self._filled(row, form), status=201)

    def _approved(self, bundle: str | None) -> bool:
        regulatory: Regulatory = self.server.parts["regulatory"]  # type: ignore[assignment]
        kept = regulatory.bundles.get(bundle or "")
        return kept is not None and kept.status == "twilio-approved"

    async def _update(self, request: web.Request) -> web.Response:
        row, form = self.owned.get(request.match_info["Sid"]), await form_of(request)
        return self._absent(request) if row is None else web.json_response(self._filled(row, form))

    def _filled(self, row: Row, form: Row) -> Row:
        row |= {SETTABLE[name]: value for name, value in form.items() if name in SETTABLE}
        if "TrunkSid" in form:  # either of the two sends the calls; setting one takes the other away
            row |= {"trunk_sid": form["TrunkSid"] or None, "voice_application_sid": None}
        elif "VoiceApplicationSid" in form:
            row |= {"voice_application_sid": form["VoiceApplicationSid"], "trunk_sid": None}
        row["date_updated"] = old_time()
        return row

    async def _release(self, request: web.Request) -> web.Response:
        if self.owned.pop(request.match_info["Sid"], None) is None:
            return self._absent(request)
        return web.Response(status=204)

    async def _search(self, request: web.Request) -> web.Response:
        country, query = request.match_info["CountryCode"], request.query
        kind = TYPES.get(request.match_info["Type"])
        rows = [
            one["row"]
            for one in self.on_sale.values()
            if one["row"]["iso_country"] == country
            and one["kind"] == kind
            and all(
                not truth(query.get(name, "")) or one["row"]["capabilities"][key]
                for name, key in _CAPABILITIES.items()
            )
            and query.get("Contains", "").strip("* +") in one["row"]["phone_number"]
        ]
        if kind is None:
            return self._absent(request)
        return old_list(request, "available_phone_numbers", rows)

    async def _addresses(self, request: web.Request) -> web.Response:
        country = request.query.get("IsoCountry")
        rows = [row for row in self.addresses.values() if country in (None, row["iso_country"])]
        return old_list(request, "addresses", rows)

    def _absent(self, request: web.Request) -> web.Response:
        return self.server.error(20404, f"The requested resource {request.path} was not found")
