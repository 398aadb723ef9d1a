"""Quantities times prices, and when there is no total."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from callisi_runtime.checks import load_agent
from callisi_runtime.cost.estimate import estimate
from callisi_runtime.cost.limits import limit_prices
from callisi_runtime.cost.mix import Mix
from callisi_runtime.cost.needs import Need, Talk, needs_of, parts_of, tokens_in
from callisi_runtime.cost.prices import Known, Price, Unit
from callisi_runtime.money import money
from callisi_runtime.plan import CallPlan, make_plan
from callisi_runtime.settings import Settings

TODAY = date(2026, 11, 25)


def need(item: str, amount: str, *per: Unit, worst: str = "0") -> Need:
    units = per or ("minute",)
    return Need(item, item, units, (Decimal(amount),) * len(units), (Decimal(worst),) * len(units))


def price(amount: str, per: Unit = "minute") -> Price:
    return Price(money(amount), per, "a list", TODAY)


def known(prices: dict[str, Price], rates: dict[str, str] | None = None) -> Known:
    return Known("EUR", prices, {currency: money(worth) for currency, worth in (rates or {}).items()}, {})


def plan_of(name: str) -> CallPlan:
    return make_plan(load_agent(f"variants/{name}.yaml", {}).value, Settings())


def test_a_month_is_quantities_times_prices() -> None:
    found = estimate(
        [need("a", "250", worst="16"), need("b", "3")],
        known({"a": price("0.01 EUR"), "b": price("0.10 EUR")}),
        100,
    )
    assert [str(one) for one in (found.month, found.call, found.worst)] == [
        "2.80 EUR",
        "0.028 EUR",
        "0.16 EUR",
    ]


def test_a_missing_price_means_no_total_and_is_named() -> None:
    found = estimate([need("a", "1"), need("b", "1")], known({"a": price("1 EUR")}), 1)
    assert (found.month, found.call, found.worst) == (None, None, None)
    assert [row.need.item for row in found.missing] == ["b"]


def test_currencies_are_added_with_a_rate_and_not_without() -> None:
    prices = {"a": price("1 EUR"), "b": price("2 USD")}
    needs = [need("a", "1"), need("b", "1")]
    assert estimate(needs, known(prices), 1).unrated == ("USD",)
    assert estimate(needs, known(prices), 1).month is None
    assert str(estimate(needs, known(prices, {"USD": "0.90 EUR"}), 1).month) == "2.80 EUR"


def test_a_price_for_another_unit_is_no_price() -> None:
    found = estimate([need("a", "1")], known({"a": price("1 EUR", "month")}), 1)
    assert "per month" in str(found.missing[0].fault)


def test_what_is_paid_by_the_month_is_not_part_of_a_call() -> None:
    monthly = Need("n", "n", ("month",), (Decimal(1),), (Decimal(0),), "month")
    found = estimate(
        [monthly, need("a", "10")], known({"n": price("5 EUR", "month"), "a": price("1 EUR")}), 10
    )
    assert (str(found.month), str(found.call)) == ("15.00 EUR", "1.00 EUR")


def test_an_agent_without_transfer_pays_for_no_second_leg() -> None:
    items = {one.item for one in needs_of(plan_of("basic"), Mix(100, (Decimal(60),)), Talk())}
    assert "twilio.out" not in items
    assert "twilio.sms" not in items


def test_a_server_of_ones_own_costs_no_livekit_minutes() -> None:
    mix = Mix(100, (Decimal(60),))
    own = {one.item for one in needs_of(plan_of("basic"), mix, Talk(), cloud=False)}
    assert not any(item.startswith("livekit") for item in own)


def test_the_providers_of_the_file_are_what_is_paid_for() -> None:
    items = {one.item for one in needs_of(plan_of("forward_whatsapp"), Mix(1, (Decimal(60),)), Talk())}
    assert items >= {
        "stt.deepgram/nova-3",
        "tts.openai/gpt-4o-mini-tts:coral",
        "twilio.whatsapp",
        "meta.utility",
    }
    assert {item for item in items if item.startswith("llm.")} == {
        "llm.openai/gpt-4.1-mini.input",
        "llm.openai/gpt-4.1-mini.output",
    }


def failing_over(tmp_path: Path) -> CallPlan:
    path = tmp_path / "clara.yaml"
    text = f"extends: {Path('variants').resolve()}/forward_sms.yaml\nname: clara\n"
    path.write_text(
        text + "voice: {llm: [openai/gpt-4.1-mini, azure/gpt-4.1], tts: [openai/a:x, deepgram/b]}\n",
        encoding="utf-8",
    )
    return make_plan(load_agent(path, {}).value, Settings())


def test_the_month_reckons_with_the_first_provider_and_the_longest_call_with_every_one(
    tmp_path: Path,
) -> None:
    alone, listed = (
        {one.item: one for one in needs_of(plan, Mix(1, (Decimal(60),)), Talk())}
        for plan in (plan_of("forward_sms"), failing_over(tmp_path))
    )
    first, second = listed["llm.openai/gpt-4.1-mini.input"], listed["llm.azure/gpt-4.1.input"]
    assert first.amounts == alone["llm.openai/gpt-4.1-mini.input"].amounts
    assert second.amounts == (Decimal(0),)
    # the first is asked in vain, the second answers, and the first is asked again to see whether it is back
    assert first.worst == second.worst == (2 * alone["llm.openai/gpt-4.1-mini.input"].worst[0],)
    assert (listed["tts.deepgram/b"].amounts, listed["tts.deepgram/b"].worst) == (
        (Decimal(0), Decimal(0)),
        alone["tts.openai/gpt-4o-mini-tts:coral"].worst,
    )


def test_a_limit_reckons_with_every_provider_of_a_list(tmp_path: Path) -> None:
    def turn(plan: CallPlan, dear: str) -> Decimal:
        needs = needs_of(plan, Mix(1, (Decimal(60),)), Talk())
        prices = {one.item: price("1 EUR" if dear in one.item else "0.001 EUR", one.per[0]) for one in needs}
        found = estimate(needs, known(prices), 1)
        return limit_prices(plan, Talk(), found)["turn"].amount

    plan = failing_over(tmp_path)
    cheap, dear = turn(plan, "nothing"), turn(plan, "azure")
    assert dear > 50 * cheap


def test_a_message_of_a_limit_is_paid_to_each_person_of_the_route_and_once_more_where_a_telephone_is_off(
    tmp_path: Path,
) -> None:
    path = tmp_path / "clara.yaml"
    people = "".join(f"{{sms: {{to: +49 171 392001{one}, message: Bitte Rückruf}}}}, " for one in range(3))
    text = f"extends: {Path('variants').resolve()}/forward_sms.yaml\nname: clara\n"
    path.write_text(f"{text}fallback: {{channels: [{people}]}}\n", encoding="utf-8")
    plan = make_plan(load_agent(path, {}).value, Settings())
    needs = needs_of(plan, Mix(1, (Decimal(60),)), Talk())
    found = estimate(needs, known({one.item: price("0.01 EUR", one.per[0]) for one in needs}), 1)
    assert limit_prices(plan, Talk(), found)["message"] == money("0.06 EUR")


def test_parts_are_counted_in_the_agents_own_texts() -> None:
    usual, most = parts_of(plan_of("forward_sms"))["sms"]
    assert 1 <= usual <= most <= 3


def test_each_turn_sends_the_prompt_and_everything_said_before() -> None:
    # one turn: 3000 characters of prompt; ten turns: ten prompts, and on average five exchanges of 230 characters
    assert tokens_in(3000, Talk(turns=Decimal(10)), Decimal(1)) == Decimal(10 * (3000 + 5 * 230)) / 3


@pytest.mark.parametrize("minutes", [Decimal(1), Decimal(5)])
def test_twice_the_calls_cost_twice_as_much(minutes: Decimal) -> None:
    plan = plan_of("forward_sms")
    once, twice = (needs_of(plan, Mix(calls, (minutes * 60,)), Talk()) for calls in (50, 100))
    for less, more in zip(once, twice, strict=True):
        factor = 1 if less.scope == "month" else 2
        assert [amount * factor for amount in less.amounts] == pytest.approx(list(more.amounts))
