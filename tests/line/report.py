"""What a run of the line says at its end: a table of calls, and for each failed case its story and its recordings."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .kit.call import Call
    from .reception import Ended

MEASURED = ("greeting", "invite", "prompt", "bridged", "stopped", "first_word")
"""Columns: seconds from the answer to the greeting, from the wish's last sound to the INVITE, from the staff's answer
to the prompt, from the key to both hearing each other, from our knowing that the caller left to the end of the other
leg, and from an outcome to the sentence about it."""


@dataclass
class Case:
    """One caller's visit, as the report shows it."""

    test: str
    measured: dict[str, float]
    calls: dict[str, Call] = field(default_factory=dict)
    """By party: `caller`, `staff`, `staff-2` ..."""
    ended: Ended | None = None

    def cells(self) -> list[str]:
        """One line of the table."""
        outcome = self.ended.outcome if self.ended else "-"
        times = [f"{self.measured[name]:.2f}" if name in self.measured else "" for name in MEASURED]
        return [self.test, outcome, *times]


CASES: list[Case] = []
"""Every visit of this run, in order."""


def current_test() -> str:
    """The name of the test that runs, without its file."""
    running = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    return running.partition("::")[2]


def as_table(cases: list[Case]) -> str:
    """The cases in columns."""
    rows = [["case", "outcome", *MEASURED], *(case.cells() for case in cases)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def save_table(folder: Path) -> str:
    """Write the table into the run's folder; returns it."""
    table = as_table(CASES)
    (folder / "report.txt").write_text(table + "\n")
    return table


def story_of(test: str, folder: Path) -> str:
    """What the telephones of a failed test saw and where their recordings are; they are saved here."""
    parts = []
    for number, case in enumerate([case for case in CASES if case.test == test]):
        for party, call in case.calls.items():
            name = re.sub(r"[^\w-]+", "-", f"{test}-{number}-{party}").strip("-")
            if call.recording.packets:
                call.audio().save(folder / f"{name}.wav")
                parts.append(f"{party} heard: {folder / f'{name}.wav'}")
            parts.append(f"{party}: {call!r}")
        if case.ended is not None:
            parts.append(f"the call's record:\n{case.ended.story()}")
    return "\n".join(parts)
