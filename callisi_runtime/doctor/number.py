"""Checks of our number at Twilio: does it take calls and send them to the trunk, whom may it call, what may it show?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from callisi_runtime.doctor.line import dialling_trunk, provision
from callisi_runtime.doctor.livekit import the_held
from callisi_runtime.doctor.result import Ended, Result, ok, problem, skipped
from callisi_runtime.doctor.twilio import ask, known, the_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callisi_runtime.doctor.patient import Patient


async def number(patient: Patient) -> list[Result]:
    """Whether calls to our number go to the trunk, and so to LiveKit."""
    found = await the_number(patient, our_number(patient))
    if not capability(found, "voice"):
        return [
            problem("TWILIO_PHONE_NUMBER takes no calls", "buy a number with Voice: callisi numbers search")
        ]
    if found.voice_receive_mode == "fax":
        return [
            problem("TWILIO_PHONE_NUMBER waits for faxes", "Console, the number, Voice: accept voice calls")
        ]
    if found.voice_application_sid:
        what = "TWILIO_PHONE_NUMBER belongs to a TwiML app, which took it out of its trunk"
        return [problem(what, provision(patient))]
    if not found.trunk_sid:
        what = "TWILIO_PHONE_NUMBER belongs to no SIP trunk: its calls never reach LiveKit"
        return [problem(what, provision(patient))]
    return [ok("calls to TWILIO_PHONE_NUMBER go to its SIP trunk")]


def our_number(patient: Patient) -> str:
    """The number that callers ring. Raises Ended when it is not set."""
    ours = patient.settings.twilio_phone_number
    if not ours:
        raise Ended(skipped("TWILIO_PHONE_NUMBER is not set"))
    return ours


def capability(found: Any, name: str) -> bool:
    """Whether a number has `voice`, `sms` or `mms`."""
    return bool((found.capabilities or {}).get(name))


async def caller_id(patient: Patient) -> list[Result]:
    """Whether the number that a dialled person sees is ours, or verified: networks refuse others."""
    spec = patient.known_spec()
    if spec.transfer is None:
        return [skipped("this agent puts nobody through")]
    known(patient)
    shown = [spec.transfer.caller_id] if spec.transfer.caller_id else await numbers_of_trunk(patient)
    strange = [one for one in shown if one is None or not await may_be_shown(patient, one)]
    if strange:
        what = "people would be called from a number that is neither this account's nor verified (32204)"
        return [problem(what, f"leave transfer.caller_id out, and {provision(patient)}")]
    return [ok("people see a number of this account")]


async def numbers_of_trunk(patient: Patient) -> list[str | None]:
    """The numbers of the trunk in LiveKit that people are dialled over."""
    from callisi_runtime.phone import normalise

    spec = patient.known_spec()
    assert spec.transfer is not None
    try:
        trunk = dialling_trunk(patient, spec.transfer.trunk, await the_held(patient))
    except Ended as error:
        raise Ended(skipped("no trunk to call from: see `people are dialled`")) from error
    return [normalise(one).e164 for one in trunk.numbers]


async def may_be_shown(patient: Patient, number: str) -> bool:
    """Whether it is a number of the account, or one that was verified."""
    owned, verified = await asyncio.gather(
        ask(patient, lambda client: client.incoming_phone_numbers.list(phone_number=number, limit=1)),
        ask(patient, lambda client: client.outgoing_caller_ids.list(phone_number=number, limit=1)),
    )
    return bool(owned or verified)


async def voice_permission(patient: Patient) -> list[Result]:
    """Whether the account may call the countries of the people who are dialled."""
    spec = patient.known_spec()
    if spec.transfer is None:
        return [skipped("this agent puts nobody through")]
    found = []
    for country in (wanted := countries(target.to for target in spec.transfer.to)):
        held = await permission(patient, country)
        if not held.low_risk_numbers_enabled:
            what = f"calls to {held.name or country} are off for this account (32205)"
            found.append(problem(what, provision(patient)))
    return found or [ok(f"calls to {', '.join(wanted)} are allowed")]


async def permission(patient: Patient, country: str) -> Any:
    """What the account may call in a country."""
    return await ask(patient, lambda client: client.voice.v1.dialing_permissions.countries(country).fetch())


def countries(numbers: Iterable[str]) -> list[str]:
    """The countries of some numbers, as ISO 3166 has them: `DE`."""
    import phonenumbers

    parsed = [phonenumbers.parse(number) for number in numbers]
    found = {
        phonenumbers.region_code_for_number(one)
        or phonenumbers.region_code_for_country_code(one.country_code or 0)
        for one in parsed
    }
    return sorted(found - {"ZZ", "001"})
