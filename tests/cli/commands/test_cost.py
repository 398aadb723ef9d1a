"""`callisi cost`: the estimate, and what it says where it cannot be made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from callisi_runtime.cli import main
from callisi_runtime.loopback.twilio import TwilioServer
from tests.cli.conftest import Ran

FORWARD = "variants/forward_sms.yaml"


Callisi = Callable[..., Ran]


@pytest.fixture
def callisi(capsys: pytest.CaptureFixture[str]) -> Callisi:
    """Calls `callisi`."""

    def call(*arguments: str | Path) -> Ran:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture
def filled(callisi: Callisi, tmp_path: Path) -> Path:
    """A price file as `--init-prices` writes it, with every price filled in."""
    path = tmp_path / "prices.yaml"
    assert callisi("cost", FORWARD, "--offline", "--init-prices", "--prices", path).code == 0
    text = path.read_text(encoding="utf-8").replace("million_characters | minute", "minute")
    text = text.replace("rates:", "rates: {USD: {worth: 0.50 EUR, source: a test, as_of: 2026-11-20}}")
    lines = [
        line.replace("# ", "", 1).replace("price: ,", "price: 0.01 USD,").replace('""', "a test")
        if ": {price: , per: " in line
        else line
        for line in text.splitlines()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_without_prices_there_is_no_total_and_each_missing_one_is_named(
    callisi: Callisi, tmp_path: Path
) -> None:
    ran = callisi("cost", FORWARD, "--offline", "--prices", tmp_path / "none.yaml")
    assert ran.code == 1
    assert "No total." in ran.out
    assert "missing: twilio.out; write it into" in ran.out
    assert "a month" not in ran.out.split("Assumed")[0].split("No total.")[1]


def test_with_every_price_there_is_a_total(callisi: Callisi, filled: Path) -> None:
    ran = callisi("cost", FORWARD, "--offline", "--prices", filled, "--json")
    assert ran.code == 0
    rows = {row["item"]: row for row in ran.document["rows"]}
    assert rows["twilio.number"]["month"] == "0.01 USD"
    assert ran.document["missing"] == []
    assert ran.document["month"].endswith(" EUR")


def test_lengths_that_are_given_are_rounded_up_one_by_one(callisi: Callisi, filled: Path) -> None:
    ran = callisi(
        "cost",
        FORWARD,
        "--offline",
        "--prices",
        filled,
        "--json",
        "--calls",
        "4",
        "--lengths",
        "30,61",
        "--human",
        "0",
    )
    rows = {row["item"]: row for row in ran.document["rows"]}
    assert rows["twilio.in"]["quantity"] == "6.00"  # two calls of one minute, two of two


def test_a_price_file_is_never_overwritten(callisi: Callisi, filled: Path) -> None:
    before = filled.read_bytes()
    ran = callisi("cost", FORWARD, "--offline", "--init-prices", "--prices", filled)
    assert ran.code == 1
    assert filled.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [("--calls", "0"), ("--calls", "1.5"), ("--minutes", "-1"), ("--minutes", "NaN"), ("--human", "130%"),
     ("--lengths", ",")],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused(callisi: Callisi, arguments: tuple[str, str]) -> None:
    ran = callisi("cost", FORWARD, "--offline", *arguments)
    assert (ran.code, "allowed" in ran.err or "name between" in ran.err) == (2, True)


def test_the_prices_for_a_limit_are_the_highest_that_each_thing_can_cost(
    callisi: Callisi, filled: Path
) -> None:
    ran = callisi("cost", FORWARD, "--offline", "--prices", filled, "--limits", "--json")
    assert ran.code == 0
    found = ran.document
    # each price is 0.01 USD, half of that in EUR: four for a minute, two for a person's, an SMS of one part, twice
    assert (found["minute"], found["forward_minute"], found["message"]) == (
        "0.02 EUR",
        "0.01 EUR",
        "0.01 EUR",
    )
    assert found["turn"].endswith(" EUR")


async def test_twilio_is_asked_for_the_prices_that_it_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with TwilioServer() as twilio:
        for name, value in {
            "TWILIO_ACCOUNT_SID": twilio.account_sid,
            "TWILIO_AUTH_TOKEN": twilio.auth_token,
            "TWILIO_API_BASE": twilio.api_base,
            "TWILIO_PHONE_NUMBER": "+493023125000",
            "TWILIO_SMS_TO": "+4915112345678",
            "CALLISI_CACHE": str(tmp_path),
        }.items():
            monkeypatch.setenv(name, value)
        prices = str(tmp_path / "none.yaml")
        code = await asyncio.to_thread(main, ["cost", str(Path(FORWARD).resolve()), "--prices", prices])
    out = capsys.readouterr().out
    assert code == 1  # the others are still missing
    assert "Twilio Pricing API" in out
    assert "missing: twilio" not in out
    assert twilio.auth_token not in out
