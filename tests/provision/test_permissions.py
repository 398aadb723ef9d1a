"""Countries are opened for the numbers that the file names, and for nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.errors import CallisiError
from callisi_runtime.provision.permissions import MessagingPermissions, VoicePermissions

from .desk import Desk, desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

VOICE, MESSAGES = VoicePermissions.key, MessagingPermissions.key
AGENT = """
name: clara
business: {{name: Callisi, phone: "+49 30 23125000"}}
greeting: Hier ist Clara, die KI-Assistentin.
persona: Du bist am Telefon.
transfer: {{to: [{targets}]}}
fallback: {{channels: [{channels}]}}
"""
AUSTRIAN, GERMAN, CUBAN = "+43 664 1234567", "+49 30 901820", "+53 5 1234567"


def agent(*targets: str, sms: tuple[str, ...] = ("+49 151 12345678",)) -> str:
    quoted = ", ".join(f'"{one}"' for one in targets or ("+49 30 90182099",))
    return AGENT.format(targets=quoted, channels=", ".join(f'{{sms: {{to: "{one}"}}}}' for one in sms))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path, VoicePermissions(), MessagingPermissions(), yaml=agent()) as one:
        yield one


def allowed(office: Desk) -> tuple[set[str], set[str]]:
    """Countries that may be called, and that may be written to."""
    calls = office.twilio.parts["dialing_permissions"].allowed  # type: ignore[attr-defined]
    return {one for one, kinds in calls.items() if kinds}, set(
        office.twilio.parts["messaging_permissions"].allowed  # type: ignore[attr-defined]
    )


async def test_countries_that_are_open_stay_as_they_are(office: Desk) -> None:
    assert [(await office.step(key)).action for key in (VOICE, MESSAGES)] == ["unchanged", "unchanged"]
    assert await office.apply() == ()
    assert office.writes() == []


async def test_a_closed_country_is_opened_with_its_risk_said_before(office: Desk) -> None:
    office.yaml = agent("+49 30 90182099", AUSTRIAN, sms=(AUSTRIAN,))
    steps = [await office.step(key) for key in (VOICE, MESSAGES)]
    assert [[(one.field, one.before, one.after) for one in step.changes] for step in steps] == [
        [("AT", "refused", "allowed")],
        [("AT", "refused", "allowed")],
    ]
    assert [step.marks.risk for step in steps] == [
        "whoever has the account's credentials can then call AT at your cost",
        "whoever has the account's credentials can then send SMS to AT at your cost",
    ]
    assert await office.apply() == (VOICE, MESSAGES)
    assert allowed(office) == ({"DE", "AT"}, {"DE", "AT"})
    assert await office.apply() == (), "a second run changes nothing"


async def test_only_ordinary_numbers_are_opened_for_calls(office: Desk) -> None:
    office.yaml = agent(AUSTRIAN)
    await office.apply()
    opened = office.twilio.parts["dialing_permissions"].allowed["AT"]  # type: ignore[attr-defined]
    assert opened == {"low_risk_numbers"}


@pytest.mark.parametrize(
    ("yaml", "key", "what", "console"),
    [
        (
            agent(CUBAN, AUSTRIAN),
            VOICE,
            r"Twilio alone can open CU for calls. Twilio refuses \(20001\) while CU was opened for calls: .* changed$",
            "console.twilio.com, Voice, Settings, Geo permissions",
        ),
        (
            agent(sms=(CUBAN, AUSTRIAN)),
            MESSAGES,
            r"Twilio alone can open CU for SMS. High risk country permission cannot be updated \(30649\)$",
            "console.twilio.com, Messaging, Settings, Geo permissions",
        ),
    ],
)
async def test_a_country_that_twilio_alone_can_open_is_blocked_and_the_others_are_opened(
    office: Desk, yaml: str, key: str, what: str, console: str
) -> None:
    office.yaml = yaml
    step = await office.left(key)
    assert step.blocked is not None
    assert re.match(what, step.blocked.what), step.blocked.what
    assert step.blocked.who == "the account's owner, who tells Twilio why they are needed"
    assert step.blocked.where == f"{console}, or help.twilio.com; or name somebody in another country"
    assert step.blocked.how_long == "some days"
    assert step.blocked.then == "callisi provision agents/clara.yaml --apply"
    assert {"AT", "DE"} == allowed(office)[key == MESSAGES]


@pytest.mark.parametrize(("operation", "key"), [("dialing_update", VOICE), ("geo_update", MESSAGES)])
async def test_refused_credentials_say_nothing_about_a_country(
    office: Desk, operation: str, key: str
) -> None:
    office.yaml = agent(AUSTRIAN, sms=(AUSTRIAN,))
    office.twilio.faults.add(operation, "status:401")
    with pytest.raises(CallisiError, match="Twilio refuses the credentials"):
        await office.apply()


@pytest.mark.parametrize("operation", ["dialing_update", "geo_update"])
@pytest.mark.parametrize("fault", ["accept_then_drop", "drop", "status:503"])
async def test_a_run_that_is_cut_off_is_continued_by_the_next(
    office: Desk, operation: str, fault: str
) -> None:
    office.yaml = agent(AUSTRIAN, sms=(AUSTRIAN,))
    office.twilio.faults.add(operation, fault)
    if fault.startswith("accept"):
        await office.apply()  # it was done, and is found
    else:
        with pytest.raises(CallisiError):
            await office.apply()
        await office.apply()
    assert allowed(office) == ({"DE", "AT"}, {"DE", "AT"})
    assert await office.apply() == ()


async def test_who_calls_nobody_and_writes_to_nobody_needs_no_permission(office: Desk) -> None:
    office.yaml = "\n".join(agent().splitlines()[:-2])
    steps = [await office.step(key) for key in (VOICE, MESSAGES)]
    assert [(step.action, step.why) for step in steps] == [
        ("skipped", "this agent calls nobody"),
        ("skipped", "this agent writes an SMS to nobody"),
    ]


async def test_what_others_may_need_is_never_closed(office: Desk) -> None:
    office.yaml = agent(AUSTRIAN, sms=(AUSTRIAN,))
    await office.apply()
    assert await office.destroy() == ()
    assert allowed(office) == ({"DE", "AT"}, {"DE", "AT"})


async def test_every_request_is_one_of_twilios_own(tmp_path: Path) -> None:
    yaml = agent(AUSTRIAN, sms=(AUSTRIAN,))
    async with desk(tmp_path, VoicePermissions(), MessagingPermissions(), yaml=yaml, checked=True) as office:
        office.timeout = 60.0
        assert await office.apply() == (VOICE, MESSAGES)
