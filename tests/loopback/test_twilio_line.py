"""Numbers, trunks and SIP users of the loopback Twilio, through the real library and against Twilio's OpenAPI."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from twilio.base.exceptions import TwilioRestException

from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.twilio_spec import SpecChecker, find_spec_folder
from callisi_runtime.notify.twilio_client import twilio_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from callisi_runtime.loopback.twilio_numbers import Numbers
    from callisi_runtime.loopback.twilio_regulatory import Regulatory
    from callisi_runtime.loopback.twilio_sip import Sip
    from callisi_runtime.loopback.twilio_trunking import Trunking

SPEC = find_spec_folder()
OURS = "+4915700000001"


class Twilio:
    """The server, its parts, and the library."""

    def __init__(self, server: TwilioServer) -> None:
        self.server = server
        self.numbers: Numbers = server.parts["numbers"]  # type: ignore[assignment]
        self.trunking: Trunking = server.parts["trunking"]  # type: ignore[assignment]
        self.sip: Sip = server.parts["sip"]  # type: ignore[assignment]
        self.regulatory: Regulatory = server.parts["regulatory"]  # type: ignore[assignment]
        self.client = twilio_client(server.account_sid, server.auth_token, api_base=server.api_base)

    async def ask(self, question: Callable[[Any], Any]) -> Any:
        return await asyncio.to_thread(question, self.client)

    async def refusal(self, question: Callable[[Any], Any]) -> int:
        with pytest.raises(TwilioRestException) as caught:
            await self.ask(question)
        return int(caught.value.code)


@pytest.fixture(scope="module")
def checker() -> SpecChecker | None:
    return None if SPEC is None else SpecChecker(SPEC)


@pytest.fixture
async def twilio(checker: SpecChecker | None) -> AsyncIterator[Twilio]:
    """Every test here is also a test of conformance, where the description is at hand."""
    async with TwilioServer(checker=checker) as server:
        made = Twilio(server)
        yield made
        made.client.http_client.session.close()
        assert server.violations == []


async def test_a_number_is_searched_bought_changed_and_released(twilio: Twilio) -> None:
    twilio.numbers.offer(OURS)
    twilio.numbers.offer("+4930900000001", kind="local", sms=False)
    twilio.numbers.offer("+4915700000002", sms=False)
    found = await twilio.ask(
        lambda c: c.available_phone_numbers("DE").mobile.list(voice_enabled=True, sms_enabled=True)
    )
    assert [one.phone_number for one in found] == [OURS]
    bought = await twilio.ask(
        lambda c: c.incoming_phone_numbers.create(phone_number=OURS, friendly_name="callisi:clara")
    )
    assert bought.capabilities["sms"] is True
    changed = await twilio.ask(
        lambda c: c.incoming_phone_numbers(bought.sid).update(sms_url="https://example.com/sms")
    )
    assert changed.sms_url == "https://example.com/sms"
    listed = await twilio.ask(lambda c: c.incoming_phone_numbers.list(phone_number=OURS))
    assert [one.sid for one in listed] == [bought.sid]
    await twilio.ask(lambda c: c.incoming_phone_numbers(bought.sid).delete())
    assert twilio.numbers.owned == {}


async def test_a_number_is_refused_without_its_address_and_its_bundle(twilio: Twilio) -> None:
    twilio.numbers.offer(OURS, address_requirements="any", needs_bundle=True)

    def buy(**more: str) -> Callable[[Any], Any]:
        return lambda c: c.incoming_phone_numbers.create(phone_number=OURS, **more)

    assert await twilio.refusal(buy()) == 21631
    address = twilio.numbers.add_address()["sid"]
    draft = twilio.regulatory.add("in-review").sid
    assert await twilio.refusal(buy(address_sid=address, bundle_sid=draft)) == 21649
    approved = twilio.regulatory.add("twilio-approved").sid
    await twilio.ask(buy(address_sid=address, bundle_sid=approved))
    assert await twilio.refusal(buy(address_sid=address, bundle_sid=approved)) == 21422


async def test_addresses_and_bundles_are_listed_by_what_they_are_for(twilio: Twilio) -> None:
    address, bundle = twilio.numbers.add_address()["sid"], twilio.regulatory.add("twilio-approved").sid
    twilio.regulatory.add("twilio-rejected")
    addresses = await twilio.ask(lambda c: c.addresses.list(iso_country="DE"))
    bundles = await twilio.ask(
        lambda c: c.numbers.v2.regulatory_compliance.bundles.list(
            iso_country="DE", number_type="mobile", status="twilio-approved"
        )
    )
    assert ([one.sid for one in addresses], [one.sid for one in bundles]) == ([address], [bundle])


async def test_a_trunk_with_everything_on_it(twilio: Twilio) -> None:
    trunk = await twilio.ask(
        lambda c: c.trunking.v1.trunks.create(
            friendly_name="Line", domain_name="callisi-1.pstn.twilio.com", transfer_mode="disable-all"
        )
    )
    on = twilio.client.trunking.v1.trunks(trunk.sid)
    url = await twilio.ask(
        lambda _: on.origination_urls.create(
            weight=10, priority=10, enabled=True, friendly_name="callisi:clara", sip_url="sip:a.example.com"
        )
    )
    await twilio.ask(lambda _: on.origination_urls(url.sid).update(priority=20))
    credentials = await twilio.ask(lambda c: c.sip.credential_lists.create(friendly_name="callisi:clara"))
    users = twilio.client.sip.credential_lists(credentials.sid).credentials
    await twilio.ask(lambda _: users.create(username="callisi", password="Abcdefghijk1"))
    await twilio.ask(lambda _: on.credentials_lists.create(credential_list_sid=credentials.sid))
    number = twilio.numbers.add(OURS, voice_application_sid="AP" + "0" * 32)
    await twilio.ask(lambda _: on.phone_numbers.create(phone_number_sid=number["sid"]))
    await twilio.ask(lambda _: on.recordings().update(mode="record-from-answer"))
    fetched = await twilio.ask(lambda _: on.fetch())
    assert fetched.auth_type == "CREDENTIAL_LIST"
    assert fetched.recording["mode"] == "record-from-answer"
    assert twilio.sip.users_of(credentials.sid) == {"callisi": "Abcdefghijk1"}
    assert (number["trunk_sid"], number["voice_application_sid"]) == (trunk.sid, None)
    urls = await twilio.ask(lambda _: on.origination_urls.list())
    assert [one.priority for one in urls] == [20]


async def test_what_hangs_on_a_trunk_is_taken_off_again(twilio: Twilio) -> None:
    trunk = twilio.trunking.add_trunk("Line", "callisi-1.pstn.twilio.com")["sid"]
    listed = twilio.sip.add_list("callisi:clara")["sid"]
    number = twilio.numbers.add(OURS)
    on = twilio.client.trunking.v1.trunks(trunk)
    await twilio.ask(lambda _: on.credentials_lists.create(credential_list_sid=listed))
    assert await twilio.refusal(lambda c: c.sip.credential_lists(listed).delete()) == 21241
    await twilio.ask(lambda _: on.phone_numbers.create(phone_number_sid=number["sid"]))
    await twilio.ask(lambda _: on.phone_numbers(number["sid"]).delete())
    await twilio.ask(lambda _: on.credentials_lists(listed).delete())
    await twilio.ask(lambda c: c.sip.credential_lists(listed).delete())
    await twilio.ask(lambda _: on.delete())
    assert (twilio.trunking.trunks, twilio.sip.lists, number["trunk_sid"]) == ({}, {}, None)


async def test_a_domain_is_taken_once_in_the_world(twilio: Twilio) -> None:
    twilio.trunking.add_trunk("Line", "callisi-1.pstn.twilio.com")
    create = twilio.client.trunking.v1.trunks.create
    assert await twilio.refusal(lambda _: create(domain_name="callisi-1.pstn.twilio.com")) == 21248
    assert await twilio.refusal(lambda _: create(domain_name="callisi-1.example.com")) == 21245


async def test_a_weak_password_and_a_second_user_of_one_name_are_refused(twilio: Twilio) -> None:
    listed = twilio.sip.add_list("callisi:clara")["sid"]
    users = twilio.client.sip.credential_lists(listed).credentials
    assert await twilio.refusal(lambda _: users.create(username="callisi", password="short")) == 21243
    await twilio.ask(lambda _: users.create(username="callisi", password="Abcdefghijk1"))
    assert await twilio.refusal(lambda _: users.create(username="callisi", password="Abcdefghijk2")) == 21243
    shown = await twilio.ask(lambda _: users.list())
    assert [one.username for one in shown] == ["callisi"]


async def test_lists_come_in_pages_in_both_manners(twilio: Twilio) -> None:
    for number in range(5):
        twilio.trunking.add_trunk(f"Line {number}", f"callisi-{number}.pstn.twilio.com")
        twilio.sip.add_list(f"list {number}")
    trunks = await twilio.ask(lambda c: c.trunking.v1.trunks.list(page_size=2))
    lists = await twilio.ask(lambda c: c.sip.credential_lists.list(page_size=2))
    assert (len(trunks), len(lists)) == (5, 5)
    assert len(twilio.server.log.of("trunk_list")) == 3


async def test_setting_an_application_takes_the_number_off_the_trunk(twilio: Twilio) -> None:
    number = twilio.numbers.add(OURS, trunk_sid="TK" + "1" * 32)
    await twilio.ask(
        lambda c: c.incoming_phone_numbers(number["sid"]).update(voice_application_sid="AP" + "2" * 32)
    )
    assert number["trunk_sid"] is None
