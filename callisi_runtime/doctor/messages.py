"""Checks of the messages to staff: can the senders send, to that country, is WhatsApp ready, the template approved?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callisi_runtime.doctor.line import provision
from callisi_runtime.doctor.number import capability, countries
from callisi_runtime.doctor.result import Result, ok, problem, skipped, warning
from callisi_runtime.doctor.twilio import account_behind, ask, known, the_number

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient
    from callisi_runtime.spec.fallback import Sms, WhatsApp

SANDBOX: Final = "+14155238886"
NO_SMS: Final = "this agent sends no SMS"
NO_WHATSAPP: Final = "this agent sends no WhatsApp message"
READY: Final = ("ONLINE", "ONLINE:UPDATING")


def sms_of(patient: Patient) -> list[Sms]:
    """The SMS channels of the agent. Raises Ended without an agent."""
    spec = patient.known_spec()
    return [one.sms for one in spec.fallback.channels if one.sms is not None] if spec.fallback else []


def whatsapp_of(patient: Patient) -> list[WhatsApp]:
    """The WhatsApp channels of the agent. Raises Ended without an agent."""
    spec = patient.known_spec()
    return (
        [one.whatsapp for one in spec.fallback.channels if one.whatsapp is not None] if spec.fallback else []
    )


async def sms_sender(patient: Patient) -> list[Result]:
    """Whether SMS can come from the sender that is declared."""
    found: list[Result] = []
    for sms in sms_of(patient):
        found += await can_send(patient, sms.sender or patient.settings.twilio_phone_number)
    return found or [skipped(NO_SMS)]


async def can_send(patient: Patient, sender: str | None) -> list[Result]:
    """Whether an SMS can come from this number or name."""
    if sender is None:
        return [problem("SMS have no sender", "set TWILIO_PHONE_NUMBER, or `from` in the file")]
    known(patient)
    if not sender.startswith("+"):
        if (await account_behind(patient)).type == "Trial":
            what = f"SMS come from the name `{sender}`, which a trial account may not use"
            return [problem(what, "leave `from` out, or upgrade in the console")]
        what = f"SMS come from the name `{sender}`: nobody can answer them"
        return [warning(what, "use a number, if staff is to answer")]
    held = await the_number(patient, sender)
    if not capability(held, "sms"):
        mend = "use a number with SMS, or a name as `from`"
        return [problem("the sender of the SMS cannot send any", mend)]
    return [ok("the sender of the SMS can send")]


async def sms_permission(patient: Patient) -> list[Result]:
    """Whether the account may send SMS to the countries of the people who get them."""
    wanted = countries(sms.to for sms in sms_of(patient))
    if not wanted:
        return [skipped(NO_SMS)]
    found = []
    for country in wanted:
        if not await may_send_to(patient, country):
            found.append(problem(f"SMS to {country} are off for this account (21408)", provision(patient)))
    return found or [ok(f"SMS to {', '.join(wanted)} are allowed")]


async def may_send_to(patient: Patient, country: str) -> bool:
    """Whether SMS to a country are allowed."""
    held: Any = await ask(
        patient, lambda client: client.accounts.v1.messaging_geopermissions.fetch(country_code=country)
    )
    return any(one.get("country_code") == country and one.get("enabled") for one in held.permissions or ())


async def whatsapp_sender(patient: Patient) -> list[Result]:
    """Whether WhatsApp messages can come from the sender that is declared."""
    found: list[Result] = []
    for channel in whatsapp_of(patient):
        sender = channel.sender or (patient.settings.twilio_whatsapp_from or "").removeprefix("whatsapp:")
        found.append(await sender_state(patient, channel, sender))
    return found or [skipped(NO_WHATSAPP)]


async def sender_state(patient: Patient, channel: WhatsApp, sender: str) -> Result:
    """One sender: the sandbox, or a registered one."""
    from callisi_runtime.plan.call_plan import content_sid_of

    if channel.sandbox and content_sid_of(channel, patient.settings) is None:
        if sender != SANDBOX:
            what = f"`sandbox: true`, but the sender is not Twilio's sandbox, {SANDBOX}"
            return problem(
                what, f"TWILIO_WHATSAPP_FROM=whatsapp:{SANDBOX}, or a template instead of the sandbox"
            )
        what = (
            "the sandbox forgets members after 3 days, and free text after 24 hours; only a message shows it"
        )
        mend = f"callisi doctor {patient.agent} --live tries it; for a real line a sender of your own, and `template`"
        return warning(what, mend)
    held = await ask(
        patient, lambda client: client.messaging.v2.channels_senders.list(channel="whatsapp", limit=200)
    )
    ours = next((one for one in held if one.sender_id == f"whatsapp:{sender}"), None)
    if ours is None:
        mend = f"callisi provision {patient.agent} --apply registers it, or says what only a person can do"
        return problem("the WhatsApp sender is not registered at Twilio (63007)", mend)
    if str(ours.status) not in READY:
        mend = f"callisi provision {patient.agent} says what is missing"
        return problem(f"the WhatsApp sender is {ours.status}", mend)
    return ok("the WhatsApp sender is online")


async def templates(patient: Patient) -> list[Result]:
    """Whether WhatsApp's templates are approved, and have the variables that the file fills in."""
    channels = whatsapp_of(patient)
    if not channels:
        return [skipped(NO_WHATSAPP)]
    found = [
        await template_of(patient, one) for one in channels if one.template is not None or not one.sandbox
    ]
    return found or [skipped("the sandbox needs no template")]


async def template_of(patient: Patient, channel: WhatsApp) -> Result:
    """The template of one channel: one that stands in the file, or one that was made elsewhere."""
    from callisi_runtime.plan.call_plan import content_sid_of

    content_sid = content_sid_of(channel, patient.settings)
    if content_sid is None:
        what = "the template of the file is not handed in: TWILIO_WHATSAPP_CONTENT_SID is not set"
        judge = warning if channel.sandbox else problem
        return judge(what, provision(patient))
    content = await ask(patient, lambda client: client.content.v1.contents(content_sid).fetch())
    if channel.template is not None and body_of(content) != wanted_body(patient, channel.template):
        what = "the approved template has another text than the file: its variables would fill in the wrong places"
        return problem(what, provision(patient))
    return await approval(patient, content, None if channel.template else set(channel.variables))


def body_of(content: Any) -> str:
    """The text of a template, as Twilio holds it."""
    return str(((content.types or {}).get("twilio/text") or {}).get("body", ""))


def wanted_body(patient: Patient, text: str) -> str:
    """The text of the file as it is handed in."""
    from callisi_runtime.plan import sample_call, variables
    from callisi_runtime.plan.content import content_template

    return content_template(text, variables(patient.known_spec(), sample_call())).body


async def approval(patient: Patient, content: Any, filled: set[str] | None) -> Result:
    """One template."""
    wanted = set(content.variables or {})
    if filled is not None and wanted != filled:
        what = f"the template has the variables {shown(wanted)}, the file fills in {shown(filled)}"
        return problem(what, "make `variables` in the file those of the template")
    held = await ask(patient, lambda client: client.content.v1.contents(content.sid).approval_fetch().fetch())
    about: Any = held.whatsapp or {}
    state = str(about.get("status") or "unsubmitted")
    if state == "approved":
        return ok("WhatsApp's template is approved")
    if state == "rejected":
        why = f": {about['rejection_reason']}" if about.get("rejection_reason") else ""
        return problem(f"WhatsApp has rejected the template{why}", "change its text, and submit it again")
    if state in ("received", "pending"):
        return problem("WhatsApp has not approved the template yet", "wait: it takes minutes to a day")
    return problem(f"the template is {state}", provision(patient))


def shown(numbers: set[str]) -> str:
    """`1, 2`."""
    return ", ".join(sorted(numbers, key=lambda one: (len(one), one))) or "none"
