"""Checks of Twilio: is the account ours and active, can our number send, does it lead to LiveKit?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callisi_runtime.doctor.result import Result, ok, problem, skipped, warning

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient

NOT_SET = "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set"


async def account(patient: Patient) -> list[Result]:
    """Whether Twilio takes the credentials, and the account may do what we need."""
    if not patient.complete_twilio:
        return [skipped(NOT_SET)]
    sid = patient.settings.twilio_account_sid or ""
    found = await ask(patient, lambda client: client.api.v2010.accounts(sid).fetch())
    if isinstance(found, Result):
        return [found]
    if found.status != "active":
        return [problem(f"the account is {found.status}", "console.twilio.com says why")]
    if found.type == "Trial":
        what = "a trial account calls and texts verified numbers only, four calls at a time"
        return [warning(what, "verify staff's numbers, or upgrade in the console")]
    return [ok("Twilio takes the credentials, the account is active")]


async def sender(patient: Patient) -> list[Result]:
    """Whether the senders of the agent's messages can send."""
    spec = patient.spec
    if spec is None or spec.fallback is None:
        return [skipped("no agent" if spec is None else "this agent sends nothing")]
    found: list[Result] = []
    for channel in spec.fallback.channels:
        if channel.sms is not None:
            found += await sms_sender(patient, channel.sms.sender or patient.settings.twilio_phone_number)
        if channel.whatsapp is not None and channel.whatsapp.sandbox:
            what = "the WhatsApp sandbox forgets members after 3 days, and free text after 24 hours"
            found.append(warning(what, "for a real line: an approved template, `content_sid`"))
    return found or [skipped("this agent sends nothing over Twilio's numbers")]


async def number(patient: Patient) -> list[Result]:
    """Whether calls to our number go to the trunk, and so to LiveKit."""
    ours = patient.settings.twilio_phone_number
    if not patient.complete_twilio or not ours:
        return [skipped(NOT_SET if not patient.complete_twilio else "TWILIO_PHONE_NUMBER is not set")]
    found = await own_number(patient, ours)
    if isinstance(found, Result):
        return [found]
    if not found.capabilities.get("voice"):
        return [problem("TWILIO_PHONE_NUMBER takes no calls", "buy a number with Voice")]
    if not found.trunk_sid:
        what = "TWILIO_PHONE_NUMBER belongs to no SIP trunk: its calls never reach LiveKit"
        return [
            problem(what, "add it under Elastic SIP Trunking, your trunk, Numbers (docs/number.md, step 4)")
        ]
    return [ok("calls to TWILIO_PHONE_NUMBER go to its SIP trunk")]


async def sms_sender(patient: Patient, sender: str | None) -> list[Result]:
    """Whether an SMS can come from this number or name."""
    if sender is None:
        mend = "set TWILIO_PHONE_NUMBER, or `from` in the file"
        return [problem("SMS have no sender", mend)]
    if not patient.complete_twilio:
        return [skipped(NOT_SET)]
    if not sender.startswith("+"):
        what = (
            f"SMS come from the name `{sender}`: nobody can answer them, and a trial account cannot send them"
        )
        return [warning(what, "use a number, if staff is to answer")]
    found = await own_number(patient, sender)
    if isinstance(found, Result):
        return [found]
    if not found.capabilities.get("sms"):
        return [
            problem("the sender of the SMS cannot send any", "use a number with SMS, or a name as `from`")
        ]
    return [ok("the sender of the SMS can send")]


async def own_number(patient: Patient, ours: str) -> Any | Result:
    """Twilio's entry of one of our numbers."""
    from callisi_runtime.phone import normalise

    e164 = normalise(ours).e164 or ours
    found = await ask(patient, lambda client: client.incoming_phone_numbers.list(phone_number=e164, limit=2))
    if isinstance(found, Result):
        return found
    if len(found) != 1:
        return problem("the number is not one of this account", "check TWILIO_PHONE_NUMBER and the account")
    return found[0]


async def ask(patient: Patient, question: Any) -> Any | Result:
    """Twilio's answer, or what is wrong."""
    import requests
    from twilio.base.exceptions import TwilioException

    try:
        return await patient.twilio(question)
    except TwilioException as error:
        status, code = getattr(error, "status", None), getattr(error, "code", None)
        if status in (401, 403):
            return problem(
                "Twilio refuses the credentials",
                "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, and their region",
            )
        return problem(f"Twilio answers {code or status or 'nothing'}", "try again; see status.twilio.com")
    except requests.exceptions.RequestException:
        return problem("Twilio does not answer", "check the network, and TWILIO_API_BASE")
