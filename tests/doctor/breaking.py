"""Ways in which a set-up is broken, or is well in another way: each changes one thing in the office."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from google.protobuf.duration_pb2 import Duration
from livekit.protocol.room import RoomConfiguration

from callisi_runtime.doctor import examine
from callisi_runtime.ledger import CallRow, Note, Step
from callisi_runtime.live.speech import SpeechCache
from callisi_runtime.plan import make_plan

from .conftest import OURS, TRUNK, Office, add_outbound, add_rule

Breaking = Callable[[Office], Awaitable[None]]


def unset(*names: str) -> Callable[[Office], Awaitable[None]]:
    async def change(office: Office) -> None:
        for name in names:
            del office.environ[name]

    return change


def set_to(name: str, value: str) -> Callable[[Office], Awaitable[None]]:
    async def change(office: Office) -> None:
        office.environ[name] = value

    return change


async def second_outbound_trunk(office: Office) -> None:
    async with office.lk as lk:
        await add_outbound(lk)


async def outbound_without_user(office: Office) -> None:
    office.livekit.trunks.outbound.clear()
    async with office.lk as lk:
        await add_outbound(lk, auth_username="", auth_password="")


async def no_inbound_trunk(office: Office) -> None:
    office.livekit.trunks.inbound.clear()


async def no_rule(office: Office) -> None:
    office.livekit.trunks.rules.clear()


async def rule_of_another(office: Office) -> None:
    office.livekit.trunks.rules.clear()
    async with office.lk as lk:
        await add_rule(lk, next(iter(office.livekit.trunks.inbound)), "otto")


async def no_ringing_timeout(office: Office) -> None:
    for trunk in office.livekit.trunks.inbound.values():
        trunk.ringing_timeout.CopyFrom(Duration())


async def agent_with_a_mistake(office: Office) -> None:
    file = office.folder / "bad.yaml"
    file.write_text("name: bad\ngreting: Hallo\n", encoding="utf-8")
    office.agent = str(file)


async def a_dead_letter(office: Office) -> None:
    ledger = await office.ledger()
    await ledger.begin_call(CallRow("SCL_1", "clara", None, ledger.clock(), "call-1"))
    note = Note("SCL_1:1", "SCL_1", "clara", {"texts": ["x"]}, (Step("sms", OURS),), "K7Q2")
    await ledger.arm(note, due_in=0)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.onward(row, "sms: 21211", "rejected")
    await ledger.close()


async def a_callback_nobody_takes(office: Office) -> None:
    ledger = await office.ledger()
    await ledger.begin_call(CallRow("SCL_1", "clara", None, ledger.clock(), "call-1"))
    note = Note("SCL_1:1", "SCL_1", "clara", {"texts": ["x"]}, (Step("sms", OURS),), "K7Q2", escalate=0.0)
    await ledger.settle("SCL_1", outcome="busy", send=True, note=note)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.taken(row, "SM1", poll_in=None)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.unclaimed(row)
    await ledger.close()


async def nobody_sends(office: Office) -> None:
    ledger = await office.ledger()
    note = Note("SCL_1:1", "SCL_1", "clara", {"texts": ["x"]}, (Step("sms", OURS),), "K7Q2")
    await ledger.arm(note, due_in=-600)
    await ledger.close()


async def ledger_for_all_to_read(office: Office) -> None:
    await (await office.ledger()).close()
    (office.folder / "callisi.db").chmod(0o644)


async def ledger_that_is_none(office: Office) -> None:
    (office.folder / "callisi.db").write_text("not a database, but long enough to look like one " * 50)


def account(**values: Any) -> Breaking:
    async def change(office: Office) -> None:
        for name, value in values.items():
            setattr(office.part("account"), name, value)

    return change


def number(**values: Any) -> Breaking:
    async def change(office: Office) -> None:
        office.number.update(values)

    return change


def trunk(**values: Any) -> Breaking:
    async def change(office: Office) -> None:
        office.trunk.update(values)

    return change


def url(**values: Any) -> Breaking:
    async def change(office: Office) -> None:
        office.url.update(values)

    return change


def set_and(name: str, value: str, more: Breaking) -> Breaking:
    async def change(office: Office) -> None:
        office.environ[name] = value
        await more(office)

    return change


def own(text: str, variant: str = "forward_sms") -> Breaking:
    async def change(office: Office) -> None:
        office.extend(text, variant)

    return change


async def number_of_another(office: Office) -> None:
    office.part("numbers").owned.clear()


async def no_url(office: Office) -> None:
    office.part("trunking").urls.clear()


async def no_trunk(office: Office) -> None:
    office.part("trunking").trunks.clear()
    office.number["trunk_sid"] = None


async def second_trunk(office: Office) -> None:
    office.part("trunking").add_trunk(TRUNK)


async def number_in_another_trunk(office: Office) -> None:
    other = office.part("trunking").add_trunk("old")
    office.number["trunk_sid"] = other["sid"]


async def user_of_another(office: Office) -> None:
    office.part("sip").users.clear()


async def dials_elsewhere(office: Office) -> None:
    office.livekit.trunks.outbound.clear()
    async with office.lk as lk:
        await add_outbound(lk, address="another.pstn.twilio.com")


async def foreign_caller_id(office: Office) -> None:
    office.livekit.trunks.outbound.clear()
    async with office.lk as lk:
        await add_outbound(lk, numbers=["+4930901820777"])


async def germany_is_off(office: Office) -> None:
    office.part("dialing_permissions").allowed["DE"].clear()
    office.part("messaging_permissions").allowed.clear()


async def old_server(office: Office) -> None:
    office.livekit.workers.version = "1.4.2"


async def no_sip_service(office: Office) -> None:
    office.environ["LIVEKIT_SIP_URI"] = "sip:127.0.0.1:9;transport=tcp"


async def server_without_sip(office: Office) -> None:
    office.livekit.has_sip = False


async def no_longest_call(office: Office) -> None:
    for trunk in office.livekit.trunks.inbound.values():
        trunk.max_call_duration.CopyFrom(Duration())


async def rule_for_nobody(office: Office) -> None:
    for rule in office.livekit.trunks.rules.values():
        rule.room_config.CopyFrom(RoomConfiguration())


async def many_trunks(office: Office) -> None:
    """More than stand on one page, and ours on the last."""
    trunks = office.part("trunking").trunks
    (sid,) = trunks
    for count in range(120):
        office.part("trunking").add_trunk(f"Line {count}")
    trunks[sid] = trunks.pop(sid)


async def kept_sentences(office: Office) -> None:
    """As the worker leaves them."""
    patient = office.patient()
    await examine(patient, only=set())
    spec = patient.known_spec()
    cache = SpeechCache(patient.settings.cache_directory, spec.language, spec.voice.tts)
    for texts in make_plan(spec, patient.settings).static_sentences().values():
        for text in texts:
            cache.put(text, np.zeros(10, np.int16))


async def ledger_of_its_own(office: Office) -> None:
    await (await office.ledger()).close()


def alert(code: int, **values: Any) -> Breaking:
    async def change(office: Office) -> None:
        office.part("alerts").add(code, **values)

    return change


WHATSAPP = (
    "transfer: {to: '+49 30 901820111'}\n"
    "fallback: {channels: [{whatsapp: {to: '+49 170 12345678', from: '+49 30 901820100', content_sid: %s,\n"
    "  variables: {'1': '{{ caller.phone }}'}}}]}\n"
)


def whatsapp(status: str | None = "approved", sender: str | None = "ONLINE", **shown: Any) -> Breaking:
    async def change(office: Office) -> None:
        template = office.part("contents").add("callback", "Bitte {{1}} anrufen.", status=status)
        template.variables = shown.get("variables", {"1": "+49 30 1234567"})
        if template.approval is not None:
            template.approval.reason = shown.get("reason", "")
        if sender is not None:
            office.part("senders").add(OURS, sender)
        office.extend(WHATSAPP % template.sid)

    return change


def declared(text: str, sender: str = OURS) -> Breaking:
    """The variant's own text, of which this one was approved."""

    async def change(office: Office) -> None:
        template = office.part("contents").add("callisi:clara:1", text, status="approved")
        office.part("senders").add(OURS)
        office.environ["TWILIO_WHATSAPP_CONTENT_SID"] = template.sid
        office.environ["TWILIO_WHATSAPP_FROM"] = f"whatsapp:{sender}"
        office.extend("", "forward_whatsapp")

    return change


TEXT = "Clara: Ziel nicht erreicht ({{1}}). Bitte Rückruf an {{2}}, Anliegen: {{3}}. Ref {{4}}, Anruf um {{5}} Uhr."

SMS_FROM_A_NAME = "fallback: {channels: [{sms: {to: '+49 170 12345678', from: Praxis}}]}\n"
