"""Geo permissions: the real Twilio library against the loopback, checked against Twilio's OpenAPI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.loopback.asking import call

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer


async def dialing(server: TwilioServer, country: str) -> Any:
    return await call(server, lambda client: client.voice.v1.dialing_permissions.countries(country).fetch())


async def allow_calls(server: TwilioServer, country: str) -> Any:
    wanted = json.dumps([{"iso_code": country, "low_risk_numbers_enabled": "true"}])
    return await call(
        server,
        lambda client: client.voice.v1.dialing_permissions.bulk_country_updates.create(update_request=wanted),
    )


async def messaging(server: TwilioServer, countries: str) -> Any:
    found = await call(
        server, lambda client: client.accounts.v1.messaging_geopermissions.fetch(country_code=countries)
    )
    return {one["country_code"]: one["enabled"] for one in found.permissions}


async def allow_messages(server: TwilioServer, country: str) -> Any:
    wanted = {"country_code": country, "type": "country", "enabled": True}
    answer = await call(
        server, lambda client: client.accounts.v1.messaging_geopermissions.update(permissions=[wanted])
    )
    return answer.permissions[0]


async def test_a_country_is_opened_for_calls_to_ordinary_numbers_only(twilio: TwilioServer) -> None:
    before = await dialing(twilio, "AT")
    updated = await allow_calls(twilio, "AT")
    after = await dialing(twilio, "AT")
    assert (before.low_risk_numbers_enabled, after.low_risk_numbers_enabled) == (False, True)
    assert (after.high_risk_special_numbers_enabled, after.high_risk_tollfraud_numbers_enabled) == (
        False,
        False,
    )
    assert updated.update_count == 1


async def test_countries_are_listed(twilio: TwilioServer) -> None:
    found = await call(twilio, lambda client: client.voice.v1.dialing_permissions.countries.list(page_size=3))
    assert [one.iso_code for one in found if one.low_risk_numbers_enabled] == ["DE"]


@pytest.mark.parametrize("country", ["CU", "XX"])
async def test_a_country_that_is_not_for_us_to_open_stays_closed_for_calls(
    twilio: TwilioServer, country: str
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await allow_calls(twilio, country)
    assert (refused.value.status, refused.value.code) == (400, 20001)


async def test_an_unknown_country_is_not_found(twilio: TwilioServer) -> None:
    with pytest.raises(TwilioRestException) as unknown:
        await dialing(twilio, "XX")
    assert (unknown.value.status, unknown.value.code) == (404, 20404)


async def test_a_country_is_opened_for_messages(twilio: TwilioServer) -> None:
    before = await messaging(twilio, "DE,AT")
    answer = await allow_messages(twilio, "AT")
    assert (answer["enabled"], answer["error_code"]) == (True, 0)
    assert (before, await messaging(twilio, "DE,AT")) == ({"DE": True, "AT": False}, {"DE": True, "AT": True})


async def test_a_refusal_for_messages_comes_in_an_answer_of_200(twilio: TwilioServer) -> None:
    answer = await allow_messages(twilio, "CU")
    assert (answer["enabled"], answer["error_code"]) == (False, 30649)
    assert await messaging(twilio, "CU") == {"CU": False}
