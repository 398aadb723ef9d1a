"""The WhatsApp sender: what stands between it and the first message."""

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


async def test_the_first_sender_of_an_account_is_a_persons_work(office: Desk) -> None:
    step = await office.step(KEY)
    assert step.blocked is not None
    assert step.blocked.as_dict() == {
        "what": f"{OFFICE} is no WhatsApp sender of this account, nor is any other number: the first one links the "
        "account with a WhatsApp Business Account, and Meta lets only a person do that",
        "who": "whoever may sign for the business, with its Meta Business account",
        "where": "console.twilio.com, Messaging, Senders, WhatsApp senders, Create new sender (Meta's sign-up opens "
        "in a window of its own)",
        "how_long": "an hour; Meta's check of the business takes up to 1 to 2 weeks",
        "then": "callisi provision agents/clara.yaml; a number after the first one it registers itself. Until then, "
        f"the sandbox: TWILIO_WHATSAPP_FROM=whatsapp:{SANDBOX_NUMBER} and sandbox: true",
    }
    assert await office.apply() == ()
    assert office.writes() == []


@pytest.mark.parametrize(
    ("status", "who", "words"),
    [
        ("CREATING", "Twilio", "is creating the sender"),
        ("VERIFYING", "Twilio", "is being verified"),
        ("TWILIO_REVIEW", "Twilio", "reviews the sender"),
        ("DRAFT", "you", "never handed in"),
        ("STUBBED", "you", "never finished"),
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


async def test_without_a_sender_it_says_what_to_set(office: Desk) -> None:
    office.settings.clear()
    step = await office.step(KEY)
    assert step.blocked is not None
    assert "TWILIO_WHATSAPP_FROM is not set" in step.blocked.what


async def test_who_sends_no_whatsapp_needs_no_sender(office: Desk) -> None:
    office.yaml = AGENT.replace("whatsapp", "sms")
    step = await office.step(KEY)
    assert (step.action, step.why) == ("skipped", "this agent sends no WhatsApp")
