"""Twilio's geo permissions on loopback: which countries may be called, and which may be written to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from callisi_runtime.loopback.twilio_pages import meta_page
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callisi_runtime.loopback.twilio import TwilioServer

COUNTRIES: Final = {
    "AT": ("Austria", "+43"),
    "CH": ("Switzerland", "+41"),
    "CU": ("Cuba", "+53"),
    "DE": ("Germany", "+49"),
    "FR": ("France", "+33"),
    "GB": ("United Kingdom", "+44"),
    "US": ("United States", "+1"),
}
KINDS: Final = ("low_risk_numbers", "high_risk_special_numbers", "high_risk_tollfraud_numbers")
NOT_OURS: Final = {"CU"}
"""Countries that only Twilio itself can open."""


class DialingPermissions:
    """Operations: `dialing_list`, `dialing_fetch`, `dialing_update`.

    Calls to Germany's ordinary numbers are allowed from the beginning, and nothing else is.
    """

    def __init__(self, server: TwilioServer) -> None:
        self.allowed: dict[str, set[str]] = {country: set() for country in COUNTRIES}
        """Country -> which `KINDS` of its numbers may be called."""
        self.allowed["DE"].add("low_risk_numbers")
        self._server = server

    def routes(self) -> Sequence[Route]:
        """See Part."""
        every = "/v1/DialingPermissions/Countries"
        return (
            Route("dialing_list", "GET", every, self._list),
            Route("dialing_fetch", "GET", f"{every}/{{IsoCode}}", self._fetch),
            Route("dialing_update", "POST", "/v1/DialingPermissions/BulkCountryUpdates", self._update),
        )

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("IsoCode")
        found = [self._as_json(country) for country in self.allowed if wanted in (None, country)]
        return meta_page(request, "content", found)

    async def _fetch(self, request: web.Request) -> web.Response:
        country = request.match_info["IsoCode"].upper()
        if country not in self.allowed:
            return self._server.error(20404, f"The requested resource {request.path} was not found")
        return web.json_response(self._as_json(country))

    async def _update(self, request: web.Request) -> web.Response:
        given = str((await request.post())["UpdateRequest"])
        try:
            changes = json.loads(given)
        except ValueError:
            return self._server.error(20001, "UpdateRequest is no JSON", 400)
        for change in changes:
            if change.get("iso_code") not in self.allowed or change["iso_code"] in NOT_OURS:
                return self._server.error(20001, "iso_code: this country cannot be changed", 400)
        for change in changes:
            for kind in KINDS:
                if (wanted := change.get(f"{kind}_enabled")) is not None:
                    kinds = self.allowed[change["iso_code"]]
                    (kinds.add if str(wanted).lower() == "true" else kinds.discard)(kind)
        return web.json_response({"update_count": len(changes), "update_request": given}, status=201)

    def _as_json(self, country: str) -> dict[str, Any]:
        name, code = COUNTRIES[country]
        url = f"https://voice.twilio.com/v1/DialingPermissions/Countries/{country}"
        return {
            "iso_code": country,
            "name": name,
            "continent": "Europe",
            "country_codes": [code],
            **{f"{kind}_enabled": kind in self.allowed[country] for kind in KINDS},
            "url": url,
            "links": {"highrisk_special_prefixes": f"{url}/HighRiskSpecialPrefixes"},
        }


class MessagingPermissions:
    """Operations: `geo_fetch`, `geo_update`.

    Messages to Germany are allowed from the beginning, and to no other country.
    """

    def __init__(self, server: TwilioServer) -> None:
        self.allowed: set[str] = {"DE"}
        self._server = server

    def routes(self) -> Sequence[Route]:
        """See Part."""
        path = "/v1/Messaging/GeoPermissions"
        return (
            Route("geo_fetch", "GET", path, self._fetch),
            Route("geo_update", "PATCH", path, self._update),
        )

    async def _fetch(self, request: web.Request) -> web.Response:
        wanted = request.query.get("CountryCode", ",".join(COUNTRIES)).split(",")
        found = [
            {
                "country_code": country,
                "type": "country",
                "enabled": country in self.allowed,
                "prefix": COUNTRIES[country][1],
                "message": "High Risk Country" if country in NOT_OURS else "",
            }
            for country in wanted
            if country in COUNTRIES
        ]
        return web.json_response({"permissions": found})

    async def _update(self, request: web.Request) -> web.Response:
        form = await request.post()
        wanted = [json.loads(str(one)) for one in form.getall("Permissions")]
        return web.json_response({"permissions": [self._changed(one) for one in wanted]})

    def _changed(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Twilio answers 200, and says for each country whether it was changed."""
        country, wrong = wanted["country_code"], []
        if country in NOT_OURS:
            wrong = ["High risk country permission cannot be updated"]
        elif country not in COUNTRIES:
            wrong = ["Unknown country"]
        elif wanted["enabled"]:
            self.allowed.add(country)
        else:
            self.allowed.discard(country)
        return {
            "country_code": country,
            "type": "country",
            "enabled": country in self.allowed,
            "error_code": 30649 if wrong else 0,
            "error_messages": wrong,
        }
