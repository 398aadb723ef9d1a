"""WhatsApp senders: the real Twilio library against the loopback, checked against Twilio's OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from twilio.base.exceptions import TwilioRestException

from callisi_runtime.loopback.twilio_senders import CODE, WABA, Senders
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


def wanted(**fields: object) -> Form:
    usual = {
        "sender_id": f"whatsapp:{OFFICE}",
        "profile": {"name": "Callisi"},
        "configuration": {"waba_id": WABA},
    }
    return Form(**{**usual, **fields})


async def test_a_number_that_takes_sms_comes_online_by_itself(twilio: TwilioServer) -> None:
    twilio.parts["numbers"].add(OFFICE)  # type: ignore[attr-defined]
    held = senders_of(twilio)
    held.wabas.add(WABA)
    form = wanted(friendly_name="callisi:clara")
    made = await call(twilio, lambda client: client.messaging.v2.channels_senders.create(form))
    hook = Form(webhook={"callback_url": "https://example.com/twilio/inbound", "callback_method": "POST"})
    changed = await call(twilio, lambda client: client.messaging.v2.channels_senders(made.sid).update(hook))
    assert (made.status, made.friendly_name) == ("CREATING", "callisi:clara")
    assert changed.webhook["callback_url"] == "https://example.com/twilio/inbound"
    seen = []
    for _ in range(3):
        held.pass_time()
        seen.append(held.senders[made.sid].status)
    assert seen == ["VERIFYING", "ONLINE", "ONLINE"]


async def test_any_other_number_waits_for_its_code(twilio: TwilioServer) -> None:
    held = senders_of(twilio)
    held.wabas.add(WABA)
    made = await call(twilio, lambda client: client.messaging.v2.channels_senders.create(wanted()))
    for _ in range(2):
        held.pass_time()
        assert held.senders[made.sid].status == "PENDING_VERIFICATION"
    bad, good = (Form(configuration={"verification_code": code}) for code in ("000000", CODE))
    with pytest.raises(TwilioRestException, match="not valid"):
        await call(twilio, lambda client: client.messaging.v2.channels_senders(made.sid).update(bad))
    told = await call(twilio, lambda client: client.messaging.v2.channels_senders(made.sid).update(good))
    assert told.status == "VERIFYING"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"profile": {}}, 63100),
        ({"sender_id": "whatsapp:+493023125111"}, 63100),
        ({"configuration": {"waba_id": "1"}}, 63101),
    ],
)
async def test_what_cannot_be_registered_is_refused(
    twilio: TwilioServer, fields: dict[str, object], code: int
) -> None:
    senders_of(twilio).wabas.add(WABA)
    senders_of(twilio).taken.add("+493023125111")
    with pytest.raises(TwilioRestException) as refused:
        await call(twilio, lambda client: client.messaging.v2.channels_senders.create(wanted(**fields)))
    assert (refused.value.status, refused.value.code) == (400, code)
    assert senders_of(twilio).senders == {}


async def test_a_deleted_sender_is_gone(twilio: TwilioServer) -> None:
    sid = senders_of(twilio).add(OFFICE).sid
    assert await call(twilio, lambda client: client.messaging.v2.channels_senders(sid).delete())
    with pytest.raises(TwilioRestException, match="not found"):
        await call(twilio, lambda client: client.messaging.v2.channels_senders(sid).delete())


async def test_an_unknown_sender_is_not_found(twilio: TwilioServer) -> None:
    with pytest.raises(TwilioRestException) as unknown:
        await call(twilio, lambda client: client.messaging.v2.channels_senders("XE" + "0" * 32).fetch())
    assert (unknown.value.status, unknown.value.code) == (404, 20404)
