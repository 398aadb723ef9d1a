"""Whatever Twilio or LiveKit answers, each command that asks them says it in one clear sentence, and soon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callisi_runtime.ledger import Ledger

from .test_logs import livekit, twilio

if TYPE_CHECKING:
    from callisi_runtime.loopback.livekit import LiveKitServer
    from callisi_runtime.loopback.twilio import TwilioServer

    from .conftest import Office, Printed, Run

__all__ = ["livekit", "twilio"]

CLARA = str(Path(__file__).parents[3] / "agents" / "clara.yaml")
OURS = "+4915799912345"
COMMANDS: dict[str, tuple[str, ...]] = {
    "doctor": ("doctor", CLARA),
    "logs": ("logs", "calls"),
    "provision": ("provision", CLARA),
    "numbers": ("numbers", "search"),
    "cost": ("cost", CLARA, "--refresh"),
    "cost --actual": ("cost", CLARA, "--actual"),
}
TWILIO = {
    "status:401": "Twilio refuses the credentials (401)",
    "status:403": "Twilio forbids it (403)",
    "status:404": "Twilio does not find it (404)",
    "status:429": "Twilio has had too many requests (429)",
    "status:500": "Twilio has a fault of its own (500)",
    "status:503": "Twilio has a fault of its own (503)",
    "hang": "Twilio does not answer within 1 s",
    "drop": "Twilio does not answer",
}
EXCEPT = {
    ("numbers", "status:404"): "Twilio has no mobile number in DE now",
    ("cost", "status:404"): "Twilio has no price list for this country",
}
"""Where a 404 means something else."""
LIVEKIT = {
    "status:401": "refuses the key",
    "status:403": "refuses the key",
    "status:404": "LiveKit",
    "status:429": "too many requests",
    "status:503": "503",
    "hang": "does not answer within",
    "drop": "LiveKit",
}


@pytest.fixture(autouse=True)
def ready(
    office: Office,
    twilio: TwilioServer,
    livekit: LiveKitServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A number that is ours, both providers, and an empty ledger."""
    for name, value in {
        "CALLISI_CACHE": str(tmp_path / "cache"),
        "CALLISI_HEALTH_PORT": "1",
        "CALLISI_PATIENCE_SECONDS": "30",
        "LIVEKIT_SIP_URI": "sip:127.0.0.1:9;transport=tcp",
        "TWILIO_PHONE_NUMBER": OURS,
        "DEFAULT_FORWARD_NUMBER": "+493090182011",
        "TWILIO_SMS_TO": "+4917099912345",
    }.items():
        monkeypatch.setenv(name, value)
    numbers: Any = twilio.parts["numbers"]
    numbers.add(OURS)
    office.do(nothing)


async def nothing(_: Ledger) -> None:
    """The ledger is made, and stays empty."""


def judge(ran: Printed, wanted: str, *, listed: bool) -> None:
    """The sentence is there, and nothing of a programmer's; `listed`: among the findings, not as the error."""
    said = ran.out + ran.err
    assert wanted in said
    assert "Traceback" not in said
    assert "mistake of ours" not in said
    lines = ran.err.splitlines()
    assert listed == (not lines)
    assert [one for one in lines if wanted not in one] == []


def hurry(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is answered, a second is enough."""
    if fault == "hang":
        monkeypatch.setenv("CALLISI_PATIENCE_SECONDS", "1")


@pytest.mark.parametrize("fault", TWILIO)
@pytest.mark.parametrize("command", COMMANDS)
def test_twilio(
    callisi: Run, twilio: TwilioServer, monkeypatch: pytest.MonkeyPatch, command: str, fault: str
) -> None:
    hurry(fault, monkeypatch)
    twilio.faults.add("*", fault, times=None)
    ran = callisi(*COMMANDS[command])
    known = (command, fault) in EXCEPT
    judge(ran, EXCEPT.get((command, fault), TWILIO[fault]), listed=known or command in ("doctor", "cost"))
    assert ran.code == (0 if (command, fault) == ("numbers", "status:404") else 1)


@pytest.mark.parametrize("fault", LIVEKIT)
@pytest.mark.parametrize("command", ["doctor", "provision"])
def test_livekit(
    callisi: Run, livekit: LiveKitServer, monkeypatch: pytest.MonkeyPatch, command: str, fault: str
) -> None:
    if fault == "hang":  # Twilio is asked as well, and answers
        monkeypatch.setenv("CALLISI_PATIENCE_SECONDS", "5")
    livekit.faults.add("*", fault, times=None)
    ran = callisi(*COMMANDS[command])
    judge(ran, LIVEKIT[fault], listed=command == "doctor")
    assert ran.code == 1
