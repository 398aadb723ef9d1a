"""The account itself: the real library, compared with Twilio's own description."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .asking import call

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer
    from callisi_runtime.loopback.twilio_account import Account


def account(server: TwilioServer) -> Account:
    return cast("Account", server.parts["account"])


async def test_an_account_says_what_it_is_and_what_it_has(twilio: TwilioServer) -> None:
    sid = twilio.account_sid
    found = await call(twilio, lambda client: client.api.v2010.accounts(sid).fetch())
    assert (found.status, found.type, found.date_created.year) == ("active", "Full", 2026)
    account(twilio).balance = "1.20"
    left = await call(twilio, lambda client: client.api.v2010.account.balance.fetch())
    assert (left.balance, left.currency) == ("1.20", "EUR")


async def test_verified_numbers_are_found_by_their_number(twilio: TwilioServer) -> None:
    account(twilio).verified = ["+4917012345678", "+4917012345679"]
    every = await call(twilio, lambda client: client.outgoing_caller_ids.list())
    one = await call(twilio, lambda client: client.outgoing_caller_ids.list(phone_number="+4917012345679"))
    assert [len(every), *(row.phone_number for row in one)] == [2, "+4917012345679"]


async def test_customer_profiles_are_found_by_their_state(twilio: TwilioServer) -> None:
    account(twilio).profiles = ["twilio-approved", "in-review"]
    profiles = await call(
        twilio, lambda client: client.trusthub.v1.customer_profiles.list(status="twilio-approved")
    )
    assert [row.status for row in profiles] == ["twilio-approved"]
