"""What only people can do is said before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.provision.conftest import Office


def account_of(office: Office) -> Any:
    return office.twilio.parts["account"]


async def test_an_account_that_is_suspended_blocks_everything_of_twilio(office: Office) -> None:
    account_of(office).status = "suspended"
    account, project, *rest = (await office.plan()).steps
    assert (account.action, account.why) == ("blocked", "the Twilio account is suspended")
    assert account.blocked is not None
    assert account.blocked.who == "its owner"
    assert project.action == "unchanged"
    assert {step.action for step in rest if step.title.startswith("Twilio")} <= {"waiting", "skipped"}


async def test_a_trial_is_told_what_it_can_do(office: Office) -> None:
    account_of(office).type = "Trial"
    plan = await office.plan()
    assert (plan.steps[0].action, "verified numbers only" in (plan.steps[0].why or "")) == ("unchanged", True)


async def test_where_livekits_sip_service_is_must_be_said(office: Office) -> None:
    office.environ["LIVEKIT_SIP_URI"] = ""
    plan = await office.plan()
    blocked = {step.resource for step in plan.having("blocked")}
    assert blocked == {"livekit-project"}
    waiting = {step.resource for step in plan.having("waiting")}
    assert {"livekit-inbound", "dispatch-rule", "livekit-outbound", "origination"} <= waiting
    applied = await office.apply()
    assert [step.resource for step in applied.done] == ["sip-list", "sip-user", "twilio-trunk", "termination"]
    assert office.livekit.trunks.inbound == {}


@pytest.mark.parametrize("voice", [True, False])
async def test_a_number_that_takes_no_calls_is_never_put_on_the_trunk(office: Office, voice: bool) -> None:
    [number] = office.numbers.owned.values()
    number["capabilities"]["voice"] = voice
    applied = await office.apply()
    assert bool(number["trunk_sid"]) is voice
    assert ("twilio-number" in {step.resource for step in applied.after.having("blocked")}) is not voice


async def test_a_number_that_cannot_send_sms_is_remarked_upon(office: Office) -> None:
    [number] = office.numbers.owned.values()
    number["capabilities"]["sms"] = False
    plan = await office.plan()
    [step] = [one for one in plan.steps if one.resource == "twilio-number"]
    assert "it cannot send SMS" in (step.why or "")
