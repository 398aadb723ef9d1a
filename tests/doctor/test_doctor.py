"""A set-up that is well is found well; checks are made at once, in a stable order, and none hides another."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from callisi_runtime.doctor import CHECKS, Patient, Result, examine
from callisi_runtime.doctor.registry import FIRST
from callisi_runtime.ledger import CallRow
from callisi_runtime.loopback.twilio_spec import SpecChecker

from .conftest import LONGEST, Office

FORGOTTEN = 1_000_000.0


def states(results: list[Result]) -> list[str]:
    return [one.state for one in results]


async def test_a_set_up_that_is_well_has_no_problem(office: Office) -> None:
    found = await office.findings()
    assert list(found) == list(CHECKS)
    problems = {name: one for name, results in found.items() for one in results if one.state == "problem"}
    assert problems == {}
    warned = {name for name, results in found.items() if "warning" in states(results)}
    assert warned == {"agent file", "speech", "worker"}, "an example number; and no worker was started here"
    assert [one.what for one in found["calls come in"]] == ["calls of `in` come to `clara`"]


async def test_nothing_is_written_anywhere(office: Office) -> None:
    before, files = len(office.livekit.log.entries), sorted(office.folder.rglob("*"))
    await office.findings()
    operations = {entry.operation for entry in office.livekit.log.entries[before:]}
    assert {name for name in operations if "list" not in name.lower()} == {"agent", "alive"}
    assert {entry.method for entry in office.twilio.log.entries} == {"GET"}
    assert sorted(office.folder.rglob("*")) == files


async def test_without_an_agent_and_an_account_there_is_little_to_look_at() -> None:
    found = await examine(Patient({"CALLISI_DATABASE": "sqlite:////nowhere/callisi.db"}))
    well = {one.state for name, results in found.items() for one in results if name != "disk"}
    assert well <= {"ok", "skipped", "warning"}


async def test_no_secret_stands_in_a_finding(office: Office) -> None:
    office.environ["LIVEKIT_API_SECRET"] = "geheim" * 8
    office.environ["TWILIO_AUTH_TOKEN"] = "geheim-token"
    assert "geheim" not in json.dumps(
        [one.as_dict(name) for name, results in (await office.findings()).items() for one in results]
    )


async def test_livekit_is_asked_once_however_many_checks_ask(office: Office) -> None:
    before = len(office.livekit.log.entries)
    await office.findings()
    asked = [entry.operation for entry in office.livekit.log.entries[before:]]
    assert sorted(asked) == [
        "ListSIPDispatchRule",
        "ListSIPInboundTrunk",
        "ListSIPOutboundTrunk",
        "agent",
        "alive",
    ]


async def test_livekit_is_registered_at_under_a_name_to_which_no_call_comes(office: Office) -> None:
    await office.findings()
    assert office.livekit.workers.registered == ["callisi-doctor"]


@pytest.mark.slow
async def test_all_that_twilio_is_asked_stands_in_its_own_description(
    office: Office, checker: SpecChecker | None
) -> None:
    if checker is None:
        pytest.skip("Twilio's OpenAPI files are absent: set CALLISI_TWILIO_OAI")
    office.twilio.checker, office.patience = checker, 60.0
    template = office.part("contents").add("callback", "Bitte {{1}} anrufen.", status="approved")
    office.extend(
        "fallback: {channels: [{sms: {to: '+49 170 12345678'}},\n"
        f"  {{whatsapp: {{to: '+49 170 12345678', from: '+49 30 901820100', content_sid: {template.sid}}}}}]}}"
    )
    office.part("account").type = "Trial"
    found = await examine(office.patient(), longest=90.0)
    office.part("account").type = "Full"
    found |= await examine(office.patient(), longest=90.0)
    assert office.twilio.violations == []
    assert "no answer" not in str(found)


# -- at once, and in order ------------------------------------------------------------------------------------


async def test_a_provider_that_hangs_hides_no_other(office: Office) -> None:
    office.twilio.faults.add("*", "hang", times=None)
    office.patience = 0.3
    found = await office.findings()
    assert found["Twilio"][0].what == "Twilio does not answer within 0.3 s"
    assert states(found["number"]) == states(found["alerts"]) == ["skipped"]
    assert states(found["LiveKit"]) == states(found["calls come in"]) == ["ok"]


async def test_one_question_that_hangs_hides_no_other_of_the_same_provider(office: Office) -> None:
    office.twilio.faults.add("balance", "hang", times=None)
    office.patience = 1.0
    found = await office.findings()
    assert found["balance"][0].what == "Twilio does not answer within 1 s"
    assert states(found["Twilio"]) == states(found["number"]) == states(found["trunk"]) == ["ok"]


async def test_a_check_that_hangs_ends_at_its_deadline(office: Office) -> None:
    office.twilio.faults.add("trunk_list", "hang", times=None)
    office.livekit.faults.add("agent", "hang", times=None)
    found = await examine(office.patient(), longest=1.0)
    late = {name for name, results in found.items() if "no answer within 1 s" in results[0].what}
    assert {"LiveKit", "trunk", "origination"} <= late
    assert states(found["number"]) == ["ok"]


async def test_findings_come_as_they_are_made_and_stand_in_the_order_of_the_list(office: Office) -> None:
    office.twilio.faults.add("account", "slow:0.3")
    told: list[str] = []
    found = await examine(office.patient(), lambda name, _: told.append(name), longest=LONGEST)
    assert list(found) == list(CHECKS)
    assert told[0] == FIRST
    assert sorted(told) == sorted(CHECKS)
    assert told.index("disk") < told.index("LiveKit") < told.index("Twilio")


async def test_the_others_wait_for_the_agents_file_and_for_nothing_else(office: Office) -> None:
    office.livekit.faults.add("agent", "hang", times=None)
    office.patience = 2.0
    told: list[str] = []
    spare = asyncio.Event()

    def hear(name: str, _: list[Result]) -> None:
        told.append(name)
        if name == "balance":
            spare.set()

    looking = asyncio.create_task(examine(office.patient(), hear))
    async with asyncio.timeout(10):
        await spare.wait()
    assert "LiveKit" not in told
    await looking


# -- the ledger and the rules ---------------------------------------------------------------------------------


async def test_a_promise_that_nothing_works_on_is_a_warning(office: Office) -> None:
    ledger = await office.ledger()
    await ledger.begin_call(CallRow("SCL_1", "clara", None, FORGOTTEN, "call-1"))
    await ledger.close()
    (found,) = await office.finding("ledger")
    assert (found.state, found.mend) == ("warning", "callisi calls --open")


async def test_two_inbound_rules_are_one_too_many(office: Office) -> None:
    (rule,) = office.livekit.trunks.rules.values()
    twin = type(rule)()
    twin.CopyFrom(rule)
    twin.sip_dispatch_rule_id = "SDR_twin"
    office.livekit.trunks.rules["SDR_twin"] = twin
    (found,) = await office.finding("calls come in")
    assert "2 dispatch rules" in found.what


async def test_every_command_that_mends_something_exists() -> None:
    from callisi_runtime.cli.main import COMMANDS

    sources = "".join(
        file.read_text(encoding="utf-8") for file in Path("callisi_runtime/doctor").glob("*.py")
    )
    named = set(re.findall(r"(?:[`\"]|then |, )callisi ([a-z-]+)", sources))
    assert {"provision", "validate", "doctor"} <= named
    assert named <= {*COMMANDS, "doctor"}
