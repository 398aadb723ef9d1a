"""Each thing that is broken is found by the check it belongs to, and what mends it is said."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from callisi_runtime.cli.commands.doctor import WORDS
from callisi_runtime.doctor import Result

from .breaking import (
    SMS_FROM_A_NAME,
    TEXT,
    Breaking,
    a_callback_nobody_takes,
    a_dead_letter,
    account,
    agent_with_a_mistake,
    alert,
    declared,
    dials_elsewhere,
    foreign_caller_id,
    germany_is_off,
    kept_sentences,
    ledger_for_all_to_read,
    ledger_of_its_own,
    ledger_that_is_none,
    many_trunks,
    no_inbound_trunk,
    no_longest_call,
    no_ringing_timeout,
    no_rule,
    no_sip_service,
    no_trunk,
    no_url,
    nobody_sends,
    number,
    number_in_another_trunk,
    number_of_another,
    old_server,
    outbound_without_user,
    own,
    rule_for_nobody,
    rule_of_another,
    second_outbound_trunk,
    second_trunk,
    server_without_sip,
    set_and,
    set_to,
    trunk,
    unset,
    url,
    user_of_another,
    whatsapp,
)
from .conftest import OURS, STAFF, TRUNK, Office

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
    (server_without_sip, "SIP service", "has no SIP service", "livekit-sip"),
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
    (rule_for_nobody, "calls come in", "to no agent by name", "`clara`"),
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
    (
        set_and("TWILIO_WHATSAPP_FROM", "whatsapp:+4930901820199", own("", "forward_whatsapp")),
        "WhatsApp sender",
        "not Twilio's sandbox",
        "TWILIO_WHATSAPP_FROM",
    ),
    (whatsapp(sender=None), "WhatsApp sender", "not registered", "callisi provision"),
    (whatsapp(sender="OFFLINE"), "WhatsApp sender", "OFFLINE", "callisi provision"),
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
    office: Office, snapshot: SnapshotAssertion, breaking: Breaking, check: str, what: str, mend: str
) -> None:
    await breaking(office)
    found = await office.finding(check)
    wrong = [one for one in found if one.state == "problem"]
    assert any(what in one.what and mend in (one.mend or "") for one in wrong), found
    assert shown(office, check, found) == snapshot


def shown(office: Office, check: str, found: list[Result]) -> list[str]:
    """As the command prints it, without what differs from run to run."""
    lines = [
        line
        for one in found
        for line in (f"{WORDS[one.state]} {check}: {one.what}", one.mend and f"-> {one.mend}")
        if line
    ]
    named = {
        str(office.folder): "FOLDER",
        f":{office.sip.port}": ":SIP",
        f":{office.livekit.port}": ":LIVEKIT",
    }
    for found_text, name in named.items():
        lines = [line.replace(found_text, name) for line in lines]
    lines = [re.sub(r"due for \d+ s", "due for SECONDS", line) for line in lines]
    return [re.sub(r"\b(TK|ST|SDR)_?[0-9A-Za-z]{8,}\b", r"\1...", line) for line in lines]


SOON = [
    (account(type="Trial", verified=[STAFF, "+4917012345678"]), "Twilio", "a trial account", "upgrade"),
    (account(balance="4.99"), "balance", "only 4.99 EUR", "pay in"),
    (account(profiles=["in-review"]), "calls at a time", "takes both", "Trust Hub"),
    (trunk(disaster_recovery_url=None), "emergency route", "no disaster recovery URL", "provision"),
    (second_trunk, "trunk", f"2 trunks are called `{TRUNK}`", "delete all but the one"),
    (old_server, "LiveKit", "1.4.2", "update livekit-server"),
    (no_longest_call, "calls go back", "has no max_call_duration", "callisi provision"),
    (own(SMS_FROM_A_NAME), "SMS sender", "nobody can answer them", "use a number"),
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
    office: Office, snapshot: SnapshotAssertion, changing: Breaking, check: str, what: str, mend: str
) -> None:
    await changing(office)
    found = await office.finding(check)
    assert {one.state for one in found} == {"warning"}
    assert any(what in one.what and mend in (one.mend or "") for one in found), found
    assert shown(office, check, found) == snapshot


WELL = [
    (own("business: {name: Praxis, phone: '+49 30 901820100'}\n"), "agent file", "is right"),
    (ledger_of_its_own, "ledger", "nothing waits for a person"),
    (ledger_of_its_own, "ledger's file", "is its owner's alone"),
    (many_trunks, "trunk", "belongs to `Callisi-LiveKit-Trunk`"),
    (kept_sentences, "speech", "fixed sentences are there"),
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
