"""Twilio's trunk as the file wants it: who may be transferred, who may dial, and where calls go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from livekit import api
from livekit.protocol import sip

from tests.provision.test_differences import only

if TYPE_CHECKING:
    from tests.provision.conftest import Office


async def test_a_caller_who_is_referred_needs_call_transfer_and_keeps_their_number(
    office: Office,
) -> None:
    file = office.folder / "refers.yaml"
    file.write_text(f"extends: {office.agent}\nname: clara\ntransfer: {{mode: refer, accept: answer}}\n")
    await office.apply()
    office.agent = str(file)
    [step] = (await office.plan()).changes
    assert [(one.field, one.before, one.after) for one in step.changes if one.field == "transfer_mode"] == [
        ("transfer_mode", "disable-all", "enable-all")
    ]
    assert (await office.apply()).converged
    trunk = only(office.trunking.trunks)
    assert (trunk["transfer_mode"], trunk["transfer_caller_id"]) == ("enable-all", "from-transferee")
    assert (await office.plan()).changes == ()


async def test_a_credential_list_that_was_taken_off_the_trunk_is_put_back(office: Office) -> None:
    await office.apply()
    [trunk] = office.trunking.trunks
    office.trunking.credential_lists[trunk].clear()
    [step] = (await office.plan()).changes
    assert (step.resource, step.action) == ("termination", "create")
    assert (await office.apply()).converged
    assert office.trunking.credential_lists[trunk] == list(office.sip.lists)


async def test_the_weight_of_the_route_is_put_back(office: Office) -> None:
    await office.apply()
    only(office.trunking.urls)["weight"] = 20
    [step] = (await office.plan()).changes
    assert [(one.field, one.before, one.after) for one in step.changes] == [("weight", 20, 10)]
    assert (await office.apply()).converged


@pytest.mark.parametrize("missing", ["origination", "livekit-inbound", "dispatch-rule", "livekit-outbound"])
async def test_what_somebody_deleted_is_made_again_and_nothing_else(office: Office, missing: str) -> None:
    await office.apply()
    trunks = office.livekit.trunks
    held: dict[str, dict[str, Any]] = {
        "origination": office.trunking.urls,
        "livekit-inbound": trunks.inbound,
        "dispatch-rule": trunks.rules,
        "livekit-outbound": trunks.outbound,
    }
    held[missing].clear()
    done = [(step.resource, step.action) for step in (await office.apply()).done]
    assert done[0] == (missing, "create")
    assert set(done[1:]) <= {("dispatch-rule", "update")}, "the rule names the trunk it is for"
    assert (await office.plan()).changes == ()


async def test_a_second_rule_of_ours_stops_everything(office: Office) -> None:
    await office.apply()
    second = sip.SIPDispatchRuleInfo()
    second.CopyFrom(only(office.livekit.trunks.rules))
    del second.trunk_ids[:]
    second.trunk_ids.append("ST_other")
    made = office.livekit.trunks.create_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=second))
    [stopped] = (await office.plan()).having("stopped")
    assert made.sip_dispatch_rule_id in (stopped.why or "")
