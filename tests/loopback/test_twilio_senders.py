"""WhatsApp senders: the real Twilio library against the loopback, checked against Twilio's OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from twilio.base.exceptions import TwilioRestException

from callisi_runtime.loopback.twilio_senders import Senders
from tests.loopback.asking import call
from tests.loopback.test_twilio_content import Form

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer

OFFICE = "+493023125100"


def senders_of(server: TwilioServer) -> Senders:
    senders = server.parts["senders"]
    assert isinstance(senders, Senders)
    return senders


async def test_senders_are_listed_by_channel_over_several_pages_and_fetched(twilio: TwilioServer) -> None:
    wanted = senders_of(twilio).add(OFFICE, "OFFLINE", reason=("63113", "The account was disabled by Meta"))
    for n in range(2):
        senders_of(twilio).add(f"+4930231251{n}1")
    found = await call(
        twilio, lambda client: client.messaging.v2.channels_senders.list(channel="whatsapp", page_size=2)
    )
    others = await call(twilio, lambda client: client.messaging.v2.channels_senders.list(channel="rcs"))
    fetched = await call(twilio, lambda client: client.messaging.v2.channels_senders(wanted.sid).fetch())
    assert (found[0].sender_id, len(found), others) == (f"whatsapp:{OFFICE}", 3, [])
    assert (fetched.status, fetched.offline_reasons[0]["code"]) == ("OFFLINE", "63113")


async def test_a_created_sender_is_not_online_yet(twilio: TwilioServer) -> None:
    form = Form(sender_id=f"whatsapp:{OFFICE}", configuration={"waba_id": "123"}, profile={"name": "Callisi"})
    made = await call(twilio, lambda client: client.messaging.v2.channels_senders.create(form))
    hook = Form(webhook={"callback_url": "https://example.com/twilio/inbound", "callback_method": "POST"})
    changed = await call(twilio, lambda client: client.messaging.v2.channels_senders(made.sid).update(hook))
    assert (made.status, changed.webhook["callback_url"]) == (
        "CREATING",
        "https://example.com/twilio/inbound",
    )


async def test_an_unknown_sender_is_not_found(twilio: TwilioServer) -> None:
    with pytest.raises(TwilioRestException) as unknown:
        await call(twilio, lambda client: client.messaging.v2.channels_senders("XE" + "0" * 32).fetch())
    assert (unknown.value.status, unknown.value.code) == (404, 20404)
