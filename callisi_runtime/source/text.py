"""A file's text, read within bounds that keep a hostile file from doing harm; lines and columns."""

from __future__ import annotations

import codecs
import difflib
import itertools
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from callisi_runtime.errors import Problem, SpecError

MAX_BYTES = 1_000_000
"""No agent file is a hundredth of this."""

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
"""Named one by one: the complement of what is allowed takes a hundred times as long to compile."""
_WRONG_BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """The text of one file and the name it is reported under."""

    name: str
    content: str

    def position(self, index: int) -> tuple[int, int]:
        """Line and column of a character, from 1; past the end is the end of the last line."""
        before = self.content[:index]
        if index >= len(self.content):
            before = before.rstrip()
        breaks = list(_LINE_BREAK.finditer(before))
        start = breaks[-1].end() if breaks else 0
        return len(breaks) + 1, len(before) - start + 1

    def problem(self, index: int, message: str, *, code: str, hint: str | None = None) -> Problem:
        """A problem at a character of this text."""
        line, column = self.position(index)
        return Problem(message, code=code, file=self.name, line=line, column=column, hint=hint)


def read(path: Path, name: str) -> Text:
    """Read a regular file of UTF-8 text. Raises SpecError for everything else, without reading it whole."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            _refuse(name, f"{_kind(status.st_mode)}, not a YAML file", "not-a-file", _inside(path, name))
        if status.st_size > MAX_BYTES:
            _refuse_size(name)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        _refuse(name, "there is no such file", "no-such-file", near_file(path, name))
    except PermissionError:
        _refuse(name, "the file may not be read", "unreadable", "`chmod u+r` gives you the right to")
    except ValueError:  # a NUL in the name
        raise SpecError(Problem(f"{name!r} is no name of a file", code="no-such-file")) from None
    except OSError as error:
        _refuse(name, f"the file cannot be read: {error.strerror or error}", "unreadable")
    return decode(data, name)


def decode(data: str | bytes, name: str) -> Text:
    """Bytes as UTF-8 text without characters that YAML forbids. Raises SpecError."""
    data = _encoded(data, name) if isinstance(data, str) else data
    if len(data) > MAX_BYTES:
        _refuse_size(name)
    for mark, encoding in _WRONG_BOMS.items():
        if data.startswith(mark):
            _refuse(name, f"the file is {encoding}, not UTF-8", "encoding", "save it as UTF-8")
    text = _utf8(data, name)
    if match := UNPRINTABLE.search(text.content):
        _refuse_character(text, match)
    return text


def near_file(path: Path, name: str) -> str | None:
    """The hint for a path that does not exist: the same name with its ending, or one that looks like it."""
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in itertools.islice(entries, 2000)]
    except (OSError, ValueError):
        return None if path.parent == path else f"there is no folder `{Path(name).parent}` either"
    near = [
        other for other in (path.name + ".yaml", path.name + ".yml", path.stem + ".yaml") if other in names
    ]
    yaml_names = [other for other in names if other.endswith((".yaml", ".yml"))]
    near += difflib.get_close_matches(path.name, yaml_names, n=1)
    return f"did you mean `{Path(name).with_name(near[0])}`?" if near else None


def _encoded(content: str, name: str) -> bytes:
    try:
        return content.encode()
    except UnicodeEncodeError as error:
        problem = Text(name, content).problem(
            error.start, "half a surrogate pair is no text", code="encoding"
        )
        raise SpecError(problem) from None


def _utf8(data: bytes, name: str) -> Text:
    # Windows editors write a UTF-8 mark in front, and YAML allows it there.
    try:
        return Text(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        head = Text(name, data[: error.start].decode("utf-8-sig", "replace"))
        if b"\0" in data[:4]:
            _refuse(name, "the file is UTF-16 or binary, not UTF-8", "encoding", "save it as UTF-8")
        problem = head.problem(
            len(head.content) - 1,
            f"the text is not UTF-8: byte 0x{data[error.start]:02x}",
            code="encoding",
            hint="save the file as UTF-8; it looks like Latin-1 or Windows-1252",
        )
        raise SpecError(problem) from None


def _refuse(name: str, message: str, code: str, hint: str | None = None) -> NoReturn:
    raise SpecError(Problem(message, code=code, file=name, hint=hint)) from None


def _refuse_size(name: str) -> NoReturn:
    _refuse(
        name, f"the file is larger than {MAX_BYTES // 1_000_000} MB", "too-large", "is it the right file?"
    )


def _refuse_character(text: Text, match: re.Match[str]) -> NoReturn:
    char = match[0]
    if char == "\0" and text.content.count("\0") * 3 > len(text.content):
        _refuse(text.name, "the file is UTF-16 or binary, not UTF-8", "encoding", "save it as UTF-8")
    what = "a NUL byte" if char == "\0" else f"the invisible character U+{ord(char):04X}"
    raise SpecError(
        text.problem(match.start(), f"{what} has no place in YAML", code="encoding", hint="remove it")
    )


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "this is a directory"
    if stat.S_ISFIFO(mode):
        return "this is a pipe"
    if stat.S_ISSOCK(mode):
        return "this is a socket"
    return "this is a device"


def _inside(path: Path, name: str) -> str | None:
    if not path.is_dir():
        return None
    try:
        with os.scandir(path) as entries:
            first = next((entry.name for entry in entries if entry.name.endswith((".yaml", ".yml"))), None)
    except OSError:
        return None
    return f"did you mean `{Path(name) / first}`?" if first else None
