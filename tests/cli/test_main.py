"""Errors end in one place: sentences, exit codes, and never a traceback."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from callisi_runtime.cli import run_main
from callisi_runtime.cli.guard import guarded
from callisi_runtime.cli.main import COMMANDS, SUMMARIES
from callisi_runtime.errors import CallisiError, Problem
from tests.cli.conftest import ROOT, Callisi

PYTHON = [sys.executable, "-m", "callisi_runtime"]


def test_without_a_command_the_commands_are_shown(callisi: Callisi) -> None:
    shown = callisi()
    assert shown.code == 2
    assert all(name in shown.out for name in COMMANDS)
    assert callisi("--help").code == 0


def test_every_command_has_a_summary_and_help(callisi: Callisi) -> None:
    assert list(COMMANDS) == list(SUMMARIES)
    for name in COMMANDS:
        shown = callisi(name, "--help")
        assert shown.code == 0
        assert "--json" in shown.out


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does(name: str) -> None:
    module = importlib.import_module(COMMANDS[name])
    assert module.__doc__
    assert callable(module.add_arguments)
    assert callable(module.run)


def test_a_misspelt_command_is_a_usage_error_with_a_hint(callisi: Callisi) -> None:
    ran = callisi("validat")
    assert ran.code == 2
    assert ran.err == "error: there is no command `validat`; did you mean `validate`?\n"


def test_a_missing_argument_is_a_usage_error(callisi: Callisi) -> None:
    ran = callisi("validate")
    assert ran.code == 2
    assert ran.err.startswith("error: the following arguments are required: PATH")


def test_a_usage_error_is_a_json_document_too(callisi: Callisi) -> None:
    ran = callisi("validate", "--json")
    assert ran.code == 2
    assert ran.document["ok"] is False
    assert ran.err == ""


def test_the_version_is_printed(callisi: Callisi) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", callisi("--version").out)


def test_our_own_fault_is_one_sentence_and_a_log_file(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> int:
        raise ZeroDivisionError("+4915228817386 called")

    assert guarded(broken, json=False, program="callisi") == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
    assert "+49152" not in said
    log = Path(re.findall(r"in (\S+\.log)", said)[0])
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")
    log.unlink()


def test_an_interrupt_ends_with_130() -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert guarded(interrupted, json=False, program="callisi") == 130


def test_every_problem_is_printed_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    def wrong() -> int:
        raise CallisiError(Problem("first", file="a.yaml", line=2, column=3), "second")

    assert guarded(wrong, json=False, program="callisi") == 1
    assert capsys.readouterr().err == "a.yaml:2:3: error: first\nerror: second\n"


def test_a_reader_that_has_gone_is_no_error() -> None:
    command = " ".join([*PYTHON, "render", "agents/clara.yaml"])
    ran = subprocess.run(
        ["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.returncode == 0


def test_a_signal_from_the_keyboard_leaves_no_traceback() -> None:
    code = (
        "import os, signal, sys\n"
        "from callisi_runtime.cli.guard import guarded\n"
        "sys.exit(guarded(lambda: os.kill(os.getpid(), signal.SIGINT), json=False, program='callisi'))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


def test_what_callisi_run_lacks_is_said_by_the_same_guard(capsys: pytest.CaptureFixture[str]) -> None:
    code = run_main(["no-such-agent.yaml", "--json"])
    assert code in (1, 2)
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_validate_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom callisi_runtime.cli import main\nassert main(['validate', 'agents/clara.yaml']) == 0\n"
        "heavy = 'livekit rich sqlalchemy twilio aiohttp openai numpy starlette asyncio email'.split()\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("named", ["clara.yaml", "agent.schema.json", "README.md", ""])
def test_schemas_are_not_written_into_what_is_no_folder(callisi: Callisi, named: str) -> None:
    ran = callisi("schema", named)
    assert (ran.code, ran.out) == (1, "")
    assert "this is no folder" in ran.err
    assert not Path(named).is_dir() or named == ""
