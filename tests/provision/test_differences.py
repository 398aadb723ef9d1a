"""What is not as it should be is mended; what is not ours, or is there twice, is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from livekit import api
from livekit.protocol import sip

from callisi_runtime.provision.plan import Plan
from tests.provision.conftest import OURS

if TYPE_CHECKING:
    from tests.provision.conftest import Office

Change = Callable[["Office"], Any]


def only(held: dict[str, Any]) -> Any:
    [one] = held.values()
    return one


def trunk(**values: Any) -> Change:
    return lambda office: only(office.trunking.trunks).update(values)


def route(**values: Any) -> Change:
    return lambda office: only(office.trunking.urls).update(values)


def inbound(change: Callable[[Any], Any]) -> Change:
    return lambda office: change(only(office.livekit.trunks.inbound))


def outbound(change: Callable[[Any], Any]) -> Change:
    return lambda office: change(only(office.livekit.trunks.outbound))


def rule(change: Callable[[Any], Any]) -> Change:
    return lambda office: change(only(office.livekit.trunks.rules))


def other_agent(one: Any) -> None:
    one.room_config.agents[0].agent_name = "paula"


DRIFT: list[tuple[Change, str, list[str]]] = [
    (trunk(friendly_name="Renamed"), "twilio-trunk", ["friendly_name"]),
    (trunk(transfer_mode="enable-all"), "twilio-trunk", ["transfer_mode"]),
    (trunk(secure=True), "twilio-trunk", ["secure"]),
    (trunk(recording={"mode": "record-from-answer", "trim": "do-not-trim"}), "twilio-trunk", ["recording"]),
    (route(sip_url="sip:elsewhere.example.com"), "origination", ["sip_url"]),
    (route(enabled=False, priority=20), "origination", ["priority", "enabled"]),
    (inbound(lambda one: one.ringing_timeout.FromSeconds(0)), "livekit-inbound", ["ringing_timeout"]),
    (inbound(lambda one: one.ClearField("max_call_duration")), "livekit-inbound", ["max_call_duration"]),
    (inbound(lambda one: one.headers_to_attributes.clear()), "livekit-inbound", ["headers_to_attributes"]),
    (
        inbound(lambda one: one.allowed_addresses.append("0.0.0.0/0")),
        "livekit-inbound",
        ["allowed_addresses"],
    ),
    (rule(other_agent), "dispatch-rule", ["agent_name"]),
    (rule(lambda one: one.trunk_ids.append("ST_other")), "dispatch-rule", ["trunk_ids"]),
    (
        outbound(lambda one: setattr(one, "address", "old.pstn.twilio.com")),
        "livekit-outbound",
        ["address"],
    ),
]


@pytest.mark.parametrize(
    ("drift", "resource", "fields"), DRIFT, ids=[f"{key}-{'-'.join(names)}" for _, key, names in DRIFT]
)
async def test_a_field_that_drifted_is_the_only_one_that_changes(
    office: Office, drift: Change, resource: str, fields: list[str]
) -> None:
    await office.apply()
    before = office.state()
    drift(office)
    plan = await office.plan()
    assert [(step.resource, step.action) for step in plan.changes] == [(resource, "update")]
    assert [change.field for change in plan.changes[0].changes] == fields
    applied = await office.apply()
    assert applied.converged
    assert {key: list(one) for key, one in office.state().items()} == {
        key: list(one) for key, one in before.items()
    }, "nothing was made anew"
    assert (await office.plan()).changes == ()


async def test_what_an_update_does_not_speak_of_is_kept(office: Office) -> None:
    await office.apply()
    only(office.livekit.trunks.inbound).krisp_enabled = True
    only(office.livekit.trunks.inbound).ringing_timeout.FromSeconds(0)
    await office.apply()
    trunk_now = only(office.livekit.trunks.inbound)
    assert (trunk_now.krisp_enabled, trunk_now.ringing_timeout.seconds) == (True, 20)


async def test_a_number_that_somebody_took_off_the_trunk_is_put_back(office: Office) -> None:
    await office.apply()
    number = only(office.numbers.owned)
    number |= {"trunk_sid": None, "voice_application_sid": "AP" + "1" * 32}
    plan = await office.plan()
    [step] = plan.changes
    assert step.resource == "number-on-trunk"
    assert f"no longer the application AP{'1' * 32}" in (step.marks.risk or "")
    await office.apply()
    assert number["trunk_sid"] == only(office.trunking.trunks)["sid"]


async def test_a_half_done_account_is_finished(office: Office) -> None:
    made = office.trunking.add_trunk("Callisi-LiveKit-Trunk", "callisi-clara-000001.pstn.twilio.com")
    office.sip.add_list("callisi:clara")
    applied = await office.apply()
    assert applied.converged
    assert list(office.trunking.trunks) == [made["sid"]]
    assert len(office.sip.lists) == 1


async def doubled_list(office: Office) -> list[str]:
    return [office.sip.add_list("callisi:clara")["sid"] for _ in range(2)]


async def doubled_route(office: Office) -> list[str]:
    made = office.trunking.add_trunk("Callisi-LiveKit-Trunk", "callisi-clara-000001.pstn.twilio.com")["sid"]
    urls = [office.trunking.add_url(made, "sip:a.example.com", "callisi:clara") for _ in range(2)]
    return [one["sid"] for one in urls]


async def doubled_outbound(office: Office) -> list[str]:
    await office.apply()
    first = only(office.livekit.trunks.outbound)
    second = sip.SIPOutboundTrunkInfo()
    second.CopyFrom(first)
    made = office.livekit.trunks.create_outbound(api.CreateSIPOutboundTrunkRequest(trunk=second))
    return [first.sip_trunk_id, made.sip_trunk_id]


async def doubled_number(office: Office) -> list[str]:
    office.environ["TWILIO_PHONE_NUMBER"] = ""
    made = [
        office.numbers.add(number, friendly_name="callisi:clara")
        for number in (OURS[:-1] + "6", OURS[:-1] + "7")
    ]
    return [one["sid"] for one in made]


@pytest.mark.parametrize("double", [doubled_list, doubled_route, doubled_outbound, doubled_number])
async def test_two_of_ours_stop_everything_and_are_shown(office: Office, double: Any) -> None:
    sids = await double(office)
    written = len(office.writes())
    plan = await office.plan()
    [stopped] = plan.having("stopped")
    assert all(sid in (stopped.why or "") for sid in sids)
    assert len(office.writes()) == written


def same_name(office: Office) -> str:
    return str(office.trunking.add_trunk("Callisi-LiveKit-Trunk", "mine.pstn.twilio.com")["sid"])


def same_inbound(office: Office) -> str:
    request = api.CreateSIPInboundTrunkRequest(trunk=sip.SIPInboundTrunkInfo(name="mine", numbers=[OURS]))
    return str(office.livekit.trunks.create_inbound(request).sip_trunk_id)


def same_outbound(office: Office) -> str:
    mine = sip.SIPOutboundTrunkInfo(name="Callisi-LiveKit-Trunk", address="mine.example.com", numbers=[OURS])
    request = api.CreateSIPOutboundTrunkRequest(trunk=mine)
    return str(office.livekit.trunks.create_outbound(request).sip_trunk_id)


@pytest.mark.parametrize("rival", [same_name, same_inbound, same_outbound])
async def test_what_is_in_the_way_without_our_tag_is_not_touched_until_it_is_handed_over(
    office: Office, rival: Callable[[Office], str]
) -> None:
    sid, before = rival(office), office.state()
    plan = await office.plan()
    [stopped] = plan.having("stopped")
    assert f"--adopt {sid}" in (stopped.why or "")
    assert office.state() == before
    applied = await office.apply(adopt=frozenset({sid}))
    assert applied.converged
    assert sid in {
        **office.trunking.trunks,
        **office.livekit.trunks.inbound,
        **office.livekit.trunks.outbound,
    }
    assert (await office.plan()).changes == (), "it carries our tag now"


def neighbours(office: Office) -> None:
    """Somebody else's line in the same account."""
    mine = office.trunking.add_trunk("Office", "office.pstn.twilio.com")["sid"]
    office.trunking.add_url(mine, "sip:pbx.example.com")
    listed = office.sip.add_list("office")["sid"]
    office.sip.add_user(listed, "pbx", "Abcdefghijk1")
    office.trunking.credential_lists[mine].append(listed)
    office.numbers.add("+493012345678", trunk_sid=mine)
    lk = office.livekit.trunks
    request = api.CreateSIPInboundTrunkRequest(
        trunk=sip.SIPInboundTrunkInfo(name="o", numbers=["+493012345678"])
    )
    lk.create_inbound(request)
    away = sip.SIPOutboundTrunkInfo(name="o", address="pbx.example.com", numbers=["+493012345678"])
    lk.create_outbound(api.CreateSIPOutboundTrunkRequest(trunk=away))


async def test_nothing_that_is_not_ours_is_ever_touched(office: Office) -> None:
    neighbours(office)
    before = office.state()
    await office.apply()
    await office.apply(rotate=True)
    await office.destroy(release_number=True)
    after = office.state()
    [ours] = [key for key, row in office.numbers.owned.items() if row["phone_number"] == OURS]
    assert after.pop("numbers")[ours].replace("'trunk_sid': None", "") != ""
    before.pop("numbers")
    assert after == before


async def test_destroying_takes_what_is_ours_last_made_first_and_keeps_the_number(office: Office) -> None:
    await office.apply()
    applied = await office.destroy()
    assert [step.resource for step in applied.done] == [
        "number-on-trunk",
        "origination",
        "livekit-outbound",
        "dispatch-rule",
        "livekit-inbound",
        "termination",
        "twilio-trunk",
        "sip-user",
        "sip-list",
    ]
    assert {name: len(held) for name, held in office.state().items() if held} == {"numbers": 1}
    assert only(office.numbers.owned)["trunk_sid"] is None
    assert (await office.destroy()).done == ()


async def test_a_number_is_released_only_when_asked_and_only_one_that_was_bought_here(office: Office) -> None:
    await office.destroy(release_number=True)
    assert [row["phone_number"] for row in office.numbers.owned.values()] == [OURS]
    only(office.numbers.owned)["friendly_name"] = "callisi:clara"
    await office.destroy()
    assert len(office.numbers.owned) == 1
    await office.destroy(release_number=True)
    assert office.numbers.owned == {}


async def test_a_password_is_replaced_by_a_second_user_and_the_first_goes_last(office: Office) -> None:
    await office.apply()
    [first] = office.sip.users.values()
    applied = await office.apply(rotate=True)
    assert [step.resource for step in applied.done] == ["sip-user", "livekit-outbound", "sip-user-former"]
    [second] = office.sip.users.values()
    assert second["username"] != first["username"]
    trunk_now = only(office.livekit.trunks.outbound)
    assert office.sip.users_of(second["credential_list_sid"]) == {
        trunk_now.auth_username: trunk_now.auth_password
    }
    assert (await office.plan()).changes == ()


async def test_a_user_that_somebody_else_put_on_our_list_is_kept(office: Office) -> None:
    await office.apply()
    [listed] = office.sip.lists
    office.sip.add_user(listed, "softphone", "Abcdefghijk1")
    await office.apply(rotate=True)
    assert "softphone" in office.sip.users_of(listed)
    assert len(office.sip.users) == 2


async def test_users_that_a_trunk_of_ones_own_may_dial_with_are_kept(office: Office) -> None:
    await office.apply()
    office.environ["SIP_TRUNK_NAME"] = "ST_mine"
    applied = await office.apply(rotate=True)
    skipped = {step.resource: step.why or "" for step in applied.after.having("skipped")}
    assert "--adopt ST_mine" in skipped["livekit-outbound"]
    assert len(office.sip.users) == 2


async def test_a_password_that_was_lost_means_a_second_user(office: Office) -> None:
    await office.apply()
    office.env_file.unlink()
    applied = await office.apply()
    assert applied.converged
    assert len(office.sip.users) == 1
    assert only(office.livekit.trunks.outbound).auth_username == only(office.sip.users)["username"]


async def test_a_password_that_was_changed_by_hand_is_changed_on_both_sides(office: Office) -> None:
    await office.apply()
    office.environ["SIP_TRUNK_PASSWORD"] = "Other-Password-22"
    plan = await office.plan()
    assert [step.resource for step in plan.changes] == ["sip-user", "livekit-outbound"]
    assert "Other-Password-22" not in repr(plan)
    await office.apply()
    assert list(office.sip.passwords.values())[-1:] == ["Other-Password-22"]
    assert only(office.livekit.trunks.outbound).auth_password == "Other-Password-22"


async def test_an_agent_that_puts_nobody_through_needs_no_user_and_no_outbound_trunk(office: Office) -> None:
    office.agent = "variants/basic.yaml"
    applied = await office.apply()
    assert applied.converged
    assert {step.resource for step in applied.after.having("skipped")} >= {
        "sip-list",
        "sip-user",
        "termination",
        "livekit-outbound",
    }
    assert (office.sip.lists, office.livekit.trunks.outbound) == ({}, {})


async def test_encrypted_edge_and_emergency_route_are_all_or_nothing(office: Office) -> None:
    office.environ |= {
        "SIP_SECURE": "yes",
        "TWILIO_EDGE": "frankfurt",
        "TWILIO_DISASTER_RECOVERY_URL": "https://handler.twilio.com/twiml/EH1",
        "SIP_ALLOWED_ADDRESSES": "203.0.113.0/24, 198.51.100.7",
    }
    applied = await office.apply()
    assert applied.converged
    trunk_now = only(office.trunking.trunks)
    assert (trunk_now["secure"], trunk_now["disaster_recovery_url"]) == (
        True,
        "https://handler.twilio.com/twiml/EH1",
    )
    assert only(office.trunking.urls)["sip_url"].endswith(";transport=tls;edge=frankfurt")
    taken, away = only(office.livekit.trunks.inbound), only(office.livekit.trunks.outbound)
    require = sip.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE
    assert (taken.media_encryption, away.media_encryption) == (require, require)
    assert list(taken.allowed_addresses) == ["203.0.113.0/24", "198.51.100.7"]
    assert (away.transport, away.address) == (
        sip.SIPTransport.SIP_TRANSPORT_TLS,
        "callisi-clara-000001.pstn.frankfurt.twilio.com",
    )


def blocked_in(plan: Plan) -> dict[str, str]:
    return {step.resource: step.why or "" for step in plan.having("blocked")}


async def test_without_an_account_it_is_said_who_opens_one_and_where(office: Office) -> None:
    office.environ |= {"TWILIO_ACCOUNT_SID": "", "LIVEKIT_API_KEY": "", "LIVEKIT_API_SECRET": ""}
    plan = await office.plan()
    assert set(blocked_in(plan)) == {"twilio-account", "livekit-project"}
    assert {step.action for step in plan.steps[2:]} == {"waiting", "skipped"}
    assert all(step.blocked and step.blocked.where and step.blocked.how_long for step in plan.steps[:2])


def papers(office: Office) -> None:
    """What Germany asks for, handed in and approved."""
    regulatory: Any = office.twilio.parts["regulatory"]
    regulatory.add("twilio-approved")


async def test_without_a_number_buying_is_proposed_and_everything_else_is_made(office: Office) -> None:
    office.numbers.owned.clear()
    papers(office)
    office.numbers.offer(OURS)
    applied = await office.apply()
    assert set(blocked_in(applied.after)) == {"twilio-number"}
    [number] = applied.after.having("blocked")
    assert number.blocked is not None
    assert f"--apply --buy {OURS}" in number.blocked.then
    assert [step.resource for step in applied.after.having("waiting")] == ["number-on-trunk"]
    assert office.numbers.owned == {}
    assert (await office.apply(buy=True)).converged
    assert only(office.numbers.owned)["friendly_name"] == "callisi:clara"


async def test_the_first_number_that_fits_is_bought_and_written_down(office: Office) -> None:
    office.numbers.owned.clear()
    papers(office)
    office.numbers.offer("+4915700000001", sms=False)
    office.numbers.offer("+4915700000002")
    del office.environ["TWILIO_PHONE_NUMBER"]
    office.twilio.faults.add("number_buy", "accept_then_drop")
    assert (await office.apply(buy=True)).converged
    assert "TWILIO_PHONE_NUMBER=+4915700000002" in office.env_file.read_text()
    assert len(office.numbers.owned) == 1
    assert (await office.apply(buy=True)).done == (), "no second one is bought"


async def test_without_the_papers_that_a_country_asks_for_nothing_is_bought(office: Office) -> None:
    office.numbers.owned.clear()
    office.numbers.offer(OURS, needs_bundle=True)
    applied = await office.apply(buy=True)
    assert set(blocked_in(applied.after)) == {"twilio-regulatory-bundle"}
    assert office.twilio.log.of("number_buy") == []
    papers(office)
    assert (await office.apply(buy=True)).converged


async def test_a_number_that_asks_for_an_address_is_blocked_until_there_is_one(office: Office) -> None:
    office.numbers.owned.clear()
    papers(office)
    office.numbers.offer(OURS, address_requirements="any")
    applied = await office.apply(buy=True)
    assert "asks for an address" in blocked_in(applied.after)["twilio-number"]
    office.numbers.add_address()
    assert (await office.apply(buy=True)).converged
