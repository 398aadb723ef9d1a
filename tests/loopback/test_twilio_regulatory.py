"""Regulatory compliance: the real Twilio library against the loopback, checked against Twilio's OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from twilio.base.exceptions import TwilioRestException

from callisi_runtime.loopback.twilio_regulatory import Regulatory
from tests.loopback.asking import call

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer


def regulatory_of(server: TwilioServer) -> Regulatory:
    regulatory = server.parts["regulatory"]
    assert isinstance(regulatory, Regulatory)
    return regulatory


async def regulations(server: TwilioServer, **wanted: str) -> list[str]:
    found = await call(
        server, lambda client: client.numbers.v2.regulatory_compliance.regulations.list(**wanted)
    )
    return [one.friendly_name for one in found]


async def bundles(server: TwilioServer, **wanted: Any) -> list[tuple[str, str]]:
    found = await call(server, lambda client: client.numbers.v2.regulatory_compliance.bundles.list(**wanted))
    return [(one.sid, one.status) for one in found]


async def test_regulations_are_found_by_country_type_and_owner(twilio: TwilioServer) -> None:
    assert await regulations(twilio, iso_country="DE", number_type="local") == ["Germany: Local - Business"]
    assert await regulations(twilio, iso_country="DE", number_type="mobile", end_user_type="individual") == [
        "Germany: Mobile - Individual"
    ]
    assert await regulations(twilio, iso_country="US") == []


async def test_a_regulation_says_what_it_wants(twilio: TwilioServer) -> None:
    found = await call(
        twilio,
        lambda client: client.numbers.v2.regulatory_compliance.regulations.list(
            iso_country="DE", number_type="mobile", end_user_type="business", include_constraints=True
        ),
    )
    documents = found[0].requirements["supporting_document"]
    assert [one["name"] for group in documents for one in group] == ["Name of Business", "Address"]


async def test_bundles_are_found_by_status_country_and_type_over_several_pages(twilio: TwilioServer) -> None:
    draft = regulatory_of(twilio).add("draft")
    approved = regulatory_of(twilio).add("twilio-approved")
    local = regulatory_of(twilio).add("in-review", number_type="local")
    assert len(await bundles(twilio, page_size=2)) == 3
    assert await bundles(twilio, iso_country="DE", number_type="local") == [(local.sid, "in-review")]
    assert await bundles(twilio, status="twilio-approved") == [(approved.sid, "twilio-approved")]
    fetched = await call(
        twilio, lambda client: client.numbers.v2.regulatory_compliance.bundles(draft.sid).fetch()
    )
    assert fetched.status == "draft"


@pytest.mark.parametrize(("status", "verdict"), [("draft", "noncompliant"), ("twilio-approved", "compliant")])
async def test_an_evaluation_says_what_is_missing(twilio: TwilioServer, status: str, verdict: str) -> None:
    sid = regulatory_of(twilio).add(status).sid
    found = await call(
        twilio,
        lambda client: client.numbers.v2.regulatory_compliance.bundles(sid).evaluations.create(),
    )
    assert found.status == verdict


async def test_an_unknown_bundle_is_not_found(twilio: TwilioServer) -> None:
    with pytest.raises(TwilioRestException) as unknown:
        await call(
            twilio, lambda client: client.numbers.v2.regulatory_compliance.bundles("BU" + "0" * 32).fetch()
        )
    assert (unknown.value.status, unknown.value.code) == (404, 20404)
