"""What `callisi doctor` prints, whole: where all is well, where the providers are away, and on a bare machine."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from callisi_runtime.cli.commands.doctor import Screen
from callisi_runtime.doctor import CHECKS, Patient, examine

from .conftest import LONGEST, Office


async def shown(office: Office, capsys: pytest.CaptureFixture[str]) -> str:
    """The output, without what differs from run to run."""
    screen = Screen(tuple(CHECKS))
    await examine(office.patient(), screen.told, longest=LONGEST)
    text = capsys.readouterr().out
    for port, name in (
        (office.livekit.port, "LIVEKIT"),
        (office.sip.port, "SIP"),
        (office.twilio.port, "TWILIO"),
    ):
        text = text.replace(f":{port}", f":{name}")
    return text.replace(str(office.folder), "FOLDER")


async def test_a_set_up_that_is_well(
    office: Office, capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion
) -> None:
    assert await shown(office, capsys) == snapshot


async def test_providers_that_are_away(
    office: Office, capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion
) -> None:
    office.environ |= {
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_SIP_URI": "sip:127.0.0.1:9;transport=tcp",
    }
    office.environ["TWILIO_AUTH_TOKEN"] = "wrong"
    assert await shown(office, capsys) == snapshot


async def test_a_machine_on_which_nothing_is_set_up(
    capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion
) -> None:
    screen = Screen(tuple(CHECKS))
    await examine(
        Patient({"CALLISI_DATABASE": "sqlite:///:memory:", "CALLISI_HEALTH_PORT": "1"}), screen.told
    )
    assert capsys.readouterr().out == snapshot
