"""Twilio's regulatory compliance on loopback: what a country asks of whoever wants a number, and what was handed in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from callisi_runtime.loopback.twilio_pages import meta_page
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callisi_runtime.loopback.twilio import TwilioServer

ORIGIN: Final = "https://numbers.twilio.com/v2/RegulatoryCompliance"
STAMP: Final = "2026-01-01T00:00:00Z"
REGULATED: Final = tuple(
    ("DE", number_type, end_user)
    for number_type in ("local", "national", "mobile")
    for end_user in ("business", "individual")
    if (number_type, end_user) != ("local", "individual")
)
"""Country, type of number, whose it is: local numbers in Germany are for businesses alone."""
DOCUMENTS: Final = {
    "business": (
        ("Name of Business", ("Excerpt from the commercial register", "Trade license")),
        ("Address", ("Excerpt from the commercial register", "Trade license")),
    ),
    "individual": (("Address", ("Government-issued ID", "Proof of address")),),
}


@dataclass(slots=True)
class Bundle:
    """What was handed in for one regulation."""

    account_sid: str
    regulation_sid: str
    iso_country: str
    number_type: str
    end_user_type: str
    status: str
    friendly_name: str = "Callisi"
    sid: str = field(default_factory=lambda: "BU" + secrets.token_hex(16))

    def as_json(self) -> dict[str, object]:
        """The Bundle resource of the API."""
        url = f"{ORIGIN}/Bundles/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "regulation_sid": self.regulation_sid,
            "friendly_name": self.friendly_name,
            "status": self.status,
            "valid_until": None,
            "email": "office@example.com",
            "status_callback": None,
            "date_created": STAMP,
            "date_updated": STAMP,
            "url": url,
            "links": {"evaluations": f"{url}/Evaluations", "item_assignments": f"{url}/ItemAssignments"},
        }


class Regulatory:
    """Operations: `regulation_list`, `bundle_list`, `bundle_fetch`, `evaluation_create`.

    An evaluation finds an address missing in a draft, and nothing in any other bundle.
    """

    def __init__(self, server: TwilioServer) -> None:
        self.bundles: dict[str, Bundle] = {}
        self._server = server

    def add(
        self, status: str, *, country: str = "DE", number_type: str = "mobile", end_user: str = "business"
    ) -> Bundle:
        """A bundle in this state."""
        regulation = regulation_sid(country, number_type, end_user)
        bundle = Bundle(self._server.account_sid, regulation, country, number_type, end_user, status)
        self.bundles[bundle.sid] = bundle
        return bundle

    def routes(self) -> Sequence[Route]:
        """See Part."""
        bundles = "/v2/RegulatoryCompliance/Bundles"
        return (
            Route("regulation_list", "GET", "/v2/RegulatoryCompliance/Regulations", self._regulations),
            Route("bundle_list", "GET", bundles, self._bundles),
            Route("bundle_fetch", "GET", f"{bundles}/{{Sid}}", self._bundle),
            Route("evaluation_create", "POST", f"{bundles}/{{Sid}}/Evaluations", self._evaluate),
        )

    async def _regulations(self, request: web.Request) -> web.Response:
        query = request.query
        wanted = tuple(query.get(name) for name in ("IsoCountry", "NumberType", "EndUserType"))
        found = [
            _regulation(*one)
            for one in REGULATED
            if all(wish in (None, got) for wish, got in zip(wanted, one, strict=True))
        ]
        return meta_page(request, "results", found)

    async def _bundles(self, request: web.Request) -> web.Response:
        query = request.query
        fields = {
            "Status": "status",
            "FriendlyName": "friendly_name",
            "RegulationSid": "regulation_sid",
            "IsoCountry": "iso_country",
            "NumberType": "number_type",
            "EndUserType": "end_user_type",
        }
        found = [
            bundle.as_json()
            for bundle in self.bundles.values()
            if all(
                getattr(bundle, name) == query.get(key, getattr(bundle, name)) for key, name in fields.items()
            )
        ]
        return meta_page(request, "results", found)

    async def _bundle(self, request: web.Request) -> web.Response:
        bundle = self.bundles.get(request.match_info["Sid"])
        return self._missing(request) if bundle is None else web.json_response(bundle.as_json())

    async def _evaluate(self, request: web.Request) -> web.Response:
        bundle = self.bundles.get(request.match_info["Sid"])
        if bundle is None:
            return self._missing(request)
        missing = bundle.status == "draft"
        sid = "EL" + secrets.token_hex(16)
        result = {
            "friendly_name": "Address",
            "object_type": "proof_of_address",
            "passed": not missing,
            "failure_reason": "An address is missing." if missing else None,
            "error_code": 22214 if missing else None,
        }
        evaluation = {
            "sid": sid,
            "account_sid": bundle.account_sid,
            "regulation_sid": bundle.regulation_sid,
            "bundle_sid": bundle.sid,
            "status": "noncompliant" if missing else "compliant",
            "results": [result],
            "date_created": STAMP,
            "url": f"{ORIGIN}/Bundles/{bundle.sid}/Evaluations/{sid}",
        }
        return web.json_response(evaluation, status=201)

    def _missing(self, request: web.Request) -> web.Response:
        return self._server.error(20404, f"The requested resource {request.path} was not found")


def regulation_sid(country: str, number_type: str, end_user: str) -> str:
    """The same id for the same regulation, in every server."""
    return (
        "RN" + hashlib.md5(f"{country}/{number_type}/{end_user}".encode(), usedforsecurity=False).hexdigest()
    )


def _regulation(country: str, number_type: str, end_user: str) -> dict[str, Any]:
    documents = [
        [
            {
                "name": name,
                "type": "document",
                "requirement_name": name.lower().replace(" ", "_"),
                "description": "",
                "accepted_documents": [{"name": one, "type": "document"} for one in accepted],
            }
        ]
        for name, accepted in DOCUMENTS[end_user]
    ]
    sid = regulation_sid(country, number_type, end_user)
    return {
        "sid": sid,
        "friendly_name": f"Germany: {number_type.title()} - {end_user.title()}",
        "iso_country": country,
        "number_type": number_type,
        "end_user_type": end_user,
        "requirements": {"end_user": [], "supporting_document": documents},
        "url": f"{ORIGIN}/Regulations/{sid}",
    }
