"""Asking Twilio: the account first, then everything else; each refusal becomes one sentence."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from callisi_runtime.doctor.result import Ended, Result, problem, skipped
from callisi_runtime.doctor.threads import in_thread

if TYPE_CHECKING:
    from twilio.rest import Client

    from callisi_runtime.doctor.patient import Patient

T = TypeVar("T")

NOT_SET = "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set"


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
    import requests
    from twilio.base.exceptions import TwilioException

    client = await patient.once("twilio client", lambda: in_thread(lambda: client_for(patient)))
    try:
        return await in_thread(lambda: question(client))
    except TwilioException as error:
        raise Ended(refusal(*status_and_code(error))) from error
    except requests.exceptions.Timeout as error:
        what = f"Twilio does not answer within {patient.patience:g} s"
        raise Ended(problem(what, "see status.twilio.com, then ask again")) from error
    except requests.exceptions.RequestException as error:
        mend = "check the network, and TWILIO_API_BASE"
        raise Ended(problem("Twilio does not answer", mend)) from error


def status_and_code(error: Exception) -> tuple[int | None, int | None]:
    """What is in the library's exception: for lists it is another one, with the answer as it came."""
    status: int | None = getattr(error, "status", None)
    code: object = getattr(error, "code", None)
    if status is None and len(error.args) > 1:
        answer: Any = error.args[1]
        status = getattr(answer, "status_code", None)
        with contextlib.suppress(ValueError, AttributeError):
            code = json.loads(answer.text).get("code")
    return status, code if isinstance(code, int) else None


def client_for(patient: Patient) -> Client:
    """Twilio's own client."""
    from callisi_runtime.notify.twilio_client import twilio_client

    settings = patient.settings
    client = twilio_client(
        settings.twilio_account_sid or "",
        settings.twilio_auth_token or "",
        api_base=settings.twilio_api_base,
        timeout=patient.patience,
    )

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


def refusal(status: int | None, code: int | None) -> Result:
    """What a refusal means, by its HTTP status, and by Twilio's own code where that says more."""
    from callisi_runtime.notify.codes import RULES

    if status == 401:
        mend = "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, and their region"
        return problem("Twilio refuses the credentials (401)", mend)
    if status == 403:
        mend = "use the account's own token, or a key with all rights; a suspended account is refused as well"
        return problem(f"Twilio forbids it ({code or 403})", mend)
    if status == 429:
        return problem("Twilio has had too many requests (429)", "wait a minute, then ask again")
    if status is not None and status >= 500:
        what = f"Twilio has a fault of its own ({status})"
        return problem(what, "see status.twilio.com, then ask again")
    if status == 404:
        mend = "check TWILIO_ACCOUNT_SID, and that the account has this product"
        return problem(f"Twilio does not find it ({code or 404})", mend)
    rule = RULES.get(code) if code is not None else None
    if rule is not None:
        return problem(f"Twilio answers {code}: {rule.meaning}", rule.remedy)
    return problem(f"Twilio answers {code or status or 'nothing'}", "look it up at twilio.com/docs/errors")
