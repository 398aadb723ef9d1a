"""Asking Twilio: the account first, then everything else; each refusal becomes one sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from callisi_runtime.carrier.ask import NOT_SET, NotAnswered, asked, client_of
from callisi_runtime.doctor.result import Ended, problem, skipped
from callisi_runtime.doctor.threads import in_thread

if TYPE_CHECKING:
    from twilio.rest import Client

    from callisi_runtime.doctor.patient import Patient

T = TypeVar("T")


async def ask(patient: Patient, question: Callable[[Client], T]) -> T:
    """Twilio's answer. When Twilio takes the credentials at all is found out once, before anything else.

    Raises:
        Ended: Twilio was not asked, or did not give an answer.
    """
    await account_behind(patient)
    return await put(patient, question)


async def account_behind(patient: Patient) -> Any:
    """Twilio's entry of our account, for checks that are about something else.

    Raises:
        Ended: It is not known; the check of the account says why.
    """
    try:
        return await the_account(patient)
    except Ended as error:
        if error.result.state == "skipped":
            raise
        raise Ended(skipped("Twilio was not asked: see `Twilio`")) from error


async def the_account(patient: Patient) -> Any:
    """Twilio's entry of our account.

    Raises:
        Ended: As `ask`.
    """
    known(patient)
    sid = patient.settings.twilio_account_sid or ""
    return await patient.once(
        "twilio account", lambda: put(patient, lambda client: client.api.v2010.accounts(sid).fetch())
    )


def known(patient: Patient) -> None:
    """Raise Ended when there is no account."""
    if not patient.complete_twilio:
        raise Ended(skipped(NOT_SET))


async def the_number(patient: Patient, number: str) -> Any:
    """Twilio's entry of one of our numbers.

    Raises:
        Ended: As `ask`, or the account has no such number.
    """
    from callisi_runtime.phone import normalise

    e164 = normalise(number).e164 or number

    async def look() -> Any:
        found = await ask(
            patient, lambda client: client.incoming_phone_numbers.list(phone_number=e164, limit=2)
        )
        if len(found) != 1:
            mend = "check TWILIO_PHONE_NUMBER and the account"
            raise Ended(problem("the number is not one of this account", mend))
        return found[0]

    return await patient.once(f"twilio number {e164}", look)


async def put(patient: Patient, question: Callable[[Client], T]) -> T:
    """One question, in a thread: Twilio's client blocks.

    Raises:
        Ended: There was no answer, or none that helps.
    """
    client = await patient.once("twilio client", lambda: in_thread(lambda: client_for(patient)))
    try:
        return await in_thread(lambda: asked(client, question))
    except NotAnswered as error:
        raise Ended(problem(error.what, error.mend)) from error


def client_for(patient: Patient) -> Client:
    """Twilio's own client."""
    client = client_of(patient.settings, timeout=patient.patience)

    def keep_time(response: Any, *_args: object, **_kwargs: object) -> None:
        patient.twilio_skew = skew_of(response.headers.get("Date"), time.time())

    client.http_client.session.hooks["response"].append(keep_time)
    return client


def skew_of(date: str | None, now: float) -> float | None:
    """Seconds that an answer's Date header is ahead of `now`; None for no date, or none that can be read."""
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp() - now
    except (TypeError, ValueError):
        return None
