"""The WhatsApp sender as code: registered, verified, told where answers go, deleted; never a stranger's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callisi_runtime.errors import CallisiError
from callisi_runtime.loopback.twilio_senders import CODE, WABA, Sender
from callisi_runtime.provision.plan import Plan
from callisi_runtime.provision.report import plan_text, step_document
from callisi_runtime.provision.whatsapp_sender import WhatsAppSender

from .desk import OFFICE, Desk, desk
from .test_whatsapp_sender import DECLARED, KEY, senders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from callisi_runtime.provision.plan import Step

TAG = "callisi:clara"
PUBLIC = "https://clara.example.com"
OURS = f"{PUBLIC}/twilio/inbound"
FOREIGN = "https://crm.example.com/whatsapp"
FIRST = "+4930901899"
"""A sender of the same business, registered by hand long ago."""
SECOND = "+4930901829"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path, WhatsAppSender(), yaml=DECLARED) as one:
        one.settings["twilio_whatsapp_from"] = f"whatsapp:{OFFICE}"
        one.settings["callisi_public_url"] = PUBLIC
        yield one


def linked(office: Desk) -> Sender:
    """An account that Meta's sign-up has linked: it has a sender, which is not ours."""
    return senders(office).add(FIRST)


def sender_of(office: Desk, number: str = OFFICE) -> Sender:
    [found] = [one for one in senders(office).senders.values() if one.sender_id == f"whatsapp:{number}"]
    return found


def ours(office: Desk, status: str = "ONLINE") -> Sender:
    """A sender that an earlier run has registered, with its answers brought here."""
    sender = senders(office).add(OFFICE, status)
    sender.friendly_name, sender.webhook = TAG, {"callback_url": OURS, "callback_method": "POST"}
    return sender


def told(step: Step) -> str:
    """As the command prints it."""
    return plan_text(Plan((step,)))


async def test_the_plan_shows_what_would_be_registered_and_writes_nothing(
    office: Desk, snapshot: SnapshotAssertion
) -> None:
    linked(office)
    assert told(await office.step(KEY)) == snapshot
    assert office.writes() == []


async def test_a_number_is_registered_and_comes_online(office: Desk) -> None:
    stranger = linked(office)
    before = repr(stranger)
    assert await office.apply() == (KEY,)
    made = sender_of(office)
    assert made.friendly_name == TAG
    assert made.configuration == {"waba_id": WABA, "verification_method": "sms"}
    assert made.profile == {"name": "Callisi"}
    assert made.webhook == {"callback_url": OURS, "callback_method": "POST"}
    assert repr(stranger) == before
    step = await office.step(KEY)
    assert step.blocked is not None
    assert (step.blocked.who, step.blocked.how_long) == ("Twilio", "minutes")
    assert "is creating the sender" in step.blocked.what
    assert await office.apply() == (), "half done: nothing is made twice"
    senders(office).pass_time()
    step = await office.step(KEY)
    assert step.blocked is not None
    assert "is being verified" in step.blocked.what
    senders(office).pass_time()
    step = await office.step(KEY)
    assert (step.action, step.id) == ("unchanged", made.sid)
    assert await office.apply() == ()
    assert office.writes() == ["sender_create"]


async def test_without_a_public_address_it_is_told_none(office: Desk) -> None:
    linked(office)
    office.settings.pop("callisi_public_url")
    await office.apply()
    assert sender_of(office).webhook is None


async def test_a_business_account_that_is_named_needs_no_other_sender(office: Desk) -> None:
    senders(office).wabas.add("777")
    office.settings["twilio_whatsapp_waba_id"] = "777"
    assert await office.apply() == (KEY,)
    assert (sender_of(office).configuration or {})["waba_id"] == "777"


async def test_several_are_registered_one_after_the_other_and_each_is_looked_at(office: Desk) -> None:
    office.yaml = DECLARED + f'    - whatsapp: {{to: "+49 151 12345679", from: "{SECOND}", sandbox: true}}\n'
    ours(office)
    step = await office.step(KEY)
    assert [one.field for one in step.changes if not one.field.startswith(SECOND)] == []
    assert await office.apply() == (KEY,)
    assert office.writes() == ["sender_create"]
    assert (sender_of(office, SECOND).configuration or {})["verification_method"] == "voice", (
        "a landline reads no SMS"
    )


async def test_the_code_that_meta_sends_is_handed_in(office: Desk, snapshot: SnapshotAssertion) -> None:
    linked(office)
    office.settings["twilio_whatsapp_from"] = f"whatsapp:{SECOND}"
    await office.apply()
    senders(office).pass_time()
    assert told(await office.step(KEY)) == snapshot
    office.whatsapp_code = CODE
    step = await office.step(KEY)
    assert [(one.field, str(one.after)) for one in step.changes] == [
        (f"{SECOND} verification_code", "(secret)")
    ]
    assert CODE not in repr(step)
    assert CODE not in repr(step_document(step))
    assert await office.apply() == (KEY,)
    assert sender_of(office, SECOND).status == "VERIFYING"
    assert await office.apply() == (), "a code is handed in once"
    senders(office).pass_time()
    assert (await office.step(KEY)).action == "unchanged"


async def test_a_wrong_code_is_said_and_the_right_one_goes_on(office: Desk) -> None:
    sender = ours(office, "PENDING_VERIFICATION")
    office.whatsapp_code = "000000"
    with pytest.raises(CallisiError, match=r"verification code was handed in: .*is not valid"):
        await office.apply()
    assert sender.status == "PENDING_VERIFICATION"
    office.whatsapp_code = CODE
    assert await office.apply() == (KEY,)


async def test_a_code_that_is_spoken_on_the_agents_own_number_wants_a_person_there(office: Desk) -> None:
    linked(office)
    [number] = office.twilio.parts["numbers"].owned.values()  # type: ignore[attr-defined]
    number["capabilities"]["sms"] = False
    await office.apply()
    senders(office).pass_time()
    step = await office.step(KEY)
    assert step.blocked is not None
    assert "rings it and speaks a code" in step.blocked.what
    assert "the agent picks up there" in step.blocked.where


@pytest.mark.parametrize(
    ("drifted", "risk"),
    [
        ({}, None),
        ({"callback_url": FOREIGN}, f"answers to {OFFICE} no longer go to {FOREIGN}"),
        (
            {"callback_url": "https://old.example.com/twilio/inbound"},
            f"answers to {OFFICE} no longer go to https://old.example.com/twilio/inbound",
        ),
    ],
)
async def test_drift_of_ours_is_mended_and_its_other_addresses_stay(
    office: Desk, drifted: dict[str, str], risk: str | None
) -> None:
    sender = ours(office)
    sender.webhook = {**drifted, "status_callback_url": "https://crm.example.com/status", "fallback_url": ""}
    step = await office.step(KEY)
    assert [(one.field, one.after) for one in step.changes] == [(f"{OFFICE} callback_url", OURS)]
    assert step.marks.risk == risk
    assert await office.apply() == (KEY,)
    assert sender.webhook == {
        "status_callback_url": "https://crm.example.com/status",
        "callback_url": OURS,
        "callback_method": "POST",
    }
    assert await office.apply() == ()


@pytest.mark.parametrize(
    ("callback", "goes"),
    [(FOREIGN, f"go to {FOREIGN}, which is not this agent"), ("", "do not come to this agent")],
)
async def test_a_sender_of_somebody_else_is_left_alone_until_it_is_adopted(
    office: Desk, callback: str, goes: str
) -> None:
    sender = senders(office).add(OFFICE)
    sender.webhook, sender.friendly_name = {"callback_url": callback}, "callisi:praxis"
    step = await office.step(KEY)
    assert step.blocked is not None
    assert step.blocked.what == (
        f"WhatsApp messages to {OFFICE} {goes}, and callisi did not register this sender"
    )
    assert f"callisi provision agents/clara.yaml --apply --adopt {sender.sid}" in step.blocked.where
    assert await office.apply() == ()
    assert office.writes() == []
    office.adopt = frozenset({sender.sid})
    assert await office.apply() == (KEY,)
    office.adopt = frozenset()
    assert await office.apply() == (), "once adopted, it is as it should be"
    assert await office.destroy() == (), "and is deleted by nobody but its owner"


async def test_what_is_named_and_needs_no_address_is_fine_whoever_made_it(office: Desk) -> None:
    office.settings.pop("callisi_public_url")
    sid = senders(office).add(OFFICE).sid
    step = await office.step(KEY)
    assert (step.action, step.id) == ("unchanged", sid)


@pytest.mark.parametrize("fault", ["accept_then_drop", "drop_mid"])
async def test_a_lost_answer_is_found_again(office: Desk, fault: str) -> None:
    linked(office)
    office.twilio.faults.add("sender_create", fault)
    assert await office.apply() == (KEY,), "it was done: only the answer was lost"
    assert len(senders(office).senders) == 2
    sender = sender_of(office)
    sender.status, sender.webhook = "ONLINE", {"callback_url": FOREIGN}
    office.twilio.faults.add("sender_update", fault)
    assert await office.apply() == (KEY,)
    assert office.writes() == ["sender_create", "sender_update"]
    assert await office.apply() == ()


@pytest.mark.parametrize("fault", ["drop", "status:503"])
async def test_a_run_that_is_cut_off_is_continued_by_the_next(office: Desk, fault: str) -> None:
    linked(office)
    office.twilio.faults.add("sender_create", fault)
    with pytest.raises(CallisiError, match="nobody knows whether it was done"):
        await office.apply()
    assert await office.apply() == (KEY,)
    assert len(senders(office).senders) == 2


async def test_a_code_whose_answer_is_lost_is_not_handed_in_again(office: Desk) -> None:
    ours(office, "PENDING_VERIFICATION")
    office.whatsapp_code = CODE
    office.twilio.faults.add("sender_update", "accept_then_drop")
    assert await office.apply() == (KEY,)
    assert await office.apply() == ()
    assert office.writes() == ["sender_update"]


async def test_a_business_account_that_twilio_may_not_use_is_blocked(
    office: Desk, snapshot: SnapshotAssertion
) -> None:
    office.settings["twilio_whatsapp_waba_id"] = "12345"
    assert told(await office.left(KEY)) == snapshot


async def test_a_number_that_meta_does_not_take_is_blocked_with_twilios_words(
    office: Desk, snapshot: SnapshotAssertion
) -> None:
    linked(office)
    senders(office).taken.add(OFFICE)
    assert told(await office.left(KEY)) == snapshot


async def test_refused_credentials_say_nothing_about_the_number(office: Desk) -> None:
    linked(office)
    office.twilio.faults.add("sender_create", "status:401")
    with pytest.raises(CallisiError, match="Twilio refuses the credentials"):
        await office.apply()


async def test_only_what_was_registered_here_is_deleted(office: Desk) -> None:
    stranger = linked(office)
    other = senders(office).add(SECOND)
    other.friendly_name = "callisi:praxis"
    await office.apply()
    assert await office.destroy() == (KEY,)
    assert set(senders(office).senders) == {stranger.sid, other.sid}
    assert await office.destroy() == ()


async def test_a_number_that_is_no_longer_in_use_is_deleted_too(office: Desk) -> None:
    ours(office)
    office.settings["twilio_whatsapp_from"] = f"whatsapp:{SECOND}"
    assert await office.destroy() == (KEY,)


@pytest.mark.parametrize("fault", ["accept_then_drop", "drop"])
async def test_a_deletion_whose_answer_is_lost_is_looked_at(office: Desk, fault: str) -> None:
    ours(office)
    office.twilio.faults.add("sender_delete", fault)
    if fault == "drop":
        with pytest.raises(CallisiError):
            await office.destroy()
        await office.destroy()
    else:
        assert await office.destroy() == (KEY,)
    assert senders(office).senders == {}


async def test_every_request_is_one_of_twilios_own(tmp_path: Path) -> None:
    async with desk(tmp_path, WhatsAppSender(), yaml=DECLARED, checked=True) as office:
        office.timeout = 60.0
        office.settings["twilio_whatsapp_from"] = f"whatsapp:{SECOND}"
        office.settings["callisi_public_url"] = PUBLIC
        linked(office)
        await office.apply()
        senders(office).pass_time()
        office.whatsapp_code = CODE
        await office.apply()
        sender = sender_of(office, SECOND)
        sender.status, sender.webhook = "ONLINE", {}
        await office.apply()
        await office.destroy()
        assert office.writes() == ["sender_create", "sender_update", "sender_update", "sender_delete"]
