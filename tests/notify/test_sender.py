"""The sender over the real ledger and the real Twilio library: what staff get, what callers may be told."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.notify import NotifySettings, Pace, Sender, build_channels

from .conftest import STAFF, Clock, due, note, seen, step

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger
    from callisi_runtime.loopback.twilio import TwilioServer

OTHER = "+4917099999999"
TEMPLATE = {"content_sid": "HX" + "a" * 32}


async def run_until(sender: Sender, ledger: Ledger, clock: Clock, seconds: float = 2000.0) -> None:
    """Passes time in steps that are small at first, and delivers what comes due."""
    passed = 0.0
    while passed <= seconds and await ledger.unfinished():
        await sender.drain()
        leap = max(0.5, passed * 0.1)
        clock.advance(leap)
        passed += leap


async def test_accepted_at_once_is_told_at_once(sender: Sender, ledger: Ledger, twilio: TwilioServer) -> None:
    given = await due(ledger, note())
    delivery = await sender.deliver_now(given.id, patience=5)
    assert (delivery.state, delivery.channel) == ("accepted", "sms")
    assert len(twilio.messages) == 1


async def test_delivered_means_delivered_where_the_file_says_so(
    sender: Sender, ledger: Ledger, clock: Clock
) -> None:
    given = await due(ledger, note(step(accept="delivered")))
    assert (await sender.deliver_now(given.id, patience=0.1)).state == "pending"
    await run_until(sender, ledger, clock)
    assert (await sender.deliver_now(given.id, patience=0.1)).state == "accepted"


async def test_a_refused_channel_gives_way_to_the_next_while_the_caller_waits(
    sender: Sender, ledger: Ledger, twilio: TwilioServer
) -> None:
    given = await due(ledger, note(step(to="+15005550001"), step("whatsapp", options=TEMPLATE)))
    delivery = await sender.deliver_now(given.id, patience=5)
    assert (delivery.state, delivery.channel) == ("accepted", "whatsapp")
    assert [message.to for message in twilio.messages.values()] == [f"whatsapp:{STAFF}"]


async def test_when_every_channel_refuses_the_caller_hears_it_and_the_operator_too(
    sender: Sender, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    given = await due(ledger, note(step(to="+15005550001"), step(to="+15005550009")))
    with caplog.at_level(logging.ERROR, "callisi.notify"):
        delivery = await sender.deliver_now(given.id, patience=5)
    assert delivery.state == "failed"
    assert delivery.error is not None
    assert "21614" in delivery.error
    assert "is dead, nobody was reached" in caplog.text
    assert "+1500" not in caplog.text
    assert [obligation.call_id for obligation in await ledger.obligations()] == ["call-1"]


async def test_patience_ends_but_the_work_goes_on(
    sender: Sender, ledger: Ledger, twilio: TwilioServer
) -> None:
    twilio.faults.add("sms", "slow:0.3")
    given = await due(ledger, note())
    delivery = await sender.deliver_now(given.id, patience=0.05)
    assert (delivery.state, delivery.channel) == ("pending", "sms")
    await twilio.log.wait_for("sms", count=1, timeout=5)
    assert (await sender.deliver_now(given.id, patience=5)).state == "accepted"
    assert len(twilio.messages) == 1


async def test_a_message_that_another_sender_holds_is_watched(
    sender: Sender, ledger: Ledger, settings: NotifySettings, twilio: TwilioServer
) -> None:
    twilio.faults.add("sms", "slow:0.3")
    given = await due(ledger, note())
    other = Sender(ledger, build_channels(settings))
    first, second = await asyncio.gather(
        other.deliver_now(given.id, patience=5), sender.deliver_now(given.id, patience=5)
    )
    assert (first.state, second.state) == ("accepted", "accepted")
    assert len(twilio.messages) == 1


@pytest.mark.parametrize("fault", ["accept_then_hang", "accept_then_drop"])
async def test_a_message_whose_answer_was_lost_is_found_not_sent_again(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock, fault: str
) -> None:
    twilio.faults.add("sms", fault)
    given = await due(ledger, note())
    assert (await sender.deliver_now(given.id, patience=0.8)).state == "pending", (
        "nobody knows: nothing is claimed"
    )
    await run_until(sender, ledger, clock)
    assert (await seen(ledger, given)).state == "done"
    assert len(twilio.messages) == 1
    assert "found" in [attempt.what for attempt in await ledger.attempts(given.id)]


async def test_a_lost_message_is_not_mistaken_for_the_next_try(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock
) -> None:
    twilio.will(STAFF, "undelivered", error_code=30003)
    given = await due(ledger, note(step(), step(to=OTHER)))
    await sender.drain()
    clock.advance(5)
    await sender.drain()
    twilio.faults.add("sms", "accept_then_drop")
    await run_until(sender, ledger, clock)
    assert [message.to for message in twilio.messages.values()] == [STAFF, STAFF]
    assert (await seen(ledger, given)).state == "done"


async def test_a_message_that_died_before_it_was_recorded_goes_to_the_next_channel(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock
) -> None:
    twilio.will(STAFF, "undelivered", error_code=30005)
    twilio.faults.add("sms", "accept_then_drop")
    given = await due(ledger, note(step(), step(to=OTHER)))
    await sender.drain()
    for message in twilio.messages.values():
        message.advance()
    await run_until(sender, ledger, clock)
    assert [message.to for message in twilio.messages.values()] == [STAFF, OTHER]
    assert (await seen(ledger, given)).step == 1


async def test_a_message_that_never_went_out_is_sent_again_after_two_looks(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock
) -> None:
    twilio.faults.add("sms", "drop")
    given = await due(ledger, note())
    await run_until(sender, ledger, clock)
    assert len(twilio.messages) == 1
    whats = [attempt.what for attempt in await ledger.attempts(given.id)]
    assert whats == ["retry", "looked", "sent", "delivered"]


async def test_too_many_requests_are_waited_out(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock
) -> None:
    twilio.faults.add("sms", "status:429", headers={"Retry-After": "30"})
    given = await due(ledger, note())
    await sender.drain()
    assert (await seen(ledger, given)).due == clock.now + 30
    await run_until(sender, ledger, clock)
    assert [attempt.what for attempt in await ledger.attempts(given.id)] == ["retry", "sent", "delivered"]


async def test_a_failing_channel_is_tried_as_often_as_the_file_says(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock
) -> None:
    twilio.faults.add("sms", "status:503", times=None)
    given = await due(ledger, note(step(tries=3), step("whatsapp", options=TEMPLATE)))
    await run_until(sender, ledger, clock)
    row = await seen(ledger, given)
    assert (row.state, row.at.channel) == ("done", "whatsapp")
    assert (
        len([entry for entry in await ledger.attempts(given.id) if entry.what in ("retry", "gave up")]) == 3
    )


@pytest.mark.parametrize("code", [63003, 63015, 63016, 63024, 63032, 63033, 30007])
async def test_whatsapp_that_cannot_deliver_falls_through(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock, code: int
) -> None:
    twilio.will(f"whatsapp:{STAFF}", "failed", error_code=code)
    given = await due(ledger, note(step("whatsapp", options=TEMPLATE), step()))
    await run_until(sender, ledger, clock)
    row = await seen(ledger, given)
    assert (row.state, row.at.channel) == ("done", "sms")
    assert f"{code}" in ((await ledger.attempts(given.id))[1].info or "")


async def test_a_telephone_that_is_off_gets_one_more_try_then_the_next_person(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock
) -> None:
    for _ in range(2):
        twilio.will(STAFF, "sent", "undelivered", error_code=30003)
    given = await due(ledger, note(step(), step(to=OTHER)))
    await run_until(sender, ledger, clock)
    assert [message.to for message in twilio.messages.values()] == [STAFF, STAFF, OTHER]
    assert (await seen(ledger, given)).state == "done"


async def test_a_carrier_that_never_reports_is_enough_for_sent(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock
) -> None:
    twilio.will(STAFF, "sent")
    given = await due(ledger, note(step(accept="sent")))
    await run_until(sender, ledger, clock)
    assert (await seen(ledger, given)).state == "done"
    assert len(twilio.messages) == 1


async def test_a_carrier_that_never_reports_is_not_enough_for_delivered(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock
) -> None:
    twilio.will(STAFF, "sent")
    await due(ledger, note(step(accept="delivered"), step(to=OTHER, accept="delivered")))
    await run_until(sender, ledger, clock)
    assert [message.to for message in twilio.messages.values()] == [STAFF, OTHER]


async def test_the_provider_is_asked_at_the_set_moments_only(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock
) -> None:
    twilio.will(STAFF, "sent")
    await due(ledger, note())
    await run_until(sender, ledger, clock)
    assert len(twilio.log.of("message_fetch")) == 6


async def test_a_channel_that_is_not_set_up_is_passed_over(
    ledger: Ledger, settings: NotifySettings, clock: Clock
) -> None:
    given = await due(ledger, note(step("fax"), step()))
    await run_until(Sender(ledger, build_channels(settings)), ledger, clock)
    row = await seen(ledger, given)
    assert (row.state, row.at.channel) == ("done", "sms")


async def test_the_loop_delivers_until_it_is_stopped_and_finishes_what_it_began(
    sender: Sender, ledger: Ledger, twilio: TwilioServer
) -> None:
    twilio.faults.add("sms", "slow:0.2", times=None)
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    for number in range(20):
        await due(ledger, note(call_id=f"call-{number}"))
    await twilio.log.wait_for("sms", count=20, timeout=20)
    stop.set()
    await running
    assert len(twilio.messages) == 20
    assert all(row.sid in twilio.messages for row in await ledger.notifications())


async def test_nothing_is_sent_for_a_call_that_a_person_took(
    sender: Sender, ledger: Ledger, twilio: TwilioServer, clock: Clock
) -> None:
    await ledger.arm(note(), due_in=30)
    await ledger.settle("call-1", outcome="answered", send=False)
    clock.advance(1e5)
    assert await sender.drain() == 0
    assert twilio.messages == {}


def test_an_attempt_ends_well_before_its_lease() -> None:
    assert Pace().lease * 0.75 > 10.0 * 4, "find and send, each with connect and read"
