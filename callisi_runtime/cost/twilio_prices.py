"""Prices that Twilio's Pricing API tells: of this account, today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from callisi_runtime.money import Money

if TYPE_CHECKING:
    from twilio.rest import Client

    from callisi_runtime.cost.prices import Unit


class NoPrice(Exception):
    """Twilio does not tell this price; why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Question:
    """One price to ask for."""

    item: str
    per: Unit
    about: str
    """Names the answer in the cache: two accounts or two numbers do not share it."""
    ask: Callable[[Client], Money]


def number_month(number: str) -> Question:
    """What this number costs in a month."""

    def ask(client: Client) -> Money:
        found = client.pricing.v1.phone_numbers.countries(country_of(number)).fetch()
        return by_type(found.phone_number_prices, kind_of(number), found.price_unit, "number")

    return Question("twilio.number", "month", f"number {country_of(number)} {kind_of(number)}", ask)


def caller_minute(number: str) -> Question:
    """What a caller's minute on a trunk costs."""

    def ask(client: Client) -> Money:
        found = client.pricing.v2.countries(country_of(number)).fetch()
        return by_type(found.originating_call_prices, kind_of(number), found.price_unit, "minute")

    return Question("twilio.in", "minute", f"in {country_of(number)} {kind_of(number)}", ask)


def person_minute(targets: tuple[str, ...], shown: str) -> Question:
    """What a minute to the dearest of these people costs. It depends on the country of the number shown."""

    def ask(client: Client) -> Money:
        return max((_to(client, target, shown) for target in targets), key=lambda one: one.amount)

    return Question("twilio.out", "minute", f"out {' '.join(targets)} as {shown}", ask)


def _to(client: Client, target: str, shown: str) -> Money:
    found = client.pricing.v2.numbers(target).fetch(origination_number=shown)
    rows = [row for row in found.terminating_prefix_prices or () if isinstance(row, Mapping)]
    fitting = [(length, row) for row in rows if (length := _fits(row, shown)) is not None]
    if not fitting:
        raise NoPrice(f"Twilio names no price for calls to {country_of(target)}")
    _, best = max(fitting, key=lambda pair: pair[0])
    return priced(best, found.price_unit)


def _fits(row: Mapping[str, Any], shown: str) -> int | None:
    """How exactly a row is about the number shown; None when it is not."""
    prefixes = [str(one) for one in row.get("origination_prefixes") or ("ALL",)]
    lengths = [
        0 if prefix == "ALL" else len(prefix)
        for prefix in prefixes
        if prefix == "ALL" or shown.removeprefix("+").startswith(prefix.removeprefix("+"))
    ]
    return max(lengths, default=None)


def sms_part(recipients: tuple[str, ...], sender: str) -> Question:
    """What one part of an SMS costs, to the dearest carrier of the dearest recipient's country."""

    def ask(client: Client) -> Money:
        return max(
            (_sms(client, country, sender) for country in sorted({country_of(one) for one in recipients})),
            key=lambda one: one.amount,
        )

    countries = " ".join(sorted({country_of(one) for one in recipients}))
    return Question("twilio.sms", "message", f"sms {countries} {kind_of(sender)}", ask)


def _sms(client: Client, country: str, sender: str) -> Money:
    found = client.pricing.v1.messaging.countries(country).fetch()
    carriers = [row for row in found.outbound_sms_prices or () if isinstance(row, Mapping)]
    each = [by_type(row.get("prices"), kind_of(sender), found.price_unit, "SMS") for row in carriers]
    if not each:
        raise NoPrice(f"Twilio names no price for SMS to {country}")
    return max(each, key=lambda one: one.amount)


def by_type(rows: Iterable[Any] | None, kind: str, unit: str | None, what: str) -> Money:
    """The price of this type of number; of the dearest type where Twilio names no such one."""
    known = [row for row in rows or () if isinstance(row, Mapping)]
    fitting = [row for row in known if str(row.get("number_type")) == kind] or known
    if not fitting:
        raise NoPrice(f"Twilio names no price for this {what}")
    return max((priced(row, unit) for row in fitting), key=lambda one: one.amount)


def priced(row: Mapping[str, Any], unit: str | None) -> Money:
    """A row's price. Twilio writes it as a text, though its description says number."""
    text = row.get("current_price")
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or not unit or len(unit) != 3:
        raise NoPrice("Twilio answered with a price that is none")
    return Money(amount, unit.upper())


def country_of(number: str) -> str:
    """The ISO code of a number's country; `DE` for a sender that is a name."""
    import phonenumbers

    if not number.startswith("+"):
        return "DE"
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or "DE"


def kind_of(number: str) -> str:
    """The type of number, in the words of Twilio's price lists."""
    import phonenumbers
    from phonenumbers import PhoneNumberType as Type

    if not number.startswith("+"):
        return "alphanumeric"
    kind = phonenumbers.number_type(phonenumbers.parse(number))
    return {Type.MOBILE: "mobile", Type.FIXED_LINE: "local", Type.TOLL_FREE: "toll free"}.get(
        kind, "national"
    )
