"""Every price that is known for an agent: Twilio's own where it tells them, the user's file for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from callisi_runtime.cost.ask import Shelf, ask_prices
from callisi_runtime.cost.prices import Known, Price
from callisi_runtime.cost.twilio_prices import Question, caller_minute, number_month, person_minute, sms_part

if TYPE_CHECKING:
    from callisi_runtime.cost.price_file import PriceFile
    from callisi_runtime.plan import CallPlan
    from callisi_runtime.settings import Settings

DEFAULT_CURRENCY = "EUR"


def price_list(
    plan: CallPlan, settings: Settings, file: PriceFile | None, today: date, *, offline: bool, refresh: bool
) -> Known:
    """The prices for one agent. What stands in the file wins: it may be a contract."""
    prices: dict[str, Price] = {}
    faults: dict[str, str] = {}
    own = file.known() if file else {}
    if not offline and settings.twilio_account_sid and settings.twilio_auth_token:
        questions = [one for one in questions_of(plan, settings) if one.item not in own]
        prices, faults = _ask(settings, questions, today, refresh=refresh)
    currency = file.currency if file else DEFAULT_CURRENCY
    return Known(currency, prices | own, file.worths() if file else {}, faults)


def _ask(
    settings: Settings, questions: list[Question], today: date, *, refresh: bool
) -> tuple[dict[str, Price], dict[str, str]]:
    from callisi_runtime.carrier.ask import client_of

    shelf = Shelf(settings.cache_directory, settings.twilio_account_sid or "")
    return ask_prices(questions, lambda: client_of(settings), shelf, today, refresh=refresh)


def questions_of(plan: CallPlan, settings: Settings) -> Iterator[Question]:
    """What Twilio is asked about this agent."""
    number = settings.twilio_phone_number
    if number:
        yield number_month(number)
        yield caller_minute(number)
    transfer = plan.spec.transfer
    shown = (transfer.caller_id if transfer else None) or number
    if transfer and shown:
        yield person_minute(tuple(target.to for target in transfer.to), shown)
    recipients = tuple(step.to for step in plan.route if step.channel == "sms")
    senders = [step.sender for step in plan.route if step.channel == "sms" and step.sender]
    if recipients and (senders or number):
        yield sms_part(recipients, senders[0] if senders else str(number))
