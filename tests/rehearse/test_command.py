"""`callisi-run` and `callisi test` as somebody meets them who has nothing but a clone: in a pipe, with no key."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.rehearse.kit import PERSON, ROOT

BIN = Path(sys.executable).parent
CLARA = str(ROOT / "agents" / "clara.yaml")


def run(
    tmp_path: Path, *arguments: str, stdin: str = "", program: str = "callisi-run"
) -> subprocess.CompletedProcess[str]:
    """The program in an empty directory, with an empty environment."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    return subprocess.run(
        [str(BIN / program), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environ,
        timeout=90,
        check=False,
    )


def test_a_pipe_is_played_and_says_in_one_line_that_it_is_a_rehearsal(tmp_path: Path) -> None:
    done = run(tmp_path, CLARA, "--staff", "no-answer", stdin=f"{PERSON}\n")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert done.stderr == ""
    assert lines[0] == "Rehearsal: nothing is configured, so no telephone rings and nothing is sent."
    assert "Guten Tag, hier ist Clara" in lines[1]
    assert "GSM-7" in done.stdout
    assert "\x1b[" not in done.stdout
    assert "Ich habe das Team per SMS informiert" in done.stdout
    assert done.stdout.rstrip().endswith("nothing: message accepted")


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    command = f"echo '{PERSON}' | {BIN / 'callisi-run'} {CLARA} | head -1; exit ${{PIPESTATUS[1]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_json_is_one_document_and_nothing_else(tmp_path: Path) -> None:
    done = run(
        tmp_path, CLARA, "--json", "--script", "-", "--staff", "busy", "--caller", "hidden", stdin=PERSON
    )
    call: dict[str, Any] = json.loads(done.stdout)
    assert done.stderr == ""
    assert call["outcome"] == "busy"
    assert {line["who"] for line in call["transcript"]} == {"agent", "caller"}
    assert set(call["notifications"][0]) >= {"channel", "to", "body", "status"}
    assert call["obligations"] == [{"state": "closed", "evidence": "message_accepted"}]
    assert call["caller"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--staff", "asleep"], "no-answer"),
        (["--staff", "9=busy"], "there is no target 9"),
        (["--caller", "nobody-knows"], "--caller"),
        (["--at", "tomorrow"], "--at"),
        (["--script", "missing.txt"], "missing.txt"),
        (["--unknown"], "--help"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_without_a_traceback(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = run(tmp_path, CLARA, *arguments)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_an_unknown_act_stops_the_script_before_it_begins(tmp_path: Path) -> None:
    done = run(tmp_path, CLARA, stdin="Hallo\n/explode\n")
    assert done.returncode == 2
    assert "/explode" in done.stderr
    assert "/hangup" in done.stderr
    assert "Guten Tag" not in done.stdout


def test_at_decides_whether_somebody_is_there(tmp_path: Path) -> None:
    agent = tmp_path / "agent.yaml"
    agent.write_text(f"extends: {CLARA}\nhours: {{open: {{mo-fr: 08:00-17:00}}}}\n", encoding="utf-8")
    late = ["--json", "--script", "-", "--staff", "answers", "--at", "2026-11-23 20:00"]
    call = json.loads(run(tmp_path, str(agent), *late, stdin=PERSON).stdout)
    assert call["outcome"] == "closed"
    assert call["dialled"] == []


class Terminal:
    """A terminal with `callisi-run` in it."""

    def __init__(self, tmp_path: Path, *arguments: str) -> None:
        self.began = time.monotonic()
        self.shown = ""
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm", "LANG": "C.UTF-8"}
            os.execve(BIN / "callisi-run", ["callisi-run", CLARA, *arguments], environ)

    def until(self, text: str, seconds: float = 60.0) -> float:
        """Read until a text is shown; seconds since the start."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, f"{text!r} was not shown: {self.shown}"
            if select.select([self.file], [], [], 0.05)[0]:
                try:
                    self.shown += os.read(self.file, 65536).decode(errors="replace")
                except OSError:
                    break
        assert text in self.shown, self.shown
        return time.monotonic() - self.began

    def type(self, line: str) -> None:
        """Type a line; what was shown before is forgotten."""
        self.shown = ""
        os.write(self.file, line.encode() + b"\n")

    def press_until(self, key: bytes, text: str) -> None:
        """Press a key until a text is shown: the line editor may miss one that comes too soon."""
        for _ in range(10):
            os.write(self.file, key)
            try:
                self.until(text, 5.0)
            except AssertionError:
                continue
            return
        raise AssertionError(f"{text!r} was not shown: {self.shown}")

    def end(self) -> int:
        """The exit code."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.file)
        return os.waitstatus_to_exitcode(status)


def test_somebody_types_is_asked_who_picks_up_and_hangs_up_with_ctrl_c(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.until("> ")
    terminal.type(PERSON)
    terminal.until("staff> ")
    terminal.type("mailbox")
    terminal.until("> ")
    terminal.type("")
    terminal.until("picks up")
    terminal.until("> ")
    terminal.press_until(b"\x03", "Owed")
    assert "Traceback" not in terminal.shown
    assert "delivered" in terminal.shown
    assert terminal.end() == 0


def test_an_unknown_act_is_refused_and_the_call_goes_on(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "--staff", "answers")
    terminal.until("> ")
    terminal.type("/explode")
    terminal.until("/hangup")
    terminal.until("> ")
    terminal.press_until(b"\x04", "Owed")
    assert terminal.end() == 0


def test_callisi_test_shows_the_line_that_differs(tmp_path: Path) -> None:
    scenario = tmp_path / "wrong.yaml"
    scenario.write_text(
        f"agent: {CLARA}\nstaff: answers\ncall: [{PERSON}]\n"
        "expect: {said: [ich stelle Sie durch, informiert], outcome: busy}\n",
        encoding="utf-8",
    )
    junit = tmp_path / "report.xml"
    done = run(tmp_path, "test", str(scenario), "--junit", str(junit), program="callisi")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    marked = next(index for index, line in enumerate(lines) if line.strip().startswith(">>>>>"))
    assert "informiert" in lines[marked]
    assert "outcome: expected busy, got accepted" in done.stdout
    assert "<failure" in junit.read_text(encoding="utf-8")


def test_callisi_test_passes_on_the_repository_within_twenty_seconds(tmp_path: Path) -> None:
    began = time.monotonic()
    done = run(tmp_path, "test", str(ROOT / "scenarios"), "--json", program="callisi")
    document = json.loads(done.stdout)
    assert [one["file"] for one in document["results"] if not one["passed"]] == []
    assert document["ok"]
    assert len(document["results"]) >= 30
    assert time.monotonic() - began < 60  # 20 on a machine that does nothing else


def test_a_scenario_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    scenario = tmp_path / "wrong.yaml"
    scenario.write_text(f"agent: {CLARA}\ncall: [/explode]\nexpct: {{}}\n", encoding="utf-8")
    done = run(tmp_path, "test", str(scenario), program="callisi")
    assert done.returncode == 1
    assert "wrong.yaml:2" in done.stdout
    assert "/explode" in done.stdout
    assert "expct" in done.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--caller", ""), "--caller '' is no telephone number; write it as +49 30 23125010, or `hidden`"),
        (("--at", "2026-12-24"), "--at '2026-12-24' has no time of day: write it as 2026-12-24 14:30"),
        (("--at", ""), "--at '' is no time: write it as 14:30 or 2026-12-24 14:30"),
        (("--staff", "9=busy"), "there is no target 9: the file names 1"),
        (("--script", "nowhere.txt"), "the script nowhere.txt cannot be read: No such file or directory"),
        (("--script", ""), "the script '' cannot be read: Is a directory"),
    ],
)
def test_an_option_that_is_wrong_is_told_and_nothing_else(
    tmp_path: Path, options: tuple[str, str], told: str
) -> None:
    done = run(tmp_path, CLARA, *options)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr == f"error: {told}\n"


def test_standard_input_that_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(BIN / "callisi-run"), CLARA],
        input="Guten Tag\nZurück bitte\n".encode("latin-1"),
        capture_output=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        timeout=90,
        check=False,
    )
    told = (
        "standard input cannot be read: line 2 is not UTF-8 text; convert it with `iconv -f latin1 -t utf-8`"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", f"error: {told}\n".encode())
