from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from callisi_runtime.errors import SpecError
from callisi_runtime.source import load

from .helpers import data_of, file_problems, problem_of
from .models import Spec

Write = Callable[[str, str], Path]

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + below] * 10)}]\n"
    for below, name in zip("abcdefghi", "bcdefghij", strict=True)
)
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "an alias bomb": (BOMB, "too-large"),
    "an alias of itself": ("a: &a [*a]\n", "alias"),
    "an alias of nothing": ("a: *b\n", "alias"),
    "10,000 lists": ("a: " + "[" * 10_000, "too-deep"),
    "10,000 maps": ("a: " + "{a: " * 10_000, "too-deep"),
    "10,000 dashes": ("- " * 10_000 + "x", "too-deep"),
    "10,000 questions": ("? " * 10_000 + "x", "too-deep"),
    "10,000 indents": ("\n".join(" " * level + "a:" for level in range(1300)), "too-deep"),
    "a million brackets": ("[" * 900_000, "too-deep"),
    "100,000 values": ("a: [" + "a," * 400_000 + "]", "too-large"),
    "100,000 keys": ("\n".join(f"a{number}: b" for number in range(75_000)), "too-large"),
    "100,000 directives": ("%TAG !a! b\n" * 80_000, "directive"),
    "one long word": ("name: " + "a" * 900_000, "out-of-range"),
    "one long number": ("name: " + "9" * 900_000, "out-of-range"),
    "many variables": ("name: '" + "${A:-" * 150_000 + "'", "bad-variable"),
    "many nested defaults": ("name: '" + "${A:-${" * 100_000 + "'", "bad-variable"),
    "many dollars": ("name: '${A:-" + "$" * 800_000 + "'", "bad-variable"),
    "50 MB": (b"a" * 50_000_000, "too-large"),
    "a NUL byte": (b"name: a\0b\n", "encoding"),
    "control characters": (b"name: a\x07\n", "encoding"),
    "Latin-1": ("name: M\u00fcller\n".encode("latin-1"), "encoding"),
    "UTF-16": ("name: clara\n".encode("utf-16"), "encoding"),
    "UTF-16 without a mark": ("name: clara\n".encode("utf-16-le"), "encoding"),
    "UTF-32": ("name: clara\n".encode("utf-32"), "encoding"),
    "half a surrogate pair": ("name: \ud800\n", "encoding"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "encoding"),
    "an archive": (b"PK\x03\x04\x14\0\0\0", "encoding"),
    "two documents": ("name: a\n---\nname: b\n", "several-documents"),
    "a Python tag": ("name: !!python/object/apply:os.system [id]\n", "tag"),
    "a Python name": ("name: !!python/name:os.system\n", "tag"),
    "a tag of one's own": ("name: !secret x\n", "tag"),
    "nothing": ("", "empty"),
    "only a remark": ("# nothing\n", "empty"),
    "a list": ("- a\n", "wrong-type"),
    "a text": ("hello\n", "wrong-type"),
    "a tab": ("transfer:\n\tto: a\n", "syntax"),
    "an open quote": ("name: 'a\nlanguage: de\n", "syntax"),
    "an open brace": ("name: {a\n", "syntax"),
    "a second colon": ("name: a: b\n", "syntax"),
    "a template without quotes": ("name: {{ a }}\n", "syntax"),
    "a variable in braces without quotes": ("transfer: {to: ${A}}\n", "syntax"),
    "bad indentation": ("transfer:\n  to: a\n mode: b\n", "syntax"),
    "an at sign": ("name: @a\n", "syntax"),
    "a merge of nothing": ("a: {<<: x}\n", "syntax"),
}


@pytest.mark.parametrize(("text", "code"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_is_one_clear_error(text: str | bytes, code: str) -> None:
    problem = problem_of(text)
    assert problem.code == code
    assert len(str(problem)) < 400


LIMITED = """
import pathlib, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (300_000_000, 300_000_000))
from pydantic import BaseModel
from callisi_runtime.errors import SpecError
from callisi_runtime.source import load

class Spec(BaseModel, extra="forbid"):
    name: str = ""

for path in sys.argv[1:]:
    started = time.process_time()
    try:
        load(path, Spec)
    except SpecError as error:
        assert len(error.problems) >= 1
    seconds = time.process_time() - started
    assert seconds < 2, (path, seconds)
"""


def test_every_hostile_file_ends_within_two_seconds_and_300_mb(tmp_path: Path) -> None:
    paths = ["/dev/zero", "/dev/stdin", str(tmp_path)]
    for number, (text, _) in enumerate(HOSTILE.values()):
        path = tmp_path / f"{number}.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        paths.append(str(path))
    os.mkfifo(tmp_path / "pipe")
    subprocess.run([sys.executable, "-c", LIMITED, *paths, str(tmp_path / "pipe")], check=True, timeout=60)


def test_a_missing_file_is_answered_with_the_near_one(write: Write) -> None:
    write("agents/clara.yaml", "name: clara\n")
    for wrong in ("agents/clara", "agents/clra.yaml", "agents/clara.yml"):
        (problem,) = file_problems(wrong)
        assert (problem.code, problem.hint) == ("no-such-file", "did you mean `agents/clara.yaml`?")


def test_a_missing_folder_is_named(write: Write) -> None:
    write("a.yaml", "name: a\n")
    (problem,) = file_problems("agent/clara.yaml")
    assert problem.hint == "there is no folder `agent` either"


def test_a_directory_is_no_file(write: Write) -> None:
    write("agents/clara.yaml", "name: clara\n")
    (problem,) = file_problems("agents")
    assert str(problem) == "agents: this is a directory, not a YAML file; did you mean `agents/clara.yaml`?"


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_file(path: str) -> None:
    (problem,) = file_problems(path)
    assert problem.message == "this is a device, not a YAML file"


def test_a_pipe_is_no_file_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (problem,) = file_problems(str(tmp_path / "pipe"))
    assert problem.message == "this is a pipe, not a YAML file"


def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        assert file_problems("s")[0].message == "this is a socket, not a YAML file"


UNPRIVILEGED = """
import os, sys
from pydantic import BaseModel
from callisi_runtime.errors import SpecError
from callisi_runtime.source import load
if os.geteuid() == 0:  # root may read everything
    os.setuid(65534)
try:
    load(sys.argv[1], BaseModel)
except SpecError as error:
    print(error)
"""


def test_a_file_that_may_not_be_read_is_told_so() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "a.yaml")
        path.write_text("name: a\n")
        path.chmod(0)
        done = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, str(path)],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.stdout.startswith(f"{path}: the file may not be read; ")


@pytest.mark.parametrize("path", ["a\0b", "a" * 5000, "a.yaml/b", ""])
def test_what_is_no_path_is_one_problem(write: Write, path: str) -> None:
    write("a.yaml", "name: a\n")
    with pytest.raises(SpecError) as caught:
        load(path, Spec)
    assert len(caught.value.problems) == 1


def test_a_link_that_leads_in_a_circle_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert len(file_problems(str(tmp_path / "a"))) == 1


@pytest.mark.parametrize(
    ("escape", "char"), [(r"\0", "U+0000"), (r"\a", "U+0007"), (r"\uFEFF", "U+FEFF"), (r"\x7f", "U+007F")]
)
def test_an_escape_for_what_cannot_be_said_is_refused_where_it_stands(escape: str, char: str) -> None:
    problem = problem_of(f'name: a\ntitle: "b{escape}c"\n')
    assert (problem.line, problem.code) == (2, "encoding")
    assert char in str(problem)


def test_escapes_for_line_breaks_and_umlauts_are_texts() -> None:
    assert data_of('a: "b\\n\\tc \\u00fc"') == {"a": "b\n\tc ü"}
