"""Every command with `--json`, as docs/json.md lists them: one document on standard output, and nothing beside it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from callisi_runtime.cli import main, run_main
from callisi_runtime.cli.main import COMMANDS
from callisi_runtime.loopback.twilio import TwilioServer

from .conftest import CALLER, Office
from .test_logs import answering

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
CLARA = str(ROOT / "agents" / "clara.yaml")
BASIC = str(ROOT / "variants" / "basic.yaml")
SET = {"DEFAULT_FORWARD_NUMBER": "+493090182011", "TWILIO_SMS_TO": "+4917099912345"}
UNSET = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "OPENAI_API_KEY", "TWILIO_PHONE_NUMBER")


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the page, and what is typed for it."""

    row: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    """The rest of a line that ends in an error."""
    codes: tuple[int, ...] = (0,)
    """Exit codes beside which there is a document of the command's own."""
    twilio: bool = False


CASES = (
    Case("validate", (CLARA,), ("nowhere.yaml",)),
    Case("render", (CLARA,), ("nowhere.yaml",)),
    Case("prove", (BASIC,), ("nowhere.yaml",)),
    Case("test", (str(ROOT / "scenarios" / "closed.yaml"),), ("nowhere.yaml",)),
    Case("new", ("praxis",), ("two words",)),
    Case("schema", (), ("--check", "no-such-folder")),
    Case("schema --print", ("agent",), ("nothing",)),
    Case("line-test", (CLARA,), ("nowhere.yaml",), codes=()),
    Case("calls", (), ("--limit", "many")),
    Case("calls ID", ("SCL_missed",), ("SCL_nowhere",)),
    Case("notifications", (), ("--database", "sqlite:///nowhere.db")),
    Case("redrive", ("SCL_missed:1",), ("SCL_nowhere:1",)),
    Case("deliver", ("--until-empty", "--patience", "0"), ("--patience", "long"), codes=(1,)),
    Case("export", (CALLER,), ("nobody",)),
    Case("erase", (CALLER,), ("nobody",)),
    Case("logs", ("calls",), ("letters",), twilio=True),
    Case("rca", ("SCL_missed",), ("SCL_nowhere",)),
    Case("simulate", (BASIC, "--calls", "2", "--jobs", "1"), ("nowhere.yaml",)),
    Case("provision", (CLARA,), ("nowhere.yaml",), codes=(0, 4), twilio=True),
    Case("provision --twiml", ("say", CLARA), ("say", "nowhere.yaml")),
    Case("numbers", ("search",), ("search", "--country", "Germany"), twilio=True),
    Case("cost", (CLARA, "--offline"), ("nowhere.yaml",), codes=(1,)),
    Case("cost --actual", (CLARA,), ("nowhere.yaml",), twilio=True),
    Case("cost --init-prices", (CLARA, "--offline"), ("nowhere.yaml",)),
    Case("doctor", (), ("nowhere.yaml", "--live", "--yes"), codes=(0, 1)),
    Case("checklist", (CLARA,), (), codes=(0, 1)),
    Case("serve", ("--port", "0"), ("--port", "many")),
    Case("callisi-run", (CLARA, "--script", "lines.txt"), (CLARA, "--caller", "")),
)
ROWS = {
    match[1]: tuple(re.findall(r"`([^`]+)`", match[2]))
    for match in re.finditer(r"^\| `([^`]+)` \| (.*?) \|", PAGE, re.MULTILINE)
}
"""Row of the page -> the keys of its document."""


@dataclass(frozen=True, slots=True)
class Printed:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The whole of standard output, which is one document."""
        return dict(json.loads(self.out))


Typed = Callable[[str, tuple[str, ...]], Printed]


@pytest.fixture
def typed(busy_office: Office, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Typed:
    """A command of the page in a folder of its own, with a ledger in it and nothing configured."""
    for name in UNSET:
        monkeypatch.setenv(name, "")
    for name, value in SET.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    Path("lines.txt").write_text("Guten Tag\n", encoding="utf-8")

    def call(row: str, rest: tuple[str, ...]) -> Printed:
        command, *options = row.replace(" ID", "").split()
        arguments = [*options, *rest, "--json"]
        code = run_main(arguments) if command == "callisi-run" else main([command, *arguments])
        shown = capfd.readouterr()
        return Printed(code, shown.out, shown.err)

    return call


@contextlib.contextmanager
def account(wanted: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account at a Twilio that answers, where a command needs one."""
    if not wanted:
        yield
        return
    server = TwilioServer()
    with answering(server):
        monkeypatch.setenv("TWILIO_ACCOUNT_SID", server.account_sid)
        monkeypatch.setenv("TWILIO_AUTH_TOKEN", server.auth_token)
        monkeypatch.setenv("TWILIO_API_BASE", server.api_base)
        yield


def test_the_page_has_every_command_and_no_other() -> None:
    assert {row.split()[0] for row in ROWS} == {*COMMANDS, "callisi-run"}
    assert list(ROWS) == [case.row for case in CASES]


@pytest.mark.parametrize(
    "case", [one for one in CASES if one.codes and one.row != "serve"], ids=lambda one: one.row
)
def test_a_command_prints_the_document_of_its_row(
    case: Case, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with account(case.twilio, monkeypatch):
        shown = typed(case.row, case.right)
    assert shown.code in case.codes, shown
    named = tuple(key for key in ROWS[case.row] if key != "...")
    assert (
        tuple(shown.document)[: len(named)] if "..." in ROWS[case.row] else tuple(shown.document)
    ) == named
    if "ok" in shown.document:
        assert shown.document["ok"] is (shown.code == 0)


@pytest.mark.parametrize("case", CASES, ids=lambda one: one.row)
def test_an_error_is_a_document_too(case: Case, typed: Typed) -> None:
    shown = typed(case.row, case.wrong)
    assert shown.code in (1, 2), shown
    assert shown.err == ""
    document = shown.document
    assert (document["ok"], bool(document["problems"])) == (False, True)
    for problem in document["problems"]:
        assert set(problem) <= {*re.findall(r"^- `(\w+)`", PAGE, re.MULTILINE)}
        assert problem["message"]
        assert problem["severity"] in ("error", "warning")


@pytest.mark.parametrize("line", [("no-such-command",), ("validate",), ("test", "--jobs", "x")])
def test_a_line_that_is_wrong_is_a_document_too(
    line: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    code = main([*line, "--json"])
    assert code == 2
    assert json.loads(capfd.readouterr().out)["ok"] is False


def test_serve_prints_one_document_when_it_listens_and_nothing_until_its_end(office: Office) -> None:
    environ = os.environ | {"CALLISI_PUBLIC_URL": "https://calls.example.org", "TWILIO_AUTH_TOKEN": "1" * 32}
    command = [sys.executable, "-m", "callisi_runtime", "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        command, env=environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while lines[-1] not in ("}\n", ""):
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
    assert rest == ""
    assert tuple(json.loads("".join(lines))) == ROWS["serve"]
