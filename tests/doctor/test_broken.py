"""Each thing that is broken is found by the check it belongs to, and what mends it is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from callisi_runtime.ledger import CallRow, Note, Step

from .conftest import OURS, STAFF, TRUNK, Office, add_outbound, add_rule

Breaking = Callable[[Office], Awaitable[None]]


def unset(*names: str) -> Callable[[Office], Awaitable[None]]:
    async def change(office: Office) -> None:
        for name in names:
            del office.environ[name]

    return change


def set_to(name: str, value: str) -> Callable[[Office], Awaitable[None]]:
    async def change(office: Office) -> None:
        office.environ[name] = value

    return change


async def second_outbound_trunk(office: Office) -> None:
    async with office.lk as lk:
        await add_outbound(lk)


async def outbound_without_user(office: Office) -> None:
    office.livekit.trunks.outbound.clear()
    async with office.lk as lk:
        await add_outbound(lk, auth_username="", auth_password="")


async def no_inbound_trunk(office: Office) -> None:
    office.livekit.trunks.inbound.clear()


async def no_rule(office: Office) -> None:
    office.livekit.trunks.rules.clear()


async def rule_of_another(office: Office) -> None:
    office.livekit.trunks.rules.clear()
    async with office.lk as lk:
        await add_rule(lk, next(iter(office.livekit.trunks.inbound)), "otto")


async def no_ringing_timeout(office: Office) -> None:
    for trunk in office.livekit.trunks.inbound.values():
        trunk.ringing_timeout.CopyFrom(Duration())


async def agent_with_a_mistake(office: Office) -> None:
    file = office.folder / "bad.yaml"
    file.write_text("name: bad\ngreting: Hallo\n", encoding="utf-8")
    office.agent = str(file)


async def a_dead_letter(office: Office) -> None:
    ledger = await office.ledger()
    await ledger.begin_call(CallRow("SCL_1", "clara", None, ledger.clock(), "call-1"))
    note = Note("SCL_1:1", "SCL_1", "clara", {"texts": ["x"]}, (Step("sms", OURS),), "K7Q2")
    await ledger.arm(note, due_in=0)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.onward(row, "sms: 21211", "rejected")
    await ledger.close()


async def a_callback_nobody_takes(office: Office) -> None:
    ledger = await office.ledger()
    await ledger.begin_call(CallRow("SCL_1", "clara", None, ledger.clock(), "call-1"))
    note = Note("SCL_1:1", "SCL_1", "clara", {"texts": ["x"]}, (Step("sms", OURS),), "K7Q2", escalate=0.0)
    await ledger.settle("SCL_1", outcome="busy", send=True, note=note)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.taken(row, "SM1", poll_in=None)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.unclaimed(row)
    await ledger.close()


async def nobody_sends(office: Office) -> None:
    ledger = await office.ledger()
    note = Note("SCL_1:1", "SCL_1", "clara", {"texts": ["x"]}, (Step("sms", OURS),), "K7Q2")
    await ledger.arm(note, due_in=-600)
    await ledger.close()


async def ledger_for_all_to_read(office: Office) -> None:
    await (await office.ledger()).close()
    (office.folder / "callisi.db").chmod(0o644)


async def ledger_that_is_none(office: Office) -> None:
    (office.folder / "callisi.db").write_text("not a database, but long enough to look like one " * 50)


def account(**values: Any) -> Breaking:
    async def change(office: Office) -> None:
        for name, value in values.items():
            setattr(office.part("account"), name, value)

    return change


def number(**values: Any) -> Breaking:
    async def change(office: Office) -> None:
        office.number.update(values)

    return change


def trunk(**values: Any) -> Breaking:
    async def change(office: Office) -> None:
        office.trunk.update(values)

    return change


def url(**values: Any) -> Breaking:
    async def change(office: Office) -> None:
        office.url.update(values)

    return change


def own(text: str, variant: str = "forward_sms") -> Breaking:
    async def change(office: Office) -> None:
        office.extend(text, variant)

    return change


async def number_of_another(office: Office) -> None:
    office.part("numbers").owned.clear()


async def no_url(office: Office) -> None:
    office.part("trunking").urls.clear()


async def no_trunk(office: Office) -> None:
    office.part("trunking").trunks.clear()
    office.number["trunk_sid"] = None


async def second_trunk(office: Office) -> None:
    office.part("trunking").add_trunk(TRUNK)


async def number_in_another_trunk(office: Office) -> None:
    other = office.part("trunking").add_trunk("old")
    office.number["trunk_sid"] = other["sid"]


async def user_of_another(office: Office) -> None:
    office.part("sip").users.clear()


async def dials_elsewhere(office: Office) -> None:
    office.livekit.trunks.outbound.clear()
    async with office.lk as lk:
        await add_outbound(lk, address="another.pstn.twilio.com")


async def foreign_caller_id(office: Office) -> None:
    office.livekit.trunks.outbound.clear()
    async with office.lk as lk:
        await add_outbound(lk, numbers=["+4930901820777"])


async def germany_is_off(office: Office) -> None:
    office.part("dialing_permissions").allowed["DE"].clear()
    office.part("messaging_permissions").allowed.clear()


async def old_server(office: Office) -> None:
    office.livekit.workers.version = "1.4.2"


async def no_sip_service(office: Office) -> None:
    office.environ["LIVEKIT_SIP_URI"] = "sip:127.0.0.1:9;transport=tcp"


def alert(code: int, **values: Any) -> Breaking:
    async def change(office: Office) -> None:
        office.part("alerts").add(code, **values)

    return change


WHATSAPP = (
    "transfer: {to: '+49 30 901820111'}\n"
    "fallback: {channels: [{whatsapp: {to: '+49 170 12345678', from: '+49 30 901820100', content_sid: %s,\n"
    "  variables: {'1': '{{ caller.phone }}'}}}]}\n"
)


def whatsapp(status: str | None = "approved", sender: str | None = "ONLINE", **shown: Any) -> Breaking:
    async def change(office: Office) -> None:
        template = office.part("contents").add("callback", "Bitte {{1}} anrufen.", status=status)
        template.variables = shown.get("variables", {"1": "+49 30 1234567"})
        if template.approval is not None:
            template.approval.reason = shown.get("reason", "")
        if sender is not None:
            office.part("senders").add(OURS, sender)
        office.extend(WHATSAPP % template.sid)

    return change


def declared(text: str, sender: str = OURS) -> Breaking:
    """The variant's own text, of which this one was approved."""

    async def change(office: Office) -> None:
        template = office.part("contents").add("callisi:clara:1", text, status="approved")
        office.part("senders").add(OURS)
        office.environ["TWILIO_WHATSAPP_CONTENT_SID"] = template.sid
        office.environ["TWILIO_WHATSAPP_FROM"] = f"whatsapp:{sender}"
        office.extend("", "forward_whatsapp")

    return change


TEXT = "Clara: Ziel nicht erreicht ({{1}}). Bitte Rückruf an {{2}}, Anliegen: {{3}}. Ref {{4}}, Anruf um {{5}} Uhr."

BROKEN = [
    # the file and the environment
    (agent_with_a_mistake, "agent file", "unknown key `greting`", "callisi validate"),
    (set_to("DEFAULT_FORWARD_NUMBER", OURS), "agent file", "come back to the agent", "callisi validate"),
    (set_to("DEFAULT_FORWARD_NUMBER", "110"), "agent file", "110", "callisi validate"),
    (unset("OPENAI_API_KEY"), "environment", "OPENAI_API_KEY is not set", ".env"),
    (unset("LIVEKIT_API_SECRET"), "environment", "LIVEKIT_API_SECRET is not set", ".env"),
    (unset("TWILIO_AUTH_TOKEN"), "environment", "the channel sms", "TWILIO_AUTH_TOKEN"),
    (unset("DEFAULT_FORWARD_NUMBER"), "environment", "example number", "DEFAULT_FORWARD_NUMBER"),
    # LiveKit
    (set_to("LIVEKIT_URL", "http://127.0.0.1:9"), "LiveKit", "does not answer", "LIVEKIT_URL"),
    (set_to("LIVEKIT_API_SECRET", "x" * 40), "LiveKit", "refuses the key", "LIVEKIT_API_SECRET"),
    (no_sip_service, "SIP address", "nothing listens at 127.0.0.1:9", "livekit-sip"),
    (set_to("LIVEKIT_SIP_URI", "SDR_x1"), "SIP address", "an id, not a host", "Settings, Project"),
    (set_to("LIVEKIT_SIP_URI", "sip:a@a.sip.livekit.cloud"), "SIP address", "in front of the @", "HOST"),
    (set_to("LIVEKIT_SIP_URI", "sip: nowhere"), "SIP address", "not a SIP address", "transport=tcp"),
    (set_to("SIP_TRUNK_NAME", "other"), "people are dialled", "there are: Callisi", "SIP_TRUNK_NAME"),
    (second_outbound_trunk, "people are dialled", "2 outbound trunks", "delete all but one"),
    (outbound_without_user, "people are dialled", "has no user", "callisi provision"),
    (no_inbound_trunk, "calls come in", f"no inbound trunk takes calls to {OURS}", "callisi provision"),
    (set_to("TWILIO_PHONE_NUMBER", "+49 30 901820999"), "calls come in", "no inbound trunk", "provision"),
    (no_rule, "calls come in", "no dispatch rule", "`clara`"),
    (rule_of_another, "calls come in", "leads to `otto`", "`clara`"),
    (no_ringing_timeout, "calls go back", "ring for 180 s", "ringing_timeout"),
    # Twilio: the account
    (set_to("TWILIO_AUTH_TOKEN", "wrong"), "Twilio", "refuses the credentials", "TWILIO_AUTH_TOKEN"),
    (set_to("TWILIO_API_BASE", "http://127.0.0.1:9"), "Twilio", "does not answer", "network"),
    (account(status="suspended"), "Twilio", "suspended", "console"),
    (account(type="Trial"), "Twilio", "is not verified", "Verified Caller IDs"),
    (account(balance="0.40"), "balance", "0.40 EUR are left", "pay in"),
    # the number
    (number_of_another, "number", "not one of this account", "TWILIO_PHONE_NUMBER"),
    (number(trunk_sid=None), "number", "belongs to no SIP trunk", "callisi provision"),
    (number(voice_application_sid="AP" + "1" * 32), "number", "a TwiML app", "callisi provision"),
    (number(voice_receive_mode="fax"), "number", "faxes", "accept voice"),
    (number(capabilities={"voice": False}), "number", "takes no calls", "buy"),
    (foreign_caller_id, "caller id", "neither this account's nor verified", "callisi provision"),
    (germany_is_off, "calls abroad", "calls to Germany are off", "callisi provision"),
    # the trunk
    (no_trunk, "trunk", f"no trunk `{TRUNK}`", "callisi provision"),
    (number(trunk_sid=None), "trunk", "does not belong", "callisi provision"),
    (number_in_another_trunk, "trunk", "belongs to `old`", "SIP_TRUNK_NAME"),
    (no_url, "origination", "is not there (32010)", "callisi provision"),
    (url(enabled=False), "origination", "is off (32010)", "callisi provision"),
    (url(sip_url="sip:other.sip.livekit.cloud"), "origination", "but LIVEKIT_SIP_URI says", "provision"),
    (url(sip_url="sip:x1@x1.sip.livekit.cloud"), "origination", "in front of the @", "provision"),
    (url(sip_url="sip:SDR_abc"), "origination", "is an id, not a host", "provision"),
    (trunk(secure=True), "origination", "(32209)", "callisi provision"),
    (trunk(domain_name=None), "termination", "no termination domain", "callisi provision"),
    (trunk(auth_type=""), "termination", "neither a credential list", "callisi provision"),
    (dials_elsewhere, "termination", "LiveKit sends calls to another.pstn", "callisi provision"),
    (user_of_another, "termination", "do not have (32202)", "callisi provision"),
    (own(f"transfer: {{to: '{STAFF}', mode: refer}}"), "termination", "(32218)", "callisi provision"),
    (trunk(recording={"mode": "record-from-answer"}), "recording", "records calls", "callisi provision"),
    # messages
    (number(capabilities={"voice": True, "sms": False}), "SMS sender", "cannot send", "a number with SMS"),
    (germany_is_off, "SMS abroad", "SMS to DE are off", "callisi provision"),
    (whatsapp(sender=None), "WhatsApp sender", "not registered", "Senders"),
    (whatsapp(sender="OFFLINE"), "WhatsApp sender", "OFFLINE", "Senders"),
    (whatsapp(status=None), "WhatsApp template", "unsubmitted", "callisi provision"),
    (whatsapp(status="pending"), "WhatsApp template", "not approved the template yet", "wait"),
    (whatsapp(status="rejected", reason="TAG"), "WhatsApp template", "rejected the template: TAG", "text"),
    (whatsapp(variables={"1": "a", "2": "b"}), "WhatsApp template", "has the variables 1, 2", "`variables`"),
    (
        declared("Rückruf an {{1}}, Anruf um {{2}} Uhr."),
        "WhatsApp template",
        "another text",
        "callisi provision",
    ),
    # what Twilio complained about
    (alert(32010), "alerts", "32010 the trunk has no valid origination URL", "callisi provision"),
    # what lies here
    (a_dead_letter, "ledger", "reached nobody", "callisi redrive"),
    (a_callback_nobody_takes, "ledger", "nobody who calls back", "callisi redrive"),
    (nobody_sends, "ledger", "nobody sends it", "callisi deliver"),
    (ledger_for_all_to_read, "ledger's file", "can be read by others", "chmod 600"),
    (ledger_that_is_none, "ledger", "cannot be read", "CALLISI_DATABASE"),
    (set_to("CALLISI_PUBLIC_URL", "http://127.0.0.1:9"), "reports", "does not answer", "callisi serve"),
]


@pytest.mark.parametrize(
    ("breaking", "check", "what", "mend"), BROKEN, ids=[f"{check}: {what}" for _, check, what, _ in BROKEN]
)
async def test_what_is_broken_is_found(
    office: Office, breaking: Breaking, check: str, what: str, mend: str
) -> None:
    await breaking(office)
    found = [one for one in await office.finding(check) if one.state == "problem"]
    assert any(what in one.what and mend in (one.mend or "") for one in found), found


SOON = [
    (account(type="Trial", verified=[STAFF, "+4917012345678"]), "Twilio", "a trial account", "upgrade"),
    (account(balance="4.99"), "balance", "only 4.99 EUR", "pay in"),
    (account(profiles=["in-review"]), "calls at a time", "takes both", "Trust Hub"),
    (trunk(disaster_recovery_url=None), "emergency route", "no disaster recovery URL", "provision"),
    (second_trunk, "trunk", f"2 trunks are called `{TRUNK}`", "delete all but the one"),
    (old_server, "LiveKit", "1.4.2", "update livekit-server"),
    (unset("LIVEKIT_SIP_URI"), "SIP address", "LIVEKIT_SIP_URI is not set", "Settings, Project"),
    (alert(99999), "alerts", "99999", "twilio.com/docs/errors/99999"),
    (alert(32001), "alerts", "32001 more than one new call per second", "tried again"),
    (own("", "forward_whatsapp"), "WhatsApp sender", "forgets members after 3 days", "--live"),
    (declared(TEXT, "+14155238886"), "WhatsApp sender", "forgets members after 3 days", "--live"),
]


@pytest.mark.parametrize(
    ("changing", "check", "what", "mend"), SOON, ids=[f"{check}: {what}" for _, check, what, _ in SOON]
)
async def test_what_will_hurt_some_day_is_a_warning(
    office: Office, changing: Breaking, check: str, what: str, mend: str
) -> None:
    await changing(office)
    found = await office.finding(check)
    assert {one.state for one in found} == {"warning"}
    assert any(what in one.what and mend in (one.mend or "") for one in found), found


WELL = [
    (alert(32010, ago=timedelta(hours=2)), "alerts", "none in the last hour"),
    (alert(32010, level="debug"), "alerts", "none in the last hour"),
    (account(made="Mon, 01 Jun 2020 00:00:00 +0000", profiles=[]), "calls at a time", "from 2020"),
    (account(type="Trial", verified=[STAFF, "+4917012345678"]), "calls at a time", "four calls"),
    (whatsapp(), "WhatsApp sender", "is online"),
    (whatsapp(), "WhatsApp template", "is approved"),
    (declared(TEXT), "WhatsApp sender", "is online"),
    (declared(TEXT), "WhatsApp template", "is approved"),
]


@pytest.mark.parametrize(
    ("changing", "check", "what"), WELL, ids=[f"{check}: {what}" for _, check, what in WELL]
)
async def test_what_is_well_in_another_way_is_found_well(
    office: Office, changing: Breaking, check: str, what: str
) -> None:
    await changing(office)
    (found,) = await office.finding(check)
    assert (found.state, what in found.what) == ("ok", True), found
