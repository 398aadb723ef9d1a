"""Each way in which a provider can refuse or be silent is one clear sentence, and says what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callisi_runtime.errors import CallisiError

if TYPE_CHECKING:
    from tests.provision.conftest import Office

READING = [
    (
        "twilio",
        "status:401",
        "Twilio refuses the credentials (401) when it is asked for the trunks; check TWILIO_ACCOUNT_SID",
    ),
    ("twilio", "status:403", "Twilio forbids it (403) when it is asked for the trunks"),
    ("twilio", "status:404", "Twilio does not find it (404) when it is asked for the trunks"),
    (
        "twilio",
        "status:429",
        "Twilio has had too many requests (429) when it is asked for the trunks; wait a minute",
    ),
    ("twilio", "status:500", "Twilio has a fault of its own (500) when it is asked for the trunks"),
    ("twilio", "hang", "Twilio does not answer within 3 s when it is asked for the trunks"),
    ("twilio", "drop", "Twilio does not answer when it is asked for the trunks"),
    ("livekit", "status:401", "LiveKit refuses the key; check LIVEKIT_API_KEY"),
    ("livekit", "status:403", "LiveKit refuses the key"),
    ("livekit", "status:404", "LiveKit does not know it when it is asked for the inbound trunks"),
    (
        "livekit",
        "status:429",
        "LiveKit has too many requests at once when it is asked for the inbound trunks",
    ),
    ("livekit", "status:503", "LiveKit answers 503 when it is asked for the inbound trunks"),
    ("livekit", "hang", "LiveKit does not answer within 3 s when it is asked for the inbound trunks"),
    ("livekit", "drop", "LiveKit cannot be reached when it is asked for the inbound trunks"),
]


async def sentence(office: Office, fault: str = "", *, apply: bool = False) -> str:
    seconds = 3.0 if fault == "hang" else 30.0  # what answers at all may do so late on a busy machine
    with pytest.raises(CallisiError) as caught:
        await (office.apply(timeout=seconds) if apply else office.plan(timeout=seconds))
    [problem] = caught.value.problems
    return str(problem)


@pytest.mark.parametrize(("provider", "fault", "said"), READING)
async def test_reading(office: Office, provider: str, fault: str, said: str) -> None:
    server, operation = (
        (office.twilio, "trunk_list") if provider == "twilio" else (office.livekit, "ListSIPInboundTrunk")
    )
    await office.plan()  # the libraries are loaded before seconds are counted
    server.faults.add(operation, fault, times=None)
    assert said in await sentence(office, fault)


@pytest.mark.parametrize("fault", ["status:429", "status:503", "drop"])
async def test_what_passes_by_itself_is_waited_for_when_reading(office: Office, fault: str) -> None:
    office.twilio.faults.add("trunk_list", fault, times=2)
    office.livekit.faults.add("ListSIPInboundTrunk", fault, times=2)
    assert (await office.plan()).changes


async def test_writing_is_repeated_only_when_nothing_was_done(office: Office) -> None:
    office.twilio.faults.add("trunk_create", "status:429", times=2)
    assert (await office.apply()).converged
    assert len(office.twilio.log.of("trunk_create")) == 3


@pytest.mark.parametrize("fault", ["hang", "status:500"])
async def test_writing_without_an_answer_says_that_nobody_knows(office: Office, fault: str) -> None:
    await office.plan()  # the libraries are loaded before seconds are counted
    office.twilio.faults.add("trunk_create", fault)
    said = await sentence(office, fault, apply=True)
    assert "nobody knows whether it was done" in said
    assert "run the same command again" in said
    assert len(office.twilio.log.of("trunk_create")) == 1


async def test_a_domain_that_is_taken_names_the_setting(office: Office) -> None:
    office.environ["TWILIO_TRUNK_DOMAIN"] = "taken"
    office.trunking.add_trunk("Other", "taken.pstn.twilio.com")
    office.trunking.trunks[next(iter(office.trunking.trunks))]["domain_name"] = "TAKEN.pstn.twilio.com"
    assert (await office.plan()).having("update"), "a domain that was set is what makes the trunk ours"


async def test_more_trunks_than_one_page_are_all_looked_at(office: Office) -> None:
    for number in range(120):
        office.trunking.add_trunk(f"Line {number}", f"line-{number}.pstn.twilio.com")
    await office.apply()
    assert (await office.apply()).done == ()
    assert len(office.trunking.trunks) == 121


@pytest.mark.parametrize(
    "uri", ["SDR_abc", "sip:user@host.example.com", "sip:ST_1", "https://x.livekit.cloud"]
)
async def test_what_is_no_sip_address_is_refused_with_what_would_be(office: Office, uri: str) -> None:
    office.environ["LIVEKIT_SIP_URI"] = uri
    assert "nothing in front of an @" in await sentence(office)


async def test_two_numbers_for_one_agent_are_refused(office: Office) -> None:
    with pytest.raises(CallisiError, match="two numbers are wanted"):
        await office.plan(buy=True, number="+4915700000009")
