"""`prices.yaml`: the prices that the user looked up, each with its source and its day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from callisi_runtime.cost.prices import Price, Unit
from callisi_runtime.money import Money, money
from callisi_runtime.source import load
from callisi_runtime.spec.base import Part

CURRENCY = r"^[A-Z]{3}$"


def _amount(text: str) -> str:
    money(text)
    return text


def _day(value: object) -> date:
    text = str(value)
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError(f"{text!r} is no day: write it like 2026-11-25")
    if day > date.today():
        raise ValueError(f"{text} has not come yet: write the day on which the price was looked up")
    return day


Amount = Annotated[str, AfterValidator(_amount)]
Day = Annotated[date, BeforeValidator(_day)]
Source = Annotated[str, Field(min_length=3, max_length=300)]


class PriceEntry(Part):
    """One price."""

    price: Amount
    """`0.0077 USD`: with a point, without a sign, with the currency's three letters."""
    per: Unit
    """For what."""
    source: Source
    """Where it stands: an address, a contract, an invoice."""
    as_of: Day
    """The day on which it was looked up."""


class RateEntry(Part):
    """What one unit of a currency is worth."""

    worth: Amount
    """`0.92 EUR`, in the currency of the file."""
    source: Source
    """Where it stands."""
    as_of: Day
    """The day on which it was looked up."""


def _nothing(value: Any) -> Any:
    return {} if value is None else value


class PriceFile(Part):
    """The whole file."""

    currency: Annotated[str, Field(pattern=CURRENCY)]
    """The currency of totals."""
    rates: Annotated[dict[str, RateEntry], BeforeValidator(_nothing), Field(max_length=50)] = Field(
        default_factory=dict
    )
    """Currency -> what it is worth; amounts in a currency without a rate are never added to others."""
    prices: Annotated[dict[str, PriceEntry], BeforeValidator(_nothing), Field(max_length=500)] = Field(
        default_factory=dict
    )
    """What -> its price. `callisi cost AGENT --init-prices` writes the names that an agent needs."""

    @model_validator(mode="after")
    def _rates_lead_here(self) -> PriceFile:
        for currency, rate in self.rates.items():
            if money(rate.worth).currency != self.currency:
                raise ValueError(
                    f"the rate of {currency} must be in {self.currency}, the currency of the file"
                )
        return self

    def known(self) -> dict[str, Price]:
        """What -> its price."""
        return {
            name: Price(money(one.price), one.per, one.source, one.as_of) for name, one in self.prices.items()
        }

    def worths(self) -> dict[str, Money]:
        """Currency -> what one unit of it is worth."""
        return {currency: money(rate.worth) for currency, rate in self.rates.items()}


def read_prices(path: Path) -> PriceFile:
    """The file. Raises SpecError with every mistake and its place."""
    return load(path, PriceFile).value
