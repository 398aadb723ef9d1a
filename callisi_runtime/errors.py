"""The one error a user can mend: where it is, what is wrong, what was found, what is allowed, what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal


class ExitCode(IntEnum):
    """What a command returns to the shell."""

    OK = 0
    USER_ERROR = 1
    USAGE = 2
    OUR_FAULT = 3
    BLOCKED = 4
    """A person must act first: open an account, pay, hand in papers."""
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, complete enough to be mended without reading code."""

    message: str
    """What is wrong, in one clause, without a full stop."""
    code: str = "invalid"
    """A stable slug for machines: `unknown-key`, `duplicate-key`, `bad-template` ..."""
    file: str | None = None
    line: int | None = None
    """1-based, as editors count."""
    column: int | None = None
    """1-based."""
    path: str | None = None
    """The YAML key, dotted: `transfer.ring_timeout`, `fallback.channels[0].sms.to`."""
    got: str | None = None
    allowed: str | None = None
    hint: str | None = None
    """What to do next: "did you mean `transfer`?"."""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        parts = [self.message]
        if self.got is not None:
            parts.append(f"got {self.got}")
        if self.allowed is not None:
            parts.append(f"allowed: {self.allowed}")
        text = ", ".join(parts)
        if self.hint is not None:
            text += f"; {self.hint}"
        prefix = "warning: " if self.severity == "warning" else ""
        return f"{where}: {prefix}{text}" if where else prefix + text

    def as_dict(self) -> dict[str, object]:
        """The problem as the JSON object that `--json` prints."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "got": self.got,
            "allowed": self.allowed,
            "hint": self.hint,
        }


class CallisiError(Exception):
    """Something the user can mend. Caught in exactly one place, `cli.main`, and printed without a traceback."""

    exit_code = ExitCode.USER_ERROR

    def __init__(self, *problems: Problem | str) -> None:
        self.problems: tuple[Problem, ...] = tuple(
            problem if isinstance(problem, Problem) else Problem(problem) for problem in problems
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SpecError(CallisiError):
    """The YAML is wrong; carries every mistake found, in file order."""


class UsageError(CallisiError):
    """The command line is wrong."""

    exit_code = ExitCode.USAGE


def sort_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems in the order a reader meets them: by file, line and column."""
    return tuple(sorted(problems, key=lambda p: (p.file or "", p.line or 0, p.column or 0, p.message)))
