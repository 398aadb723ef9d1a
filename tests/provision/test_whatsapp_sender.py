"""The WhatsApp sender: what stands between it and the first message, and where its answers go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callisi_runtime.loopback.twilio_senders import Senders
from callisi_runtime.provision.whatsapp_sender import WhatsAppSender
from callisi_runtime.spec.fallback import SANDBOX_NUMBER

from .desk import OFFICE, Desk, desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY = WhatsAppSender.key
OURS = "https://clara.example.com/twilio/inbound"
FOREIGN = "https://crm.example.com/whatsapp"
TEXT = "{{ agent.name }}: Bitte Rückruf an {{ caller.phone }}. Ref {{ call.reference }}, danke."
AGENT = """
name: clara
business: {name: Callisi, phone: "+49 30 23125000"}
greeting: Hier ist Clara, die KI-Assistentin.
persona: Du bist am Telefon.
transfer: {to: "+49 30 90182099"}
fallback:
  channels:
    - whatsapp:
        to: "+49 151 12345678"
"""


def agent(*lines: str) -> str:
    """An agent whose WhatsApp channel has these lines."""
    return AGENT + "".join(f"        {line}\n" for line in lines)


DECLARED = agent(f'template: "{TEXT}"')


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path, WhatsAppSender(), yaml=DECLARED) as one:
        one.settings["twilio_whatsapp_from"] = f"whatsapp:{OFFICE}"
        yield one


def senders(office: Desk) -> Senders:
    part = office.twilio.parts["senders"]
    assert isinstance(part, Senders)
    return part


async def test_a_sender_that_is_online_is_fine(office: Desk) -> None:
    sid = senders(office).add(OFFICE).sid
    step = await office.step(KEY)
    assert (step.action, step.id) == ("unchanged", sid)


async def test_an_unregistered_sender_says_who_where_and_how_long(office: Desk) -> None:
    senders(office).add("+4930901829")
    step = await office.step(KEY)
    assert step.action == "blocked"
    assert step.blocked is not None
    assert step.blocked.as_dict() == {
        "what": f"{OFFICE} is no WhatsApp sender of this account",
        "who": "whoever may sign for the business, with its Meta Business account",
        "where": "console.twilio.com, Messaging, Senders, WhatsApp senders",
        "how_long": "an hour to hand in, then Meta's approval: 1 to 2 weeks",
        "then": f"callisi provision again; until then, the sandbox: TWILIO_WHATSAPP_FROM=whatsapp:{SANDBOX_NUMBER} and "
        "sandbox: true",
    }


@pytest.mark.parametrize(
    ("status", "who", "words"),
    [
        ("CREATING", "Twilio", "is creating the sender"),
        ("VERIFYING", "Twilio", "is being verified"),
        ("PENDING_VERIFICATION", "you", "waits for its verification code"),
        ("TWILIO_REVIEW", "Twilio", "reviews the sender"),
        ("DRAFT", "you", "never handed in"),
        ("OFFLINE", "you", "is OFFLINE: The account was disabled (63113)"),
    ],
)
async def test_a_sender_that_is_not_online_says_what_it_waits_for(
    office: Desk, status: str, who: str, words: str
) -> None:
    reason = ("63113", "The account was disabled") if status == "OFFLINE" else None
    senders(office).add(OFFICE, status, reason=reason)
    step = await office.step(KEY)
    assert step.blocked is not None
    assert step.blocked.who == who
    assert words in step.blocked.what


async def test_the_sandbox_is_explained_and_asks_twilio_nothing(office: Desk) -> None:
    office.yaml = agent("sandbox: true")
    office.settings["twilio_whatsapp_from"] = f"whatsapp:{SANDBOX_NUMBER}"
    step = await office.step(KEY)
    assert step.blocked is not None
    for fact in ("3 days", "24 hours"):
        assert fact in step.blocked.what
    assert "join" in step.blocked.where
    assert office.twilio.log.of("sender_list") == []


async def test_each_of_several_senders_is_looked_at(office: Desk) -> None:
    second = "+4930901829"
    office.yaml = DECLARED + f'    - whatsapp: {{to: "+49 151 12345679", from: "{second}", sandbox: true}}\n'
    office.settings["callisi_public_url"] = "https://clara.example.com"
    senders(office).add(OFFICE)
    step = await office.step(KEY)
    assert step.blocked is not None
    assert step.blocked.what.startswith(second)
    senders(office).add(second)
    assert [one.field for one in (await office.step(KEY)).changes] == [OFFICE, second]
    assert await office.apply() == (KEY,)
    assert office.writes() == ["sender_update", "sender_update"]
    assert await office.apply() == ()


async def test_without_a_sender_it_says_what_to_set(office: Desk) -> None:
    office.settings.clear()
    step = await office.step(KEY)
    assert step.blocked is not None
    assert "TWILIO_WHATSAPP_FROM is not set" in step.blocked.what


async def test_answers_come_to_us_and_the_senders_other_addresses_stay(office: Desk) -> None:
    sender = senders(office).add(OFFICE)
    sender.webhook = {"callback_url": None, "status_callback_url": "https://crm.example.com/status"}
    office.settings["callisi_public_url"] = "https://clara.example.com"
    assert [(one.field, one.after) for one in (await office.step(KEY)).changes] == [(OFFICE, OURS)]
    assert await office.apply() == (KEY,)
    assert sender.webhook == {
        "status_callback_url": "https://crm.example.com/status",
        "callback_url": OURS,
        "callback_method": "POST",
    }
    assert await office.apply() == ()


async def test_answers_that_go_elsewhere_are_left_alone_until_the_sender_is_adopted(office: Desk) -> None:
    sender = senders(office).add(OFFICE)
    sender.webhook = {"callback_url": FOREIGN}
    office.settings["callisi_public_url"] = "https://clara.example.com"
    step = await office.step(KEY)
    assert step.blocked is not None
    assert FOREIGN in step.blocked.what
    assert await office.apply() == ()
    assert office.writes() == []
    office.adopt = frozenset({sender.sid})
    assert await office.apply() == (KEY,)


@pytest.mark.parametrize("fault", ["accept_then_drop", "drop_mid"])
async def test_a_lost_answer_is_found_again(office: Desk, fault: str) -> None:
    senders(office).add(OFFICE)
    office.settings["callisi_public_url"] = "https://clara.example.com"
    office.twilio.faults.add("sender_update", fault)
    assert await office.apply() == (KEY,)
    assert office.writes() == ["sender_update"]
    assert await office.apply() == ()


async def test_a_sender_is_never_deleted(office: Desk) -> None:
    senders(office).add(OFFICE)
    assert await office.destroy() == ()
    assert len(senders(office).senders) == 1


async def test_who_sends_no_whatsapp_needs_no_sender(office: Desk) -> None:
    office.yaml = AGENT.replace("whatsapp", "sms")
    step = await office.step(KEY)
    assert (step.action, step.why) == ("skipped", "this agent sends no WhatsApp")
