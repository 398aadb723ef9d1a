"""In a set-up that is well nothing is found; each thing that is broken is found, and what mends it is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from google.protobuf.duration_pb2 import Duration

from callisi_runtime.doctor import CHECKS, Patient, Result, examine
from callisi_runtime.ledger import CallRow, Note, Step

from .conftest import OURS, Office, add_outbound, add_rule

FORGOTTEN = 1_000_000.0


def states(results: list[Result]) -> list[str]:
    return [one.state for one in results]


async def test_a_set_up_that_is_well_has_no_problem(office: Office) -> None:
    found = await office.findings()
    assert list(found) == list(CHECKS)
    problems = {name: one for name, results in found.items() for one in results if one.state == "problem"}
    assert problems == {}
    assert [one.what for one in found["calls come in"]] == ["calls of `in` come to `clara`"]
    assert states(found["people are dialled"]) == states(found["number"]) == ["ok"]
    assert states(found["SMS and WhatsApp"]) == ["ok"]


async def test_nothing_is_written_anywhere(office: Office) -> None:
    before, files = len(office.livekit.log.entries), sorted(office.folder.rglob("*"))
    await office.findings()
    operations = {entry.operation for entry in office.livekit.log.entries[before:]}
    assert {name for name in operations if "list" not in name.lower()} == set()
    assert sorted(office.folder.rglob("*")) == files


async def test_without_an_agent_and_an_account_there_is_little_to_look_at() -> None:
    found = await examine(Patient({"CALLISI_DATABASE": "sqlite:////nowhere/callisi.db"}))
    assert {one.state for results in found.values() for one in results} <= {"ok", "skipped", "warning"}


# -- what can be broken ---------------------------------------------------------------------------------------


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


async def suspended(office: Office) -> None:
    office.twilio.about["status"] = "suspended"


async def number_of_another(office: Office) -> None:
    office.twilio.numbers.clear()


async def number_without_trunk(office: Office) -> None:
    office.twilio.numbers[OURS]["trunk_sid"] = None


async def number_without_sms(office: Office) -> None:
    office.twilio.numbers[OURS]["capabilities"]["sms"] = False


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


BROKEN = [
    (agent_with_a_mistake, "agent file", "unknown key `greting`", "callisi validate"),
    (unset("OPENAI_API_KEY"), "environment", "OPENAI_API_KEY is not set", ".env"),
    (unset("LIVEKIT_API_SECRET"), "environment", "LIVEKIT_API_SECRET is not set", ".env"),
    (unset("TWILIO_AUTH_TOKEN"), "environment", "the channel sms", "TWILIO_AUTH_TOKEN"),
    (unset("DEFAULT_FORWARD_NUMBER"), "environment", "example number", "DEFAULT_FORWARD_NUMBER"),
    (set_to("LIVEKIT_URL", "http://127.0.0.1:9"), "LiveKit", "does not answer", "LIVEKIT_URL"),
    (set_to("LIVEKIT_API_SECRET", "x" * 40), "LiveKit", "refuses the key", "LIVEKIT_API_SECRET"),
    (set_to("SIP_TRUNK_NAME", "other"), "people are dialled", "there are: Callisi", "SIP_TRUNK_NAME"),
    (second_outbound_trunk, "people are dialled", "2 outbound trunks", "delete all but one"),
    (outbound_without_user, "people are dialled", "has no user", "credential list"),
    (no_inbound_trunk, "calls come in", f"no inbound trunk takes calls to {OURS}", "docs/number.md"),
    (
        set_to("TWILIO_PHONE_NUMBER", "+49 30 901820999"),
        "calls come in",
        "no inbound trunk",
        "make the trunk",
    ),
    (no_rule, "calls come in", "no dispatch rule", "`clara`"),
    (rule_of_another, "calls come in", "leads to `otto`", "`clara`"),
    (no_ringing_timeout, "calls go back", "ring for 180 s", "ringing_timeout"),
    (set_to("TWILIO_AUTH_TOKEN", "wrong"), "Twilio", "refuses the credentials", "TWILIO_AUTH_TOKEN"),
    (set_to("TWILIO_API_BASE", "http://127.0.0.1:9"), "Twilio", "does not answer", "network"),
    (suspended, "Twilio", "suspended", "console"),
    (number_of_another, "number", "not one of this account", "TWILIO_PHONE_NUMBER"),
    (number_without_trunk, "number", "belongs to no SIP trunk", "docs/number.md"),
    (number_without_sms, "SMS and WhatsApp", "cannot send", "a number with SMS"),
    (a_dead_letter, "ledger", "reached nobody", "callisi redrive"),
    (nobody_sends, "ledger", "nobody sends it", "callisi deliver"),
    (ledger_for_all_to_read, "ledger's file", "can be read by others", "chmod 600"),
    (ledger_that_is_none, "ledger", "cannot be read", "CALLISI_DATABASE"),
]


@pytest.mark.parametrize(
    ("breaking", "check", "what", "mend"), BROKEN, ids=[f"{check}: {what}" for _, check, what, _ in BROKEN]
)
async def test_what_is_broken_is_found(
    office: Office, breaking: Callable[[Office], Awaitable[None]], check: str, what: str, mend: str
) -> None:
    await breaking(office)
    found = [one for one in await office.finding(check) if one.state == "problem"]
    assert any(what in one.what and mend in (one.mend or "") for one in found), found


async def test_no_secret_stands_in_a_finding(office: Office) -> None:
    office.environ["LIVEKIT_API_SECRET"] = "geheim" * 8
    office.environ["TWILIO_AUTH_TOKEN"] = "geheim-token"
    assert "geheim" not in json.dumps(
        [one.as_dict(name) for name, results in (await office.findings()).items() for one in results]
    )


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


async def test_livekit_is_asked_once_however_many_checks_ask(office: Office) -> None:
    before = len(office.livekit.log.entries)
    await office.findings()
    assert len(office.livekit.log.entries) - before == 3


# -- the worker on this machine -------------------------------------------------------------------------------


async def test_a_worker_without_a_watchdog_is_a_problem(office: Office, free_port: int) -> None:
    app = web.Application()
    health = {"ok": True, "agent": "clara", "calls": 2}

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response(health)

    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", free_port).start()
    office.environ["CALLISI_HEALTH_PORT"] = str(free_port)
    try:
        found = await office.findings()
        assert found["worker"][0].what == "the worker takes calls, 2 now"
        assert states(found["watchdog"]) == ["problem"]
        async with watchdog(office):
            assert states(await office.finding("watchdog")) == ["ok"]
        health["ok"] = False
        assert states(await office.finding("worker")) == ["problem"]
    finally:
        await runner.cleanup()


class watchdog:  # used as a context manager
    """Something that listens where the watchdog does."""

    def __init__(self, office: Office) -> None:
        from callisi_runtime.live.watch_line import socket_path
        from callisi_runtime.settings import Settings

        self.path: Path = socket_path("clara", Settings.from_environ(office.environ))

    async def __aenter__(self) -> None:
        async def attend(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        self.server = await asyncio.start_unix_server(attend, self.path)

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()
        self.path.unlink(missing_ok=True)
