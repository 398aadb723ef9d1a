"""Amounts of money."""

from __future__ import annotations

from decimal import Decimal

import pytest

from callisi_runtime.money import CurrencyMismatch, Money, money, total


@pytest.mark.parametrize("text", ["1.50 EUR", "0 EUR", "0.0085 USD", "20 EUR"])
def test_an_amount_is_read_as_it_is_written(text: str) -> None:
    assert money(text).amount == Decimal(text.split()[0])


@pytest.mark.parametrize(
    "text",
    [
        "", "1.50", "EUR", "1,50 EUR", "-1 EUR", "+1 EUR", "1e9 EUR", "NaN EUR", "Infinity EUR", "1.50 eur", "1.50 €",
        "1.50  EUR", " 1.50 EUR", "1.50 EUR\n", "9999999999 EUR", "0.0000000001 EUR", "٣ EUR", "0x10 EUR",
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"1\.50 EUR"):
        money(text)


def test_cents_do_not_get_lost() -> None:
    assert total([money("0.10 EUR")] * 3, "EUR") == money("0.30 EUR")
    assert str(money("0.1 EUR").times(3)) == "0.30 EUR"


def test_two_currencies_are_never_added() -> None:
    with pytest.raises(CurrencyMismatch, match="EUR and USD"):
        money("1 EUR").plus(money("1 USD"))
    with pytest.raises(CurrencyMismatch):
        total([money("1 USD")], "EUR")


def test_the_machine_reckons_in_whole_millionths_rounded_up() -> None:
    assert money("1.5 EUR").millionths == 1_500_000
    assert Money(Decimal("0.00000001"), "EUR").millionths == 1


def test_amounts_are_written_without_exponents_and_needless_zeros() -> None:
    written = [str(Money(Decimal(text), "EUR")) for text in ("20", "1.500", "0.0085", "1E+2", "0")]
    assert written == ["20.00 EUR", "1.50 EUR", "0.0085 EUR", "100.00 EUR", "0.00 EUR"]
