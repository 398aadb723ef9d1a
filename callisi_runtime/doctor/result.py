"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem", "skipped"]
"""A `problem` makes the command fail; `skipped` was not looked at, and says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """One finding of one check."""

    state: State
    what: str
    """What was found, in one clause; no secret and no caller's number in it."""
    mend: str | None = None
    """The command, the setting, or the place in a console that mends it."""

    def as_dict(self, check: str) -> dict[str, str | None]:
        """The finding as `callisi doctor --json` prints it."""
        return {"check": check, "state": self.state, "what": self.what, "mend": self.mend}


class Ended(Exception):
    """A check cannot go on; the finding says why."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.what)
        self.result = result


def ok(what: str) -> Result:
    """It is well."""
    return Result("ok", what)


def warning(what: str, mend: str) -> Result:
    """It works, and will hurt some day."""
    return Result("warning", what, mend)


def problem(what: str, mend: str) -> Result:
    """It does not work."""
    return Result("problem", what, mend)


def skipped(why: str) -> Result:
    """It does not apply, or could not be looked at."""
    return Result("skipped", why)
