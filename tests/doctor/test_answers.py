"""Whatever a provider answers, it is one clear sentence."""

from __future__ import annotations

import asyncio

import pytest

from .conftest import Office

SENTENCES = {
    "status:401": ("Twilio refuses the credentials (401)", "TWILIO_AUTH_TOKEN"),
    "status:403": ("Twilio forbids it", "all rights"),
    "status:404": ("Twilio does not find it (404)", "TWILIO_ACCOUNT_SID"),
    "status:429": ("Twilio has had too many requests (429)", "wait a minute"),
    "status:500": ("Twilio has a fault of its own (500)", "status.twilio.com"),
    "status:503": ("Twilio has a fault of its own (503)", "status.twilio.com"),
    "hang": ("Twilio does not answer within 1 s", "status.twilio.com"),
    "drop": ("Twilio does not answer", "network"),
}
OPERATIONS = {
    "account": "Twilio",
    "balance": "balance",
    "profile_list": "calls at a time",
    "number_list": "number",
    "trunk_list": "trunk",
    "origination_list": "origination",
    "recording_fetch": "recording",
    "dialing_fetch": "calls abroad",
    "geo_fetch": "SMS abroad",
}


@pytest.mark.parametrize("fault", SENTENCES)
async def test_every_refusal_of_twilio_is_one_sentence_at_the_check_it_concerns(
    office: Office, fault: str
) -> None:
    what, mend = SENTENCES[fault]
    if fault == "hang":
        office.patience = 1
    for operation, check in list(OPERATIONS.items())[: 3 if fault == "hang" else None]:
        office.twilio.faults.clear()
        office.twilio.faults.add(operation, fault, times=None)
        (found,) = await office.finding(check)
        assert found.state == "problem", operation
        assert found.what.startswith(what), operation
        assert mend in (found.mend or ""), operation


async def test_credentials_that_are_refused_are_said_once(office: Office) -> None:
    office.environ["TWILIO_AUTH_TOKEN"] = "wrong"
    found = await office.findings()
    said = [name for name, results in found.items() for one in results if one.state == "problem"]
    assert said == ["Twilio"]
    assert found["balance"][0].what == "Twilio was not asked: see `Twilio`"


@pytest.mark.parametrize(
    ("fault", "what", "mend"),
    [
        ("status:401", "refuses the key (401)", "LIVEKIT_API_SECRET"),
        ("status:403", "refuses the key (403)", "LIVEKIT_API_SECRET"),
        ("status:404", "is no LiveKit server", "LIVEKIT_URL"),
        ("status:429", "too many requests (429)", "wait a minute"),
        ("status:503", "a fault of its own (503)", "log"),
        ("hang", "does not answer within 1 s", "LIVEKIT_URL"),
        ("drop", "does not answer", "LIVEKIT_URL"),
    ],
)
async def test_every_refusal_of_livekit_is_one_sentence(
    office: Office, fault: str, what: str, mend: str
) -> None:
    if fault == "hang":
        office.patience = 1
    for operation, check in (("agent", "LiveKit"), ("ListSIPInboundTrunk", "SIP service")):
        office.livekit.faults.clear()
        office.livekit.faults.add(operation, fault, times=None)
        (found,) = await office.finding(check)
        assert (found.state, what in found.what, mend in (found.mend or "")) == ("problem", True, True), found


async def test_what_hangs_does_not_make_anybody_wait_for_ever(office: Office) -> None:
    """LiveKit's library has no timeout for some requests: ours holds."""
    office.patience = 1
    office.livekit.faults.add("*", "hang", times=None)
    office.twilio.faults.add("*", "hang", times=None)
    office.sip.says = None
    async with asyncio.timeout(30):
        found = await office.findings()
    said = {name: one.what for name, results in found.items() for one in results if one.state == "problem"}
    assert said == {
        "LiveKit": f"{office.livekit.url} does not answer within 1 s",
        "SIP address": f"no SIP service answers at 127.0.0.1:{office.sip.port} within 1 s",
        "Twilio": "Twilio does not answer within 1 s",
    }
