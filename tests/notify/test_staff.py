"""The staff answers: one takes the callback over, the others learn it, and nobody forgets it."""

from __future__ import annotations

import dataclasses

import pytest

from callisi_runtime.ledger import Ledger, Note, ObligationRow
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.notify import NotifySettings, Sender, build_channels
from callisi_runtime.notify.channels import twilio_messages
from callisi_runtime.notify.inbox import Inbox, inbox_of
from callisi_runtime.notify.staff import Answer, Inbound, parse, take_inbound
from callisi_runtime.spec.fallback import SANDBOX_NUMBER

from .conftest import OFFICE, QUICK, STAFF, Clock, due, note, step

OTHER = "+4917099999999"
STRANGER = "+4915111111111"
AFTER = 600.0


def callback(call_id: str = "call-1", *, escalate: float | None = AFTER) -> Note:
    first, second = step(options={"name": "Anna"}), step(to=OTHER)
    return dataclasses.replace(note(first, second, call_id=call_id), escalate=escalate)


async def told(ledger: Ledger, sender: Sender, call_id: str = "call-1") -> Note:
    """A callback that Anna's telephone has."""
    given = await due(ledger, callback(call_id))
    await sender.drain()
    await settled(ledger, sender, given)
    return given


async def settled(ledger: Ledger, sender: Sender, given: Note) -> None:
    """The provider has reported everything there is to say."""
    for _ in range(6):
        row = await ledger.notification(given.id)
        assert row is not None
        if row.state != "waiting":
            return
        clock: Clock = ledger.clock  # type: ignore[assignment]
        clock.advance(2.1)
        await sender.drain()


async def promise(ledger: Ledger, call_id: str = "call-1") -> ObligationRow:
    return next(row for row in await ledger.obligations(open_only=False) if row.call_id == call_id)


def answer(body: str, sender: str = STAFF, sid: str = "SM1") -> Inbound:
    return Inbound(sid, sender, body)


def texts(twilio: TwilioServer, to: str) -> list[str]:
    return [message.form["Body"] for message in twilio.messages.values() if message.to == to]


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        ("1", Answer(True, None)),
        (" 1. ", Answer(True, None)),
        ("2", Answer(False, None)),
        ("1 k7q2", Answer(True, "K7Q2")),
        ("2, Ref K7Q2!", Answer(False, "K7Q2")),
        ("", None),
        ("11", None),
        ("ja", None),
        ("1 rufe gleich an", None),
        ("Ich bin bis zum 12. im Urlaub", None),
    ],
)
def test_what_an_answer_means(body: str, meaning: Answer | None) -> None:
    assert parse(body) == meaning


async def test_whoever_answers_1_has_the_callback(
    ledger: Ledger, sender: Sender, twilio: TwilioServer
) -> None:
    given = await told(ledger, sender)
    assert (await ledger.notification(given.id)).state == "unclaimed"  # type: ignore[union-attr]
    assert await take_inbound(ledger, answer("1")) == "claimed"
    row = await promise(ledger)
    assert (row.claimed_by, row.claimed_at, row.evidence) == ("Anna", ledger.clock(), "message_delivered")
    assert (await ledger.notification(given.id)).state == "done"  # type: ignore[union-attr]
    await sender.drain()
    assert texts(twilio, STAFF)[-1] == (
        f"Danke. Sie rufen +4930777 zurück. Mit 2 geben Sie den Rückruf zurück. Ref {given.reference}"
    )
    assert texts(twilio, OTHER) == [], "nobody else was told of it"


WHATSAPP = step("whatsapp", options={"name": "Anna", "sandbox": True})


async def told_on_whatsapp(ledger: Ledger, sender: Sender) -> Note:
    given = dataclasses.replace(note(WHATSAPP, step(to=OTHER)), escalate=AFTER)
    await due(ledger, given)
    await sender.drain()
    await settled(ledger, sender, given)
    return given


async def test_whoever_answers_1_on_whatsapp_has_it_as_well_and_hears_so_there(
    ledger: Ledger, sender: Sender, twilio: TwilioServer
) -> None:
    given = await told_on_whatsapp(ledger, sender)
    assert await take_inbound(ledger, answer("1", f"whatsapp:{STAFF}")) == "claimed"
    assert (await promise(ledger)).claimed_by == "Anna"
    await sender.drain()
    assert texts(twilio, f"whatsapp:{STAFF}")[-1] == (
        f"Danke. Sie rufen +4930777 zurück. Mit 2 geben Sie den Rückruf zurück. Ref {given.reference}"
    )
    assert await take_inbound(ledger, answer("2", f"whatsapp:{STAFF}", "SM2")) == "freed"
    assert (await promise(ledger)).claimed_by is None


async def test_nobody_takes_it_so_the_next_person_is_told(
    ledger: Ledger, sender: Sender, twilio: TwilioServer, clock: Clock
) -> None:
    given = await told(ledger, sender)
    clock.advance(AFTER - 1)
    await sender.drain()
    assert texts(twilio, OTHER) == []
    clock.advance(2)
    await sender.drain()
    assert len(texts(twilio, OTHER)) == 1
    assert "unclaimed" in [entry.what for entry in await ledger.attempts(given.id)]
    assert (await promise(ledger)).evidence in ("message_accepted", "message_delivered"), "it stays kept"


async def test_after_the_last_person_it_is_an_error_in_the_log(
    ledger: Ledger, sender: Sender, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    given = await told(ledger, sender)
    for _ in range(2):
        clock.advance(AFTER + 1)
        await sender.drain()
        await settled(ledger, sender, given)
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == [
        f"notification {given.id} is dead: nobody took the callback over, and no channel is left"
    ]
    assert [row.note.id for row in await ledger.notifications(dead=True)] == [given.id]


async def test_a_sender_without_the_channel_leads_an_unclaimed_callback_on(
    ledger: Ledger, sender: Sender, clock: Clock
) -> None:
    given = await told(ledger, sender)
    clock.advance(AFTER + 1)
    await Sender(ledger, {}).attempt((await ledger.claim(1, lease=60))[0])
    row = await ledger.notification(given.id)
    assert row is not None
    assert (row.state, row.step, (await promise(ledger)).evidence) == ("due", 1, "message_delivered")


async def test_the_others_learn_who_has_it_and_that_it_is_free_again(
    ledger: Ledger, sender: Sender, twilio: TwilioServer, clock: Clock
) -> None:
    given = await told(ledger, sender)
    clock.advance(AFTER + 1)
    await sender.drain()
    await settled(ledger, sender, given)
    assert await take_inbound(ledger, answer("1", OTHER)) == "claimed"
    assert await take_inbound(ledger, answer("1", sid="SM2")) == "taken"
    await sender.drain()
    assert sorted(texts(twilio, STAFF)[1:]) == [
        f"Den Rückruf an +4930777 übernimmt {OTHER}. Ref {given.reference}",
        f"Diesen Rückruf hat schon {OTHER} übernommen. Ref {given.reference}",
    ]
    assert await take_inbound(ledger, answer("2", OTHER, "SM3")) == "freed"
    await sender.drain()
    assert texts(twilio, STAFF)[-1].startswith("Der Rückruf an +4930777 ist wieder frei. Mit 1 übernehmen")
    assert (await promise(ledger)).claimed_by is None


async def test_what_is_handed_back_escalates_anew(
    ledger: Ledger, sender: Sender, twilio: TwilioServer, clock: Clock
) -> None:
    await told(ledger, sender)
    await take_inbound(ledger, answer("1"))
    clock.advance(AFTER * 2)
    assert await take_inbound(ledger, answer("2", sid="SM2")) == "freed"
    await sender.drain()
    assert texts(twilio, OTHER) == []
    clock.advance(AFTER + 1)
    await sender.drain()
    assert len(texts(twilio, OTHER)) == 1


async def test_without_a_reference_the_latest_free_callback_is_meant(
    ledger: Ledger, sender: Sender, clock: Clock
) -> None:
    first = await told(ledger, sender, "call-1")
    clock.advance(60)
    await told(ledger, sender, "call-2")
    assert await take_inbound(ledger, answer("1", sid="SM1")) == "claimed"
    assert (await promise(ledger, "call-2")).claimed_by == "Anna"
    assert await take_inbound(ledger, answer("1", sid="SM2")) == "claimed"
    assert (await promise(ledger, "call-1")).claimed_by == "Anna"
    assert await take_inbound(ledger, answer(f"2 {first.reference}", sid="SM3")) == "freed"
    assert (await promise(ledger, "call-2")).claimed_by == "Anna"


async def test_an_answer_that_is_reported_twice_is_taken_once(ledger: Ledger, sender: Sender) -> None:
    await told(ledger, sender)
    assert [await take_inbound(ledger, answer("1")) for _ in range(2)] == ["claimed", "repeated"]


@pytest.mark.parametrize("body", ["1", "1 {ref}", "2 {ref}", "STOP", "Hallo"])
async def test_a_stranger_gets_no_answer_and_is_written_down(
    ledger: Ledger, sender: Sender, twilio: TwilioServer, body: str
) -> None:
    given = await told(ledger, sender)
    before = len(twilio.messages)
    effect = await take_inbound(ledger, answer(body.format(ref=given.reference), STRANGER))
    await sender.drain()
    assert (effect, len(twilio.messages)) == ("unknown", before)
    assert [(row.sender, row.effect) for row in await ledger.inbound()] == [(STRANGER, "unknown")]
    assert (await promise(ledger)).claimed_by is None


async def test_somebody_who_was_not_told_yet_cannot_take_it(ledger: Ledger, sender: Sender) -> None:
    await told(ledger, sender)
    assert await take_inbound(ledger, answer("1", OTHER)) == "unknown"


async def test_an_automatic_reply_is_answered_by_nothing(
    ledger: Ledger, sender: Sender, twilio: TwilioServer
) -> None:
    await told(ledger, sender)
    before = len(twilio.messages)
    assert await take_inbound(ledger, answer("Ich bin im Urlaub")) == "nothing"
    await sender.drain()
    assert len(twilio.messages) == before


async def test_a_wrong_reference_is_told(ledger: Ledger, sender: Sender, twilio: TwilioServer) -> None:
    await told(ledger, sender)
    assert await take_inbound(ledger, answer("1 ZZZZ")) == "unknown"
    await sender.drain()
    assert "keinen Rückruf" in texts(twilio, STAFF)[-1]


async def test_a_message_that_only_informs_keeps_no_promise_and_is_no_dead_letter(
    ledger: Ledger, sender: Sender, twilio: TwilioServer
) -> None:
    await told(ledger, sender)
    await take_inbound(ledger, answer("1"))
    twilio.faults.add("sms", "status:401", times=None)
    await sender.drain()
    assert await ledger.notifications(dead=True) == []
    assert (await promise(ledger)).evidence == "message_delivered"


# ---- without a public address ----------------------------------------------------------------------------


@pytest.fixture
def inbox(ledger: Ledger, settings: NotifySettings) -> Inbox:
    messages = twilio_messages(settings)
    assert messages is not None
    return Inbox(ledger, messages, settings)


async def test_answers_are_fetched_once_each(
    ledger: Ledger, sender: Sender, twilio: TwilioServer, inbox: Inbox, clock: Clock
) -> None:
    await told(ledger, sender)
    clock.now = min(clock.now, 1.7e9)  # the day of the message counts, and Twilio's clock is the real one
    await twilio.receives(STAFF, OFFICE, "1")
    await twilio.receives(STRANGER, OFFICE, "1")
    assert await inbox.look() == 2
    assert (await promise(ledger)).claimed_by == "Anna"
    assert await inbox.look() == 0


async def test_answers_on_whatsapp_are_fetched_as_well(
    ledger: Ledger, sender: Sender, twilio: TwilioServer, inbox: Inbox, clock: Clock
) -> None:
    await told_on_whatsapp(ledger, sender)
    clock.now = min(clock.now, 1.7e9)
    await twilio.receives(f"whatsapp:{STAFF}", f"whatsapp:{OFFICE}", "1")
    assert await inbox.look() == 1
    assert (await promise(ledger)).claimed_by == "Anna"


async def test_nobody_is_asked_while_no_answer_is_expected(inbox: Inbox, twilio: TwilioServer) -> None:
    assert await inbox.look() == 0
    assert twilio.log.of("message_list") == []


def test_without_an_account_there_is_no_inbox(ledger: Ledger, settings: NotifySettings) -> None:
    assert inbox_of(ledger, settings) is not None
    assert inbox_of(ledger, NotifySettings()) is None


@pytest.mark.parametrize(("from_", "new"), [(OFFICE, 0), (SANDBOX_NUMBER, 1)])
async def test_where_twilio_can_reach_us_only_the_sandbox_is_looked_at(
    ledger: Ledger, twilio: TwilioServer, settings: NotifySettings, clock: Clock, from_: str, new: int
) -> None:
    public = dataclasses.replace(
        settings, status_callback_url="https://example.org/twilio/status", whatsapp_from=f"whatsapp:{from_}"
    )
    sender = Sender(ledger, build_channels(public), pace=QUICK)
    await told_on_whatsapp(ledger, sender)
    clock.now = min(clock.now, 1.7e9)
    await twilio.receives(f"whatsapp:{STAFF}", f"whatsapp:{from_}", "1")
    inbox = inbox_of(ledger, public)
    assert inbox is not None
    assert await inbox.look() == new
    assert len(twilio.log.of("message_list")) == new
    assert (await promise(ledger)).claimed_by == ("Anna" if new else None)
