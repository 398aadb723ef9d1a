"""Calls, alerts and usage: the real library, compared with Twilio's own description."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import pytest
from twilio.base.exceptions import TwilioRestException

from .asking import call

if TYPE_CHECKING:
    from callisi_runtime.loopback.twilio import TwilioServer
    from callisi_runtime.loopback.twilio_alerts import Alerts
    from callisi_runtime.loopback.twilio_calls import Calls
    from callisi_runtime.loopback.twilio_usage import Usage

CALLER, OFFICE, STAFF = "+4915228817386", "+4930901820100", "+4930901820111"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def calls(server: TwilioServer) -> Calls:
    return cast("Calls", server.parts["calls"])


def alerts(server: TwilioServer) -> Alerts:
    return cast("Alerts", server.parts["alerts"])


def usage(server: TwilioServer) -> Usage:
    return cast("Usage", server.parts["usage"])


async def test_calls_are_listed_newest_first_over_several_pages(twilio: TwilioServer) -> None:
    for hours in (3, 1, 2):
        calls(twilio).add(CALLER, OFFICE, began=NOON + timedelta(hours=hours))
    found = await call(twilio, lambda client: client.calls.list(page_size=2))
    assert [row.start_time.hour for row in found] == [15, 14, 13]
    assert len(twilio.log.of("call_list")) == 2


async def test_calls_are_filtered_by_number_status_and_day(twilio: TwilioServer) -> None:
    old = calls(twilio).add(CALLER, OFFICE, began=NOON - timedelta(days=2))
    leg = calls(twilio).add(OFFICE, STAFF, direction="trunking-terminating", status="busy", began=NOON)
    calls(twilio).add(CALLER, OFFICE, began=NOON)
    to = await call(twilio, lambda client: client.calls.list(to=STAFF))
    busy = await call(twilio, lambda client: client.calls.list(status="busy"))
    since = await call(twilio, lambda client: client.calls.list(start_time_after=NOON))
    before = await call(twilio, lambda client: client.calls.list(start_time_before=NOON - timedelta(days=1)))
    assert [row.sid for row in to] == [row.sid for row in busy] == [leg["sid"]]
    assert len(since) == 2
    assert [row.sid for row in before] == [old["sid"]]


async def test_a_call_is_fetched_with_its_price_once_it_is_rated(twilio: TwilioServer) -> None:
    row = calls(twilio).add(CALLER, OFFICE, seconds=61, trunk_sid="TK" + "1" * 32)
    first = await call(twilio, lambda client: client.calls(row["sid"]).fetch())
    row["price"] = "-0.0085"
    later = await call(twilio, lambda client: client.calls(row["sid"]).fetch())
    assert (first.price, later.price, later.price_unit) == (None, "-0.0085", "USD")
    assert (later.duration, later.direction, later.trunk_sid) == (
        "61",
        "trunking-originating",
        row["trunk_sid"],
    )
    assert (later.end_time - later.start_time).seconds == 61
    with pytest.raises(TwilioRestException) as unknown:
        await call(twilio, lambda client: client.calls("CA" + "0" * 32).fetch())
    assert (unknown.value.status, unknown.value.code) == (404, 20404)


async def test_alerts_are_paged_through_addresses_with_their_own_host(twilio: TwilioServer) -> None:
    sids = [alerts(twilio).add(32011)["sid"] for _ in range(5)]
    found = await call(twilio, lambda client: client.monitor.v1.alerts.list(page_size=2))
    assert [row.sid for row in found] == sids[::-1]
    asked = twilio.log.of("alert_list")
    assert len(asked) == 3
    assert {one.headers["host"] for one in asked} == {"monitor.twilio.com"}
    one = await call(twilio, lambda client: client.monitor.v1.alerts(sids[0]).fetch())
    assert (one.error_code, one.resource_sid) == ("32011", found[-1].resource_sid)


async def test_usage_is_summed_by_category_over_the_days_asked_for(twilio: TwilioServer) -> None:
    usage(twilio).add("trunking-origination", "0.0100", count=2, usage=3, day=date(2026, 11, 19))
    usage(twilio).add("trunking-origination", "0.0050", day=date(2026, 11, 20))
    usage(twilio).add("sms-outbound", "0.0900", day=date(2026, 11, 20))
    both = await call(
        twilio,
        lambda client: client.usage.records.list(
            start_date=date(2026, 11, 19), end_date=date(2026, 11, 20), page_size=1
        ),
    )
    assert [(row.category, round(row.price, 6), row.count, row.usage) for row in both] == [
        ("sms-outbound", Decimal("0.0900"), "1", "1"),
        ("trunking-origination", Decimal("0.0150"), "3", "4"),
    ]
    one = await call(
        twilio,
        lambda client: client.usage.records.list(category="sms-outbound", start_date=date(2026, 11, 21)),
    )
    assert one == []
