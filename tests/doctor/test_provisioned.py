"""What `callisi provision` makes, doctor finds well; and each thing that doctor finds wrong, it mends."""

from __future__ import annotations

from typing import Any

import pytest

from callisi_runtime.checks import load_agent
from callisi_runtime.doctor import Patient, Result, examine
from callisi_runtime.provision import RESOURCES, Options, World, apply
from callisi_runtime.settings import Settings

from .conftest import Office

LINE = (
    *("calls come in", "calls go back", "people are dialled", "number", "caller id", "trunk", "origination"),
    *("termination", "recording", "calls abroad", "SMS abroad"),
)


async def provision(office: Office) -> None:
    """`callisi provision agents/clara.yaml --apply`."""
    environ = whole_environ(office)
    spec = load_agent(office.agent or "", environ).value
    options = Options(agent="agents/clara.yaml", env_file=office.folder / ".env", pauses=(0.0, 0.0))
    async with World(spec, Settings.from_environ(environ), RESOURCES, options) as world:
        await apply(world, RESOURCES, lambda _: None)


def whole_environ(office: Office) -> dict[str, str]:
    file = office.folder / ".env"
    written = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    lines = [line.partition("=") for line in written if "=" in line]
    return {name: value for name, _, value in lines} | office.environ


async def findings(office: Office) -> dict[str, list[Result]]:
    return await examine(Patient(whole_environ(office), office.agent), only=LINE)


def emptied(office: Office) -> None:
    """As on the first day: a number, and nothing else."""
    trunking, users, held = office.part("trunking"), office.part("sip"), office.livekit.trunks
    for kept in (trunking.trunks, trunking.urls, trunking.credential_lists, users.lists, users.users):
        kept.clear()
    for kept in (held.inbound, held.outbound, held.rules):
        kept.clear()
    office.number["trunk_sid"] = None


def wrong(found: dict[str, list[Result]]) -> dict[str, Any]:
    return {name: one for name, results in found.items() for one in results if one.state == "problem"}


async def test_what_provision_makes_is_found_well(office: Office) -> None:
    emptied(office)
    before = wrong(await findings(office))
    assert {"calls come in", "people are dialled", "number", "trunk"} <= set(before)
    await provision(office)
    assert wrong(await findings(office)) == {}


@pytest.mark.parametrize(
    ("check", "row", "change"),
    [
        ("origination", "url", {"enabled": False}),
        ("recording", "trunk", {"recording": {"mode": "record-from-answer", "trim": "do-not-trim"}}),
        ("number", "number", {"trunk_sid": None}),
        ("number", "number", {"voice_application_sid": "AP" + "1" * 32, "trunk_sid": None}),
    ],
)
async def test_what_doctor_finds_is_mended_by_the_command_it_names(
    office: Office, check: str, row: str, change: dict[str, Any]
) -> None:
    emptied(office)
    await provision(office)
    getattr(office, row).update(change)
    found = (await findings(office))[check]
    assert [one.mend for one in found] == ["callisi provision agents/clara.yaml --apply"]
    await provision(office)
    assert wrong(await findings(office)) == {}


async def test_permissions_that_are_off_are_mended_by_the_command_that_is_named(office: Office) -> None:
    emptied(office)
    await provision(office)
    office.part("dialing_permissions").allowed["DE"].clear()
    office.part("messaging_permissions").allowed.clear()
    assert set(wrong(await findings(office))) == {"calls abroad", "SMS abroad"}
    await provision(office)
    assert wrong(await findings(office)) == {}
