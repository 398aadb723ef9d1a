"""Checks of the Twilio account: may it do what we need, has it money, how many calls does it carry at a time?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from callisi_runtime.doctor.result import Result, ok, problem, skipped, warning
from callisi_runtime.doctor.twilio import account_behind, ask, the_account

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient

EMPTY: Final = Decimal(1)
LOW: Final = Decimal(5)
"""In the account's currency. Under 1 the next transfer may already be refused; 5 are about 100 messages."""
LIMITED_SINCE: Final = datetime(2026, 2, 3, tzinfo=UTC)
"""Accounts upgraded from then on have a limit of calls until a customer profile is approved."""


async def account(patient: Patient) -> list[Result]:
    """Whether Twilio takes the credentials, and the account may do what we need."""
    found = await the_account(patient)
    if found.status != "active":
        return [problem(f"the account is {found.status}", "console.twilio.com says why")]
    if found.type == "Trial":
        what = "a trial account calls and texts verified numbers only, four calls at a time, and from no name"
        mend = "verify staff's numbers (Console, Verified Caller IDs), or upgrade in the console"
        return [warning(what, mend), *await unverified(patient)]
    return [ok("Twilio takes the credentials, the account is active")]


async def unverified(patient: Patient) -> list[Result]:
    """The people whom a trial account cannot reach."""
    from callisi_runtime.phone import masked

    people = people_of(patient)
    if not people:
        return []
    found = await ask(patient, lambda client: client.outgoing_caller_ids.list(limit=1000))
    known = {one.phone_number for one in found}
    return [
        problem(
            f"{what} {masked(number)} is not verified: a trial account does not reach it",
            "verify it: Console, Phone Numbers, Verified Caller IDs",
        )
        for number, what in people.items()
        if number not in known
    ]


def people_of(patient: Patient) -> dict[str, str]:
    """The numbers of people that this agent calls and writes to -> the key in the file that names them."""
    from callisi_runtime.phone import is_example

    spec = patient.spec
    if spec is None:
        return {}
    found = {target.to: "transfer.to" for target in spec.transfer.to} if spec.transfer else {}
    for channel in spec.fallback.channels if spec.fallback else ():
        for kind, block in (("sms", channel.sms), ("whatsapp", channel.whatsapp)):
            if block is not None:
                found.setdefault(block.to, f"{kind}.to")
    return {number: what for number, what in found.items() if not is_example(number)}


async def balance(patient: Patient) -> list[Result]:
    """Whether there is money for calls and messages."""
    found = await ask(patient, lambda client: client.api.v2010.account.balance.fetch())
    try:
        money = Decimal(str(found.balance))
    except InvalidOperation:
        return [skipped("Twilio does not say how much is left")]
    left = f"{money:.2f} {found.currency or ''}".strip()
    mend = "Console, Billing: pay in, and switch auto-recharge on"
    if money < EMPTY:
        return [problem(f"{left} are left: the next call or message is refused", mend)]
    if money < LOW:
        return [warning(f"only {left} are left", mend)]
    return [ok(f"{left} are left")]


async def calls_at_a_time(patient: Patient) -> list[Result]:
    """Whether the account carries a caller who is put through: that takes two calls."""
    held = await account_behind(patient)
    if held.type == "Trial":
        return [ok("a trial account carries four calls: two callers who are put through")]
    profiles = await ask(
        patient, lambda client: client.trusthub.v1.customer_profiles.list(status="twilio-approved", limit=20)
    )
    if profiles:
        return [ok("a customer profile is approved")]
    # When an account was upgraded nobody tells; it cannot have been before it was made.
    limited = not isinstance(made := held.date_created, datetime) or made >= LIMITED_SINCE
    what = (
        "no customer profile is approved: an account upgraded since February 2026 carries two calls, "
        "and one caller who is put through takes both"
    )
    mend = "Console, Trust Hub, Customer Profiles: a business profile lifts the limit; the review takes days"
    return (
        [warning(what, mend)]
        if limited
        else [ok(f"the account is from {made:%Y}, before calls were limited")]
    )
