"""From an account as it is to a line as it should be: empty, half done, drifted, doubled, interrupted."""

from __future__ import annotations

import stat
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.errors import CallisiError
from callisi_runtime.provision import RESOURCES, Step, apply

if TYPE_CHECKING:
    from tests.provision.conftest import Office

from tests.provision.conftest import OURS

EVERYTHING = [
    "sip-list",
    "sip-user",
    "twilio-trunk",
    "termination",
    "livekit-inbound",
    "dispatch-rule",
    "livekit-outbound",
    "origination",
    "number-on-trunk",
]


async def test_an_empty_account_gets_everything_and_the_number_last(office: Office) -> None:
    applied = await office.apply()
    assert [step.resource for step in applied.done] == EVERYTHING
    assert applied.converged
    assert {step.action for step in applied.after.steps} <= {"unchanged", "skipped"}


async def test_what_was_made_is_what_was_declared(office: Office) -> None:
    await office.apply()
    [trunk] = office.trunking.trunks.values()
    assert trunk["friendly_name"] == "Callisi-LiveKit-Trunk"
    assert trunk["domain_name"] == "callisi-clara-000001.pstn.twilio.com"
    assert (trunk["transfer_mode"], trunk["secure"]) == ("disable-all", False)
    assert trunk["recording"]["mode"] == "do-not-record"
    assert trunk["auth_type"] == "CREDENTIAL_LIST"
    [url] = office.trunking.urls.values()
    assert (url["sip_url"], url["priority"], url["weight"], url["enabled"]) == (
        "sip:3i1153gfo0b.sip.livekit.cloud;transport=tcp",
        10,
        10,
        True,
    )
    [number] = office.numbers.owned.values()
    assert number["trunk_sid"] == trunk["sid"]


async def test_livekit_hands_calls_to_the_agent_and_back_to_the_carrier(office: Office) -> None:
    await office.apply()
    [inbound] = office.livekit.trunks.inbound.values()
    assert list(inbound.numbers) == [OURS]
    assert "35.156.191.128/30" in inbound.allowed_addresses
    assert (inbound.ringing_timeout.seconds, inbound.max_call_duration.seconds) == (20, 14400)
    assert dict(inbound.headers_to_attributes) == {
        "P-Asserted-Identity": "callisi.pai",
        "Privacy": "callisi.privacy",
    }
    [rule] = office.livekit.trunks.rules.values()
    assert list(rule.trunk_ids) == [inbound.sip_trunk_id]
    assert [one.agent_name for one in rule.room_config.agents] == ["clara"]


async def test_livekit_dials_with_the_user_that_twilio_knows(office: Office) -> None:
    await office.apply()
    [listed] = office.sip.lists
    [outbound] = office.livekit.trunks.outbound.values()
    assert office.sip.users_of(listed) == {outbound.auth_username: outbound.auth_password}
    assert outbound.name == "Callisi-LiveKit-Trunk"
    assert outbound.address == "callisi-clara-000001.pstn.twilio.com"


async def test_a_plan_alone_writes_nothing(office: Office) -> None:
    plan = await office.plan()
    assert [step.resource for step in plan.changes] == EVERYTHING
    assert office.writes() == []
    assert not office.env_file.exists()


async def test_the_second_run_changes_nothing(office: Office) -> None:
    await office.apply()
    before, written = office.state(), len(office.writes())
    applied = await office.apply()
    assert applied.done == ()
    assert office.state() == before
    assert len(office.writes()) == written


async def test_the_password_is_written_once_for_its_owner_alone_and_shown_nowhere(office: Office) -> None:
    office.env_file.write_text("# mine\nOPENAI_API_KEY=sk-1\nSIP_TRUNK_PASSWORD=\n")
    applied = await office.apply()
    text = office.env_file.read_text()
    [password] = office.sip.passwords.values()
    assert text.count(f"SIP_TRUNK_PASSWORD={password}") == text.count("SIP_TRUNK_PASSWORD") == 1
    assert text.startswith("# mine\nOPENAI_API_KEY=sk-1\n")
    assert stat.S_IMODE(office.env_file.stat().st_mode) == 0o600
    assert password not in repr(applied)
    logged = repr(office.livekit.log.entries)
    assert password not in logged


WRITES = [
    ("twilio", "credential_list_create"),
    ("twilio", "credential_create"),
    ("twilio", "trunk_create"),
    ("twilio", "termination_create"),
    ("livekit", "CreateSIPInboundTrunk"),
    ("livekit", "CreateSIPDispatchRule"),
    ("livekit", "CreateSIPOutboundTrunk"),
    ("twilio", "origination_create"),
    ("twilio", "number_update"),
]


@pytest.mark.parametrize(("provider", "operation"), WRITES)
@pytest.mark.parametrize("fault", ["accept_then_drop", "drop", "status:503"])
async def test_interrupted_at_any_step_the_next_run_ends_where_one_run_would(
    office: Office, provider: str, operation: str, fault: str
) -> None:
    server = office.twilio if provider == "twilio" else office.livekit
    server.faults.add(operation, fault)
    with suppress(CallisiError):  # one that was carried out all the same is found at once
        await office.apply()
    applied = await office.apply()
    assert applied.converged
    state = office.state()
    assert {name: len(held) for name, held in state.items()} == dict.fromkeys(state, 1)
    [listed] = office.sip.lists
    [outbound] = office.livekit.trunks.outbound.values()
    assert office.sip.users_of(listed) == {outbound.auth_username: outbound.auth_password}


async def test_an_answer_that_was_lost_is_found_at_once(office: Office) -> None:
    office.twilio.faults.add("trunk_create", "accept_then_drop")
    applied = await office.apply()
    assert [step.resource for step in applied.done] == EVERYTHING
    assert len(office.trunking.trunks) == 1


class Killed(Exception):
    """The run ends here, as if its process had died."""


@pytest.mark.parametrize("steps", range(1, len(EVERYTHING) + 1))
async def test_killed_between_any_two_steps_the_next_run_does_the_rest(office: Office, steps: int) -> None:
    taken: list[str] = []

    def dies(step: Step) -> None:
        taken.append(step.resource)
        if len(taken) == steps:
            raise Killed

    async with office.world() as world:
        with pytest.raises(Killed):
            await apply(world, RESOURCES, dies)
    rest = await office.apply()
    assert [*taken, *(step.resource for step in rest.done)] == EVERYTHING
    assert rest.converged


async def test_the_password_is_on_the_disk_before_twilio_hears_of_it(office: Office) -> None:
    office.twilio.faults.add("credential_create", "drop")
    with pytest.raises(CallisiError):
        await office.apply()
    before = office.env_file.read_text()
    assert "SIP_TRUNK_PASSWORD=" in before
    await office.apply()
    assert office.env_file.read_text() == before
    [user] = office.sip.users.values()
    assert f"SIP_TRUNK_USERNAME={user['username']}" in before


DELETIONS = [
    ("twilio", "trunk_number_delete"),
    ("twilio", "origination_delete"),
    ("livekit", "DeleteSIPTrunk"),
    ("livekit", "DeleteSIPDispatchRule"),
    ("twilio", "termination_delete"),
    ("twilio", "trunk_delete"),
    ("twilio", "credential_delete"),
    ("twilio", "credential_list_delete"),
]


@pytest.mark.parametrize(("provider", "operation"), DELETIONS)
@pytest.mark.parametrize("fault", ["accept_then_drop", "drop"])
async def test_destroying_that_was_interrupted_is_finished_by_the_next_run(
    office: Office, provider: str, operation: str, fault: str
) -> None:
    await office.apply()
    server = office.twilio if provider == "twilio" else office.livekit
    server.faults.add(operation, fault)
    with suppress(CallisiError):
        await office.destroy()
    gone = await office.destroy()
    assert gone.after.steps == ()
    assert {name: len(held) for name, held in office.state().items() if held} == {"numbers": 1}
