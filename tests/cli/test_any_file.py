"""Whatever stands in a file, and whatever a command line says: sentences, never a traceback."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callisi_runtime.cli import main
from tests.cli.conftest import ROOT

WHOLE = [
    (ROOT / "variants" / f"{name}.yaml").read_text() for name in ("forward_sms", "forward_whatsapp", "basic")
]
JUNK = (
    "", "~", "null", "[]", "{}", "''", "-1", "0", "1e400", ".nan", "true", "no", "2026-01-01", "12:30", "[1, [2]]",
    "{a: {b: c}}", "'{{ caller.phone }}'", "'{{'", "'{% for x in caller %}{% endfor %}'", "${NO_SUCH}", "${", "$remove",
    "&a [*a]", "*nowhere", "!!python/name:os.system", "|", ">-", "? x", "- - - a", "\t", "'\ud7ff'",
    "'" + "ä" * 700 + "'",
    "+49 30 23125111", "112", "[mit, mit]", "<<: {a: 1}", "'\"'", "@", "`", "%", "\\",
)  # fmt: skip


def mutated(seed: int) -> str:
    """One of the variants with a few of its lines or values changed for something else."""
    chance = random.Random(seed)
    lines = chance.choice(WHOLE).splitlines()
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if chance.random() < 0.6:
            at = chance.choice(
                [index for index, line in enumerate(lines) if re.match(r"[\s-]*\w+: \S", line)] or [0]
            )
            lines[at] = f"{lines[at].partition(':')[0]}: {chance.choice(JUNK)}"
            continue
        at = chance.randrange(len(lines))
        key, colon, value = lines[at].partition(":")
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        lines[at : at + 1] = chance.choice(
            (
                [f"{key}: {chance.choice(JUNK)}"],
                [f"{key[:-1]}{colon}{value}"],
                [lines[at], lines[chance.randrange(len(lines))]],
                [],
                [f"{indent}{chance.choice(JUNK)}"],
                [" " + lines[at]],
                [lines[at][: chance.randint(0, len(lines[at]))]],
            )
        ) or [""]
    return "\n".join(lines) + "\n"


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(seed=st.integers(0, 2**32))
def test_a_file_with_anything_in_it_is_right_or_has_mistakes(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text(mutated(seed))
    code = main(["validate", str(file), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code == (0 if document["ok"] else 1), document
    assert all(problem["message"] for problem in document["problems"])
    assert document["ok"] or any(problem["line"] for problem in document["problems"])


WORDS = (
    "validate", "render", "prove", "test", "new", "schema", "--json", "--strict", "--from", "--at", "", "-", "--", "x",
    "agents/clara.yaml", "agents", "no/such/file", "\0", "ä" * 300, "--no-such", "-1", "--from=", "basic",
)  # fmt: skip
COMMANDS = ["validate", "render", "new", "calls", "notifications", "redrive", "doctor", "nonsense", "", "\0"]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(command=st.sampled_from(COMMANDS), rest=st.lists(st.sampled_from(WORDS), max_size=3))
def test_any_command_line_ends_with_a_code_of_the_users(
    command: str,
    rest: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code = main([command, *rest])
    shown = capsys.readouterr()
    assert code in (0, 1, 2), shown.err
    assert "Traceback" not in shown.err + shown.out
