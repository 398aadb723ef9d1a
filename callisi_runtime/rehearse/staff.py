"""How the simulated telephones of the staff behave."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from callisi_runtime.errors import UsageError
from callisi_runtime.flow import Outcome

Behaviour = Literal[
    "answers", "no-answer", "busy", "declined", "mailbox", "unreachable", "refuses", "picks-up"
]
BEHAVIOURS: tuple[str, ...] = get_args(Behaviour)
MEANING: dict[str, str] = {
    "answers": "picks up after 4 seconds and takes the call",
    "no-answer": "rings until it is given up",
    "busy": "is engaged",
    "declined": "is rejected after 3 seconds",
    "mailbox": "a mailbox answers after 8 seconds, and presses no key",
    "unreachable": "is switched off",
    "refuses": "picks up and presses 2",
    "picks-up": "picks up and waits for `/staff press 1`",
}


@dataclass(frozen=True, slots=True)
class Conduct:
    """What follows after the telephone was dialled; seconds from the dial, or from the pick-up for `key_after`."""

    rings_after: float | None = 1.0
    answers_after: float | None = None
    fails_after: float | None = None
    outcome: Outcome = Outcome.RANG_OUT
    key: str | None = None
    key_after: float = 3.0


CONDUCT: dict[str, Conduct] = {
    "answers": Conduct(answers_after=4.0, key="1"),
    "no-answer": Conduct(),
    "busy": Conduct(rings_after=None, fails_after=1.0, outcome=Outcome.BUSY),
    "declined": Conduct(fails_after=3.0, outcome=Outcome.DECLINED),
    "mailbox": Conduct(answers_after=8.0),
    "unreachable": Conduct(rings_after=None, fails_after=2.0, outcome=Outcome.NOT_AVAILABLE),
    "refuses": Conduct(answers_after=4.0, key="2"),
    "picks-up": Conduct(answers_after=4.0),
}


class Staff:
    """Who behaves how. A target without a word of its own behaves as all do.

    Args:
        everyone: How all telephones behave.
    """

    def __init__(self, everyone: Behaviour = "no-answer") -> None:
        self.everyone: Behaviour = everyone
        self._each: dict[int, Behaviour] = {}

    def behaviour(self, target: int) -> Behaviour:
        """How target number `target` (from 0) behaves."""
        return self._each.get(target, self.everyone)

    @property
    def highest(self) -> int:
        """The greatest target, from 1, that has a word of its own; 0 for none."""
        return max(self._each, default=-1) + 1

    def set(self, text: str) -> tuple[int | None, Behaviour]:
        """`busy` for all, `2 busy` or `2=busy` for the second target of the file.

        Raises:
            UsageError: it is neither.
        """
        match = re.fullmatch(r"(?:(\d{1,2})\s*[= :]\s*)?([a-z-]+)", text.strip())
        if match is None or match[2] not in BEHAVIOURS or match[1] in ("0", "00"):
            raise UsageError(
                f"staff cannot be {text!r}: {', '.join(BEHAVIOURS)}; `2=busy` means the second target"
            )
        behaviour: Behaviour = match[2]  # type: ignore[assignment]  # one of BEHAVIOURS
        if match[1] is None:
            self.everyone, self._each = behaviour, {}
            return None, behaviour
        target = int(match[1]) - 1
        self._each[target] = behaviour
        return target, behaviour


def parse_staff(texts: list[str]) -> Staff:
    """The words of `--staff`, in their order; `answers,2=busy` is two of them."""
    staff = Staff()
    for text in texts:
        for one in text.split(","):
            staff.set(one)
    return staff
