"""The WhatsApp template: made from the file, handed in, watched, and put to use when Meta has approved it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.errors import CallisiError
from callisi_runtime.loopback.twilio_content import Contents
from callisi_runtime.loopback.twilio_senders import WABA
from callisi_runtime.notify import build_channels
from callisi_runtime.notify.base import Sent
from callisi_runtime.notify.settings import notify_settings
from callisi_runtime.plan import make_plan, sample_call
from callisi_runtime.provision.whatsapp_sender import WhatsAppSender
from callisi_runtime.provision.whatsapp_template import SETTING, WhatsAppTemplate

from .desk import OFFICE, Desk, desk
from .test_whatsapp_sender import DECLARED, agent, senders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY = WhatsAppTemplate.key
BODY = "Clara: Bitte Rückruf an {{1}}. Ref {{2}}, danke."
SID = "HX" + "0" * 32


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path, WhatsAppSender(), WhatsAppTemplate(), yaml=DECLARED) as one:
        one.settings["twilio_whatsapp_from"] = f"whatsapp:{OFFICE}"
        senders(one).add(OFFICE)
        yield one


def contents(office: Desk) -> Contents:
    part = office.twilio.parts["contents"]
    assert isinstance(part, Contents)
    return part


def ours(office: Desk) -> list[str]:
    return [
        one.body for one in contents(office).contents.values() if one.friendly_name.startswith("callisi:")
    ]


async def test_the_plan_shows_the_text_as_it_is_handed_in(office: Desk) -> None:
    step = await office.step(KEY)
    assert step.action == "create"
    assert {one.field: one.after for one in step.changes} == {
        "text": BODY,
        "language": "de",
        "category": "UTILITY",
        "approval": "submitted",
    }


async def test_a_template_is_made_handed_in_and_put_to_use_when_it_is_approved(office: Desk) -> None:
    assert await office.apply() == (KEY,)
    (made,) = contents(office).contents.values()
    assert (made.body, made.language) == (BODY, "de")
    assert list(made.variables) == ["1", "2"]
    assert all(made.variables.values()), "Meta wants a sample of each"
    assert made.approval is not None
    assert made.approval.category == "UTILITY"
    assert made.approval.name.startswith("callisi_clara_")
    step = await office.step(KEY)
    assert step.blocked is not None
    assert step.blocked.as_dict() == {
        "what": f"Meta reviews the template ({made.sid}, received)",
        "who": "Meta",
        "where": "console.twilio.com, Messaging, Content Template Builder",
        "how_long": "minutes to 24 hours, at times 48",
        "then": f"callisi provision agents/clara.yaml --apply: it writes {SETTING} when the template is approved",
    }
    assert await office.apply() == ()
    assert not office.env_file.exists()
    made.approval.passed = 2
    assert await office.apply() == (KEY,)
    assert office.env_file.read_text() == f"{SETTING}={made.sid}\n"
    office.settings["twilio_whatsapp_content_sid"] = made.sid
    writes = office.writes()
    assert await office.apply() == ()
    assert office.writes() == writes == ["content_create", "approval_create"]


@pytest.mark.parametrize("status", ["rejected", "disabled"])
async def test_what_meta_refuses_comes_with_its_reason(office: Desk, status: str) -> None:
    contents(office).will(status, reason="TAG_CONTENT_MISMATCH")
    await office.apply()
    step = await office.step(KEY)
    assert step.blocked is not None
    assert f"the template is {status}" in step.blocked.what
    assert "TAG_CONTENT_MISMATCH" in step.blocked.what
    assert "`template`" in step.blocked.where


async def test_a_pause_is_waited_for(office: Desk) -> None:
    contents(office).add("callisi:clara:12345678", BODY, status="paused")
    step = await office.step(KEY)
    assert step.blocked is not None
    assert "Meta has paused the template" in step.blocked.what
    assert step.blocked.how_long == "some hours"


async def test_metas_own_category_is_said_when_it_is_dearer(office: Desk) -> None:
    made = contents(office).add("callisi:clara:12345678", BODY, status="approved")
    office.settings["twilio_whatsapp_content_sid"] = made.sid
    assert (await office.step(KEY)).why is None
    assert made.approval is not None
    made.approval.category = "MARKETING"
    step = await office.step(KEY)
    assert step.action == "unchanged"
    assert "Meta has made it MARKETING" in (step.why or "")


async def test_a_refusal_is_said_with_what_was_tried(office: Desk) -> None:
    office.twilio.faults.add("approval_create", "status:400")
    with pytest.raises(
        CallisiError, match=r"Twilio refuses \(400\) while the WhatsApp template was handed in"
    ):
        await office.apply()


async def test_another_text_is_another_template_and_the_first_stays(office: Desk) -> None:
    await office.apply()
    (first,) = contents(office).contents
    office.settings["twilio_whatsapp_content_sid"] = first
    office.yaml = DECLARED.replace("danke", "vielen Dank")
    step = await office.step(KEY)
    assert step.action == "create"
    assert step.marks.risk is not None
    assert "restart the worker with the new text only when" in step.marks.risk
    await office.apply()
    assert ours(office) == [BODY, BODY.replace("danke", "vielen Dank")]


async def test_what_was_made_and_not_handed_in_is_handed_in(office: Desk) -> None:
    sid = contents(office).add("callisi:clara:12345678", BODY).sid
    step = await office.step(KEY)
    assert [(one.field, one.before, one.after) for one in step.changes] == [
        ("approval", "unsubmitted", "submitted")
    ]
    assert await office.apply() == (KEY,)
    assert office.writes() == ["approval_create"]
    assert list(contents(office).contents) == [sid]


@pytest.mark.parametrize("operation", ["content_create", "approval_create"])
@pytest.mark.parametrize("fault", ["accept_then_drop", "accept_then_hang", "drop", "status:500"])
async def test_a_run_that_is_cut_off_is_continued_by_the_next(
    office: Desk, operation: str, fault: str
) -> None:
    office.timeout = 1.0 if "hang" in fault else 5.0
    office.twilio.faults.add(operation, fault)
    with suppress(CallisiError):
        await office.apply()
    await office.apply()
    (made,) = contents(office).contents.values()
    assert made.approval is not None
    assert await office.apply() == ()


async def test_two_with_our_tag_and_this_text_are_for_a_person_to_sort_out(office: Desk) -> None:
    sids = [contents(office).add("callisi:clara:12345678", BODY).sid for _ in range(2)]
    step = await office.step(KEY)
    assert step.action == "stopped"
    assert all(sid in (step.why or "") for sid in sids)
    assert await office.apply() == ()
    assert office.writes() == []


async def test_what_others_made_is_not_looked_at_and_not_deleted(office: Desk) -> None:
    foreign = [
        contents(office).add(name, BODY, status="approved").sid
        for name in ("missed_call", "callisi:paula:12345678", "callisi:clara2:12345678")
    ]
    assert (await office.step(KEY)).action == "create"
    await office.apply()
    office.yaml = DECLARED.replace("danke", "vielen Dank")
    await office.apply()
    assert await office.destroy() == (KEY,)
    assert list(contents(office).contents) == foreign


async def test_a_template_waits_for_its_sender(office: Desk) -> None:
    senders(office).senders.clear()
    step = await office.step(KEY)
    assert (step.action, step.why) == ("waiting", "waits for WhatsApp: sender")


@pytest.mark.parametrize(
    ("status", "words"),
    [(None, "was never handed in"), ("pending", "Meta reviews"), ("rejected", "the template is rejected")],
)
async def test_a_template_that_the_file_names_by_its_id_is_looked_at_and_left_alone(
    office: Desk, status: str | None, words: str
) -> None:
    sid = contents(office).add("missed_call", BODY, status=status).sid
    office.yaml = agent(f"content_sid: {sid}")
    step = await office.step(KEY)
    assert step.blocked is not None
    assert words in step.blocked.what
    assert await office.apply() == ()
    assert await office.destroy() == ()
    assert office.writes() == []


async def test_an_approved_template_that_the_file_names_is_fine_and_an_unknown_one_is_not(
    office: Desk,
) -> None:
    sid = contents(office).add("missed_call", BODY, status="approved").sid
    office.yaml = agent(f"content_sid: {sid}")
    assert (await office.step(KEY)).action == "unchanged"
    office.yaml = agent(f"content_sid: {SID}")
    step = await office.step(KEY)
    assert step.blocked is not None
    assert f"the account has no template {SID}" in step.blocked.what


async def test_what_was_approved_is_what_staff_reads(office: Desk) -> None:
    await office.apply()
    (made,) = contents(office).contents.values()
    assert made.approval is not None
    made.approval.passed = 2
    await office.apply()
    world = office.world()
    environ = dict([office.env_file.read_text().strip().split("=")])
    settings = replace(world.settings, twilio_whatsapp_content_sid=environ[SETTING])
    plan = make_plan(world.spec, settings)
    note = plan.note(sample_call(), 1)
    channel = build_channels(notify_settings(settings))["whatsapp"]
    sent = await channel.send(note, plan.route[0])
    (message,) = office.twilio.messages.values()
    assert message.form["ContentSid"] == made.sid
    assert message.form["Body"] == f"Clara: Bitte Rückruf an 0152 28817386. Ref {note.reference}, danke."
    assert await channel.find(note, plan.route[0]) == Sent(sent.sid), (
        "a lost answer is found by its reference"
    )


async def test_every_request_is_one_of_twilios_own(tmp_path: Path) -> None:
    async with desk(tmp_path, WhatsAppSender(), WhatsAppTemplate(), yaml=DECLARED, checked=True) as office:
        senders(office).wabas.add(WABA)
        office.timeout = 60.0
        office.settings = {
            "twilio_whatsapp_from": f"whatsapp:{OFFICE}",
            "twilio_whatsapp_waba_id": WABA,
            "callisi_public_url": "https://clara.example.com",
        }
        assert await office.apply() == (WhatsAppSender.key, KEY), (
            "both in one run: Meta looks at them at the same time"
        )
        assert await office.destroy() == (KEY, WhatsAppSender.key)
