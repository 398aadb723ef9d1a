"""SMS over the real Twilio library: what is sent, what is found again, what each answer means."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.notify import Channel, NotifySettings, Reject, Retry, build_channels

from .conftest import OFFICE, STAFF, note, step

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer


@pytest.fixture
def sms(settings: NotifySettings) -> Channel:
    return build_channels(settings)["sms"]


def only(twilio: TwilioServer) -> dict[str, str]:
    (message,) = twilio.messages.values()
    return dict(message.form)


async def test_it_goes_out_short_lived_and_with_its_reference(sms: Channel, twilio: TwilioServer) -> None:
    given = note()
    sent = await sms.send(given, given.route[0])
    assert sent.sid in twilio.messages
    assert sent.report == "poll"
    assert only(twilio) == {
        "To": STAFF,
        "From": OFFICE,
        "Body": f"Clara: Bitte Rückruf an +4930777 Ref {given.reference}",
        "ValidityPeriod": "1800",
    }


async def test_the_files_own_sender_and_validity_win(sms: Channel, twilio: TwilioServer) -> None:
    given = note(step(sender="Callisi", options={"validity": 600}))
    await sms.send(given, given.route[0])
    assert (only(twilio)["From"], only(twilio)["ValidityPeriod"]) == ("Callisi", "600")


async def test_a_flood_of_words_is_cut_to_the_parts_it_may_have(sms: Channel, twilio: TwilioServer) -> None:
    given = note(step(options={"max_segments": 1}), texts=["„Anliegen“ – " + "sehr " * 100])
    await sms.send(given, given.route[0])
    body = only(twilio)["Body"]
    assert len(body) <= 160
    assert body.startswith('"Anliegen" - sehr')
    assert body.endswith(f"... Ref {given.reference}")


async def test_a_reference_that_stands_in_the_text_survives_the_cut(
    sms: Channel, twilio: TwilioServer
) -> None:
    reference = note().reference
    texts: list[object] = ["sehr " * 100 + f"Ref {reference}"]
    given = note(step(options={"max_segments": 1}), texts=texts)
    await sms.send(given, given.route[0])
    body = only(twilio)["Body"]
    assert len(body) <= 160
    assert body.endswith(f"... Ref {reference}")
    assert body.count(reference) == 1


async def test_the_report_address_carries_our_id(settings: NotifySettings, twilio: TwilioServer) -> None:
    told = dataclasses.replace(settings, status_callback_url="https://callisi.example/twilio/status")
    given = note()
    sent = await build_channels(told)["sms"].send(given, given.route[0])
    assert sent.report == "callback"
    assert only(twilio)["StatusCallback"] == "https://callisi.example/twilio/status?n=call-1:no_answer&s=0"


async def test_it_is_found_again_by_its_reference(sms: Channel) -> None:
    other, given = note(call_id="call-2"), note()
    await sms.send(other, other.route[0])
    assert await sms.find(given, given.route[0]) is None
    sent = await sms.send(given, given.route[0])
    assert await sms.find(given, given.route[0]) == sent


async def test_a_message_that_failed_is_found_unless_it_was_given_up(
    sms: Channel, twilio: TwilioServer
) -> None:
    twilio.will(STAFF, "undelivered", error_code=30003)
    given = note()
    sent = await sms.send(given, given.route[0])
    assert sent.sid is not None
    await sms.status(sent.sid, given.route[0])
    assert await sms.find(given, given.route[0]) == sent
    assert await sms.find(given, given.route[0], ignore={sent.sid}) is None


async def test_its_fate_is_told_with_its_code(sms: Channel, twilio: TwilioServer) -> None:
    twilio.will(STAFF, "sent", "undelivered", error_code=30005)
    given = note()
    sid = (await sms.send(given, given.route[0])).sid or ""
    fates = [await sms.status(sid, given.route[0]) for _ in range(3)]
    assert [(fate.status, fate.code) for fate in fates] == [
        ("queued", None),
        ("sent", None),
        ("undelivered", "30005"),
    ]


@pytest.mark.parametrize(
    ("fault", "unknown"),
    [
        ("status:500", True),
        ("status:503", True),
        ("accept_then_hang", True),
        ("accept_then_drop", True),
        ("drop", True),
    ],
)
async def test_an_answer_that_never_came_leaves_doubt(
    sms: Channel, twilio: TwilioServer, fault: str, unknown: bool
) -> None:
    twilio.faults.add("sms", fault)
    given = note()
    with pytest.raises(Retry) as caught:
        await sms.send(given, given.route[0])
    assert caught.value.unknown is unknown


async def test_too_many_requests_are_repeated_when_the_provider_says(
    sms: Channel, twilio: TwilioServer
) -> None:
    twilio.faults.add("sms", "status:429", headers={"Retry-After": "7"})
    given = note()
    with pytest.raises(Retry) as caught:
        await sms.send(given, given.route[0])
    assert (caught.value.unknown, caught.value.after) == (False, 7.0)


async def test_a_provider_that_cannot_be_reached_has_sent_nothing(settings: NotifySettings) -> None:
    nowhere = dataclasses.replace(settings, twilio_api_base="http://127.0.0.1:9")
    given = note()
    with pytest.raises(Retry) as caught:
        await build_channels(nowhere)["sms"].send(given, given.route[0])
    assert not caught.value.unknown


@pytest.mark.parametrize(
    ("to", "words", "operator"),
    [
        ("+15005550001", "21211 `to` is not a valid number; write it as +49...", False),
        (
            "+15005550003",
            "21408 SMS to this country are off; enable it under Messaging, Geographic Permissions",
            True,
        ),
        (
            "+15005550004",
            "21610 the recipient has sent STOP; the recipient must text START to the sender",
            False,
        ),
    ],
)
async def test_a_refusal_says_what_to_do_and_names_nobody(
    sms: Channel, to: str, words: str, operator: bool
) -> None:
    given = note(step(to=to))
    with pytest.raises(Reject) as caught:
        await sms.send(given, given.route[0])
    assert (str(caught.value), caught.value.operator) == (words, operator)


async def test_a_wrong_password_is_the_operators_to_mend(settings: NotifySettings) -> None:
    wrong = dataclasses.replace(settings, twilio_auth_token="0" * 32)
    given = note()
    with pytest.raises(Reject, match="TWILIO_AUTH_TOKEN") as caught:
        await build_channels(wrong)["sms"].send(given, given.route[0])
    assert caught.value.operator


async def test_without_a_sender_nothing_is_tried(settings: NotifySettings) -> None:
    bare = dataclasses.replace(settings, sms_from=None)
    given = note()
    with pytest.raises(Reject, match="TWILIO_PHONE_NUMBER"):
        await build_channels(bare)["sms"].send(given, given.route[0])
