from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from callisi_runtime.checks import load_agent
from callisi_runtime.cli.commands.doctor import Screen
from callisi_runtime.doctor.result import ok, problem
from callisi_runtime.doctor.tries import announced
from callisi_runtime.loopback.livekit import LiveKitServer
from callisi_runtime.loopback.twilio import TwilioServer

from .conftest import Office, Run
from .test_logs import livekit, twilio

__all__ = ["livekit", "twilio"]

CLARA = str(Path(__file__).parents[3] / "agents" / "clara.yaml")
ACCOUNTS = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


@pytest.fixture(autouse=True)
def without_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ACCOUNTS:
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("office")
def test_a_machine_with_nothing_on_it_is_not_ill(callisi: Run) -> None:
    shown = callisi("doctor")
    assert shown.code == 0
    assert "LIVEKIT_URL is not set: calls are rehearsed" in shown.out
    assert shown.out.endswith("1 warning\n")


def test_a_dead_letter_fails_and_says_what_to_do(callisi: Run, busy_office: Office) -> None:
    shown = callisi("doctor")
    assert shown.code == 1
    assert "FAIL  ledger" in shown.out
    assert "-> callisi notifications --dead, then callisi redrive ID" in shown.out


def test_the_document_has_every_finding(callisi: Run, busy_office: Office) -> None:
    shown = callisi("doctor", "--json")
    assert shown.code == 1
    assert shown.json["ok"] is False
    (ledger, *_) = [one for one in shown.json["checks"] if one["check"] == "ledger"]
    assert (ledger["state"], ledger["what"]) == ("problem", "1 message(s) reached nobody who calls back")


@pytest.mark.usefixtures("office")
def test_trying_needs_an_agent(callisi: Run) -> None:
    shown = callisi("doctor", "--live")
    assert (shown.code, "--live needs an agent" in shown.err) == (2, True)


@pytest.mark.usefixtures("office")
def test_nothing_is_tried_where_nobody_can_be_asked(callisi: Run) -> None:
    shown = callisi("doctor", CLARA, "--live")
    assert (shown.code, "agree with --yes" in shown.err, shown.out) == (2, True, "")


@pytest.mark.usefixtures("office")
def test_without_accounts_there_is_nothing_to_try(callisi: Run) -> None:
    shown = callisi("doctor", CLARA, "--live", "--yes", "--json")
    states = {one["check"]: one["state"] for one in shown.json["checks"]}
    assert (states["a message"], states["a call"]) == ("skipped", "skipped")


def test_what_trying_does_is_said_without_whole_numbers() -> None:
    spec = load_agent(Path(CLARA), {"TWILIO_SMS_TO": "+4917012345678"}).value
    said = "\n".join(announced(spec))
    assert "an SMS goes to +49170•••78" in said
    assert "+4917012345678" not in said
    assert "rings for 3 s" in said


def test_findings_are_shown_in_one_order_however_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(("first", "second", "third"))
    screen.told("third", [ok("c")])
    screen.told("first", [ok("a")])
    assert capsys.readouterr().out == "ok    first   a\n"
    screen.told("second", [problem("b", "mend it"), ok("d")])
    assert capsys.readouterr().out == (
        "FAIL  second  b\n              -> mend it\nok            d\nok    third   c\n"
    )


def test_a_terminal_sees_what_is_still_awaited(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    screen = Screen(("first", "second"))
    screen.told("second", [ok("b")])
    shown = capsys.readouterr().out
    assert shown == "0 of 2, waiting for first, second\r\x1b[K1 of 2, waiting for first"
    screen.told("first", [ok("a")])
    assert "waiting" not in capsys.readouterr().out


@pytest.mark.usefixtures("office")
def test_a_number_that_is_none_is_said(callisi: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLISI_PATIENCE_SECONDS", "soon")
    shown = callisi("doctor")
    assert (shown.code, "CALLISI_PATIENCE_SECONDS" in shown.err, "1 to 120" in shown.err) == (1, True, True)


HEALTHY_SECONDS = 5.0
"""Of processor time: what others do on this machine meanwhile is not ours."""


@pytest.mark.usefixtures("office")
def test_a_set_up_is_looked_at_in_a_few_seconds(twilio: TwilioServer, livekit: LiveKitServer) -> None:
    environ = dict(os.environ) | {
        "TWILIO_PHONE_NUMBER": "+4915799912345",
        "DEFAULT_FORWARD_NUMBER": "+493090182011",
        "TWILIO_SMS_TO": "+4917099912345",
        "LIVEKIT_SIP_URI": "sip:127.0.0.1:9;transport=tcp",
        "CALLISI_HEALTH_PORT": "1",
        "OPENAI_API_KEY": "loopback",
        "DEEPGRAM_API_KEY": "loopback",
    }
    numbers: Any = twilio.parts["numbers"]
    numbers.add("+4915799912345")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = (sys.executable, "-m", "callisi_runtime")
    for arguments in (("provision", CLARA, "--apply"), ("doctor", CLARA, "--json")):
        ran = subprocess.run((*command, *arguments), env=environ, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        before = after
    checks = json.loads(ran.stdout)["checks"]
    assert {one["check"] for one in checks if one["state"] == "problem"} == {"SIP address"}
    assert spent < HEALTHY_SECONDS
