"""Twilio's Pricing API on loopback: what an account pays for numbers, minutes on a trunk, and parts of an SMS.

The prices are made up, and no price list of anybody's; tests set their own. Prices are texts, as Twilio sends them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiohttp import web

from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer

COUNTRIES = {"DE": "Germany", "AT": "Austria", "CH": "Switzerland"}


class Pricing:
    """Operations: `price_number`, `price_trunk`, `price_call`, `price_sms`."""

    def __init__(self, server: TwilioServer) -> None:
        self.server = server
        self.unit = "USD"
        self.numbers: dict[str, str] = {"local": "1.15", "mobile": "15.00", "national": "1.15"}
        """Type of number -> its price a month."""
        self.incoming: dict[str, str] = {"local": "0.0060", "mobile": "0.0100", "national": "0.0060"}
        """Type of number -> the price of a caller's minute."""
        self.calls: list[dict[str, Any]] = [
            _terminating("0.0450", "49", "ALL"),
            _terminating("0.0150", "49", "49"),
            _terminating("0.0900", "43", "ALL"),
        ]
        """What a minute to a destination costs, by the country of the number shown."""
        self.sms: list[tuple[str, dict[str, str]]] = [
            ("Telekom", {"mobile": "0.1000", "alphanumeric": "0.0950"}),
            ("Vodafone", {"mobile": "0.1100", "alphanumeric": "0.1050"}),
        ]
        """Carrier, and type of sender -> the price of a part."""

    def routes(self) -> Sequence[Route]:
        """See Part."""
        return (
            Route("price_number", "GET", "/v1/PhoneNumbers/Countries/{IsoCountry}", self._number),
            Route("price_sms", "GET", "/v1/Messaging/Countries/{IsoCountry}", self._sms),
            Route("price_trunk", "GET", "/v2/Trunking/Countries/{IsoCountry}", self._trunk),
            Route("price_call", "GET", "/v2/Trunking/Numbers/{DestinationNumber}", self._call),
        )

    def _country(self, request: web.Request, **prices: object) -> web.Response:
        iso = request.match_info["IsoCountry"]
        if iso not in COUNTRIES:
            return self.server.error(20404, f"The requested resource {request.path} was not found")
        return web.json_response(
            {
                "country": COUNTRIES[iso],
                "iso_country": iso,
                "price_unit": self.unit,
                "url": f"https://pricing.twilio.com{request.path}",
                **prices,
            }
        )

    async def _number(self, request: web.Request) -> web.Response:
        return self._country(request, phone_number_prices=_by_type(self.numbers))

    async def _sms(self, request: web.Request) -> web.Response:
        carriers = [
            {"carrier": carrier, "mcc": "262", "mnc": f"0{index}", "prices": _by_type(prices)}
            for index, (carrier, prices) in enumerate(self.sms, 1)
        ]
        return self._country(request, outbound_sms_prices=carriers, inbound_sms_prices=[])

    async def _trunk(self, request: web.Request) -> web.Response:
        return self._country(
            request, originating_call_prices=_by_type(self.incoming), terminating_prefix_prices=self.calls
        )

    async def _call(self, request: web.Request) -> web.Response:
        number = request.match_info["DestinationNumber"].removeprefix("+")
        rows = [row for row in self.calls if number.startswith(tuple(row["destination_prefixes"]))]
        return web.json_response(
            {
                "destination_number": f"+{number}",
                "origination_number": request.query.get("OriginationNumber"),
                "country": "Germany",
                "iso_country": "DE",
                "terminating_prefix_prices": rows,
                "originating_call_price": None,
                "price_unit": self.unit,
                "url": f"https://pricing.twilio.com{request.path}",
            }
        )


def _by_type(prices: dict[str, str]) -> list[dict[str, str | None]]:
    return [
        {"number_type": kind, "base_price": price, "current_price": price} for kind, price in prices.items()
    ]


def _terminating(price: str, to: str, shown: str) -> dict[str, Any]:
    return {
        "base_price": price,
        "current_price": price,
        "destination_prefixes": [to],
        "origination_prefixes": [shown],
        "friendly_name": f"Outbound Trunking Minute - {to} - Origin {shown}",
    }
