"""Prices from the real Twilio library against the loopback Pricing API, checked against Twilio's OpenAPI."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callisi_runtime.cost.ask import Shelf, ask_prices
from callisi_runtime.cost.twilio_prices import Question, caller_minute, number_month, person_minute, sms_part
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.twilio_spec import SpecChecker, find_spec_folder
from callisi_runtime.notify.twilio_client import twilio_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from callisi_runtime.cost.prices import Price

OURS, MOBILE, STAFF = "+493023125000", "+4915112345678", "+493023125111"
TODAY, YESTERDAY = date(2026, 11, 25), date(2026, 11, 24)
SPEC = find_spec_folder()


@pytest.fixture(scope="module")
def checker() -> SpecChecker | None:
    return None if SPEC is None else SpecChecker(SPEC)


@pytest.fixture
async def twilio(checker: SpecChecker | None) -> AsyncIterator[TwilioServer]:
    async with TwilioServer(checker=checker) as server:
        yield server
        assert server.violations == []


async def ask(
    server: TwilioServer, folder: Path, *questions: Question, day: date = TODAY, **options: Any
) -> tuple[dict[str, Price], dict[str, str]]:
    token = options.pop("token", server.auth_token)
    timeout = options.pop("timeout", 5.0)
    clients = []

    def make() -> Any:
        clients.append(twilio_client(server.account_sid, token, api_base=server.api_base, timeout=timeout))
        return clients[-1]

    try:
        return await asyncio.to_thread(ask_prices, questions, make, Shelf(folder, "AC1"), day, **options)
    finally:
        for client in clients:
            client.http_client.session.close()


def pricing(server: TwilioServer) -> Any:
    return server.parts["pricing"]


async def test_twilio_tells_the_price_of_the_number_the_minute_and_the_message(
    twilio: TwilioServer, tmp_path: Path
) -> None:
    prices, faults = await ask(
        twilio,
        tmp_path,
        number_month(OURS),
        caller_minute(OURS),
        person_minute((STAFF,), OURS),
        sms_part((MOBILE,), MOBILE),
    )
    assert faults == {}
    assert {item: f"{price.amount} per {price.per}" for item, price in prices.items()} == {
        "twilio.number": "1.15 USD per month",
        "twilio.in": "0.006 USD per minute",
        "twilio.out": "0.015 USD per minute",
        "twilio.sms": "0.11 USD per message",
    }


async def test_a_foreign_number_shown_costs_what_a_foreign_number_costs(
    twilio: TwilioServer, tmp_path: Path
) -> None:
    prices, _ = await ask(twilio, tmp_path, person_minute((STAFF,), "+431234567"))
    assert str(prices["twilio.out"].amount) == "0.045 USD"


async def test_of_several_people_the_dearest_counts(twilio: TwilioServer, tmp_path: Path) -> None:
    prices, _ = await ask(twilio, tmp_path, person_minute((STAFF, "+4312345678"), OURS))
    assert str(prices["twilio.out"].amount) == "0.09 USD"


async def test_what_was_told_today_is_not_asked_again(twilio: TwilioServer, tmp_path: Path) -> None:
    await ask(twilio, tmp_path, caller_minute(OURS))
    pricing(twilio).incoming["local"] = "9.00"
    prices, _ = await ask(twilio, tmp_path, caller_minute(OURS))
    assert len(twilio.log.of("price_trunk")) == 1
    assert str(prices["twilio.in"].amount) == "0.006 USD"
    prices, _ = await ask(twilio, tmp_path, caller_minute(OURS), refresh=True)
    assert str(prices["twilio.in"].amount) == "9.00 USD"


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("status:401", "refuses the credentials (401)"),
        ("status:403", "forbids it (403)"),
        ("status:404", "no price list"),
        ("status:429", "too many requests (429)"),
        ("status:503", "(503)"),
        ("drop", "does not answer"),
    ],
)
async def test_each_refusal_is_one_sentence_and_the_price_of_yesterday_counts(
    twilio: TwilioServer, tmp_path: Path, fault: str, word: str
) -> None:
    twilio.faults.add("price_trunk", fault)
    prices, faults = await ask(twilio, tmp_path, caller_minute(OURS))
    assert prices == {}
    assert word in faults["twilio.in"]
    assert ". " not in faults["twilio.in"]


async def test_a_twilio_that_hangs_is_waited_for_once(twilio: TwilioServer, tmp_path: Path) -> None:
    twilio.faults.add("*", "hang", times=None)
    questions = number_month(OURS), caller_minute(OURS), sms_part((MOBILE,), MOBILE)
    prices, faults = await ask(twilio, tmp_path, *questions, timeout=0.5)
    assert prices == {}
    assert set(faults.values()) == {"Twilio does not answer within 0.5 s"}
    assert len(twilio.log.entries) == 1


async def test_when_twilio_is_away_the_last_answer_counts_with_its_day(
    twilio: TwilioServer, tmp_path: Path
) -> None:
    await ask(twilio, tmp_path, caller_minute(OURS), day=YESTERDAY)
    prices, faults = await ask(twilio, tmp_path, caller_minute(OURS), token="wrong")
    assert (prices["twilio.in"].as_of, str(prices["twilio.in"].amount)) == (YESTERDAY, "0.006 USD")
    assert faults["twilio.in"] == "Twilio refuses the credentials (401)"


@pytest.mark.parametrize("text", ["NaN", "-1", "Infinity", "", "free", None])
async def test_a_price_that_is_none_is_not_believed(tmp_path: Path, text: str | None) -> None:
    async with TwilioServer() as server:
        pricing(server).incoming = {"local": text}
        prices, faults = await ask(server, tmp_path, caller_minute(OURS))
    assert prices == {}
    assert "price that is none" in faults["twilio.in"]


async def test_a_country_without_prices_is_named(tmp_path: Path) -> None:
    async with TwilioServer() as server:
        pricing(server).calls = []
        _, faults = await ask(server, tmp_path, person_minute((STAFF,), OURS))
    assert faults["twilio.out"] == "Twilio names no price for calls to DE"


def test_a_damaged_cache_knows_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "AC1")
    for text in ("", "[]", "{", '{"in DE local": 3}', '{"in DE local": {"price": "x", "as_of": "y"}}'):
        shelf.path.write_text(text, encoding="utf-8")
        assert Shelf(tmp_path, "AC1").get("in DE local") is None


def test_accounts_do_not_share_their_prices(tmp_path: Path) -> None:
    assert Shelf(tmp_path, "AC1").path != Shelf(tmp_path, "AC2").path
