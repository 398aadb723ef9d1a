"""docs/guide.md is true: what it names exists, and no line of the guide is left out."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

from callisi_runtime.cli.main import COMMANDS, command_parser
from callisi_runtime.doctor import CHECKS
from callisi_runtime.doctor.checklist import CHECKS_NEEDED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")

PARTS = {1: 3, 2: 3, 3: 2, 4: 4, 5: 3, 6: 2, 7: 3, 8: 0, 9: 4}
STEPS = [
    f"{step}.{part}" if part else f"{step}"
    for step, parts in PARTS.items()
    for part in (range(1, parts + 1) if parts else (0,))
]
"""The guide's numbers."""
QUESTIONS = {"does not ring": 5, "does not answer": 4, "not put through": 4, "SMS": 4, "WhatsApp": 4}
"""Its five symptoms, and how many things it has one look at (the last of some stands among its remedies)."""
REMEDIES = 3
"""How many each of them has."""
REST = (
    "calls",
    "recordings",
    "messages",
    "errors",
    "price list",
    "example",
    "recording",
    "screening",
    "hours",
)


def rows() -> list[list[str]]:
    """The cells of every row of every table."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def section(title: str) -> list[list[str]]:
    """The rows of one section's table."""
    text = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def quoted() -> list[str]:
    return re.findall(r"`([^`]+)`", PAGE)


def test_no_line_of_the_guide_is_left_out() -> None:
    firsts = [row[0] for row in rows()]
    assert [one for one in firsts if re.fullmatch(r"\d(\.\d)?", one)] == STEPS
    asked = [row[0] for row in section("When something does not work")]
    remedies = [row[0] for row in section("Its remedies")]
    assert {name: asked.count(name) for name in QUESTIONS} == QUESTIONS
    assert {name: remedies.count(name) for name in QUESTIONS} == dict.fromkeys(QUESTIONS, REMEDIES)
    assert [name for name in REST if name not in firsts] == []


def test_every_step_and_question_has_somebody_who_looks_at_it() -> None:
    unseen = [row[0] for row in rows() if row[0] in (*STEPS, *QUESTIONS) and not any(row[2:])]
    assert unseen == []


def test_every_check_that_is_named_exists_and_every_check_is_named() -> None:
    named = set(re.findall(r"(?<!\*)\*([^*|\n]+)\*(?!\*)", PAGE))
    assert named == set(CHECKS)
    assert set(CHECKS_NEEDED) <= named


@pytest.mark.parametrize("command", sorted({one for one in quoted() if one.startswith("callisi ")}))
def test_every_command_that_is_named_is_one(command: str) -> None:
    _, name, *arguments = shlex.split(command)
    assert name in COMMANDS
    parser = command_parser(name, importlib.import_module(COMMANDS[name]))
    if arguments:
        parser.parse_args(arguments)


def test_every_file_that_is_named_exists() -> None:
    words = {word for one in quoted() for word in one.split()}
    files = {word for word in words if re.fullmatch(r"[\w./-]*\w\.(yaml|md|py|example)", word)}
    files |= set(re.findall(r"\]\(([\w./]+)\)", PAGE))
    missing = [one for one in files if not (ROOT / one).exists() and not (ROOT / "docs" / one).exists()]
    assert ("variants/forward_sms.yaml" in files, missing) == (True, [])


def test_every_setting_that_is_named_is_one() -> None:
    names = {one for one in quoted() if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", one)}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert ("TWILIO_SMS_TO" in names, [one for one in names if f"\n{one}=" not in example]) == (True, [])
