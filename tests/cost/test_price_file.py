"""The user's own prices: what is read, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from callisi_runtime.cost.price_file import read_prices
from callisi_runtime.errors import SpecError
from callisi_runtime.money import money

ENTRY = "{price: 0.0077 USD, per: minute, source: a contract, as_of: 2026-11-20}"


def read(folder: Path, text: str) -> list[str]:
    """What is wrong with it."""
    path = folder / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        read_prices(path)
    except SpecError as error:
        return [problem.message for problem in error.problems]
    return []


def test_a_price_has_its_currency_its_unit_its_source_and_its_day(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(f"currency: EUR\nprices:\n  stt.deepgram/nova-3: {ENTRY}\n", encoding="utf-8")
    price = read_prices(path).known()["stt.deepgram/nova-3"]
    assert (price.amount, price.per, price.source, str(price.as_of)) == (
        money("0.0077 USD"), "minute", "a contract", "2026-11-20",
    )  # fmt: skip


def test_a_file_in_which_nothing_is_filled_in_yet_is_right(tmp_path: Path) -> None:
    assert read(tmp_path, "currency: EUR\nrates:\nprices:\n") == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("prices:\n", "currency"),
        ("currency: Euro\n", ""),
        ("currency: EUR\nprices:\n  a: {price: '0,0077 USD', per: minute, source: abc, as_of: 2026-11-20}\n", "0,0077"),
        (f"currency: EUR\nprices:\n  a: {ENTRY.replace('0.0077 USD', '-1 USD')}\n", "-1 USD"),
        (f"currency: EUR\nprices:\n  a: {ENTRY.replace('0.0077 USD', '1e9 USD')}\n", "1e9"),
        (f"currency: EUR\nprices:\n  a: {ENTRY.replace('0.0077 USD', '0.0077')}\n", ""),
        (f"currency: EUR\nprices:\n  a: {ENTRY.replace('2026-11-20', '2999-01-01')}\n", "not come yet"),
        (f"currency: EUR\nprices:\n  a: {ENTRY.replace('2026-11-20', 'yesterday')}\n", "yesterday"),
        (f"currency: EUR\nprices:\n  a: {ENTRY.replace('minute', 'second')}\n", ""),
        (f"currency: EUR\nprices:\n  a: {ENTRY.replace('a contract', '')}\n", ""),
        ("currency: EUR\nprices:\n  a: {price: 1 USD, per: minute, source: a list}\n", ""),
        ("currency: EUR\nrates:\n  USD: {worth: 1 USD, source: a bank, as_of: 2026-11-20}\n", "EUR"),
        ("currency: EUR\nprices: [1, 2]\n", ""),
        ("- 1\n", ""),
        ("currency: EUR\nprices: &a {x: *a}\n", ""),
        ("currency: EUR\nprices: {a: " + "[" * 200 + "]" * 200 + "}\n", ""),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_or_hostile_is_refused_in_words(tmp_path: Path, text: str, word: str) -> None:
    said = read(tmp_path, text)
    assert said
    assert word in "; ".join(said)
