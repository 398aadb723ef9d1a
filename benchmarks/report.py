"""Rows of a benchmark: two sides measured by turns, their ratio, and how busy the machine was meanwhile."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

Unit = Literal["s", "ms", "MB", "% of a core", ""]
DIGITS: dict[Unit, int] = {"s": 3, "ms": 1, "MB": 1, "% of a core": 1, "": 0}


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, median and greatest of `count` measurements."""

    low: float
    median: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Raises ValueError when nothing was measured."""
        kept = sorted(values)
        if not kept:
            raise ValueError("nothing was measured")
        return cls(kept[0], statistics.median(kept), kept[-1], len(kept))

    def show(self, digits: int) -> str:
        """`median (low to high)`."""
        if self.count == 1:
            return f"{self.median:.{digits}f}"
        return f"{self.median:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    With a rival, `target` bounds the ratio of the medians; without one, the greatest measurement itself.
    """

    subject: str
    unit: Unit
    ours: Spread | None
    rival: str = ""
    theirs: Spread | None = None
    ratio: Spread | None = None
    """Of the pairs, in the order they were measured; its median is the ratio of the two medians."""
    target: float | None = None
    skipped: str = ""
    """Why nothing was measured."""
    load: tuple[float, float] = (0.0, 0.0)
    """Load average of a minute, at the start and at the end."""

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; None without a target or a measurement."""
        if self.target is None or self.ours is None:
            return None
        if self.rival:
            return None if self.ratio is None else self.ratio.median <= self.target
        return self.ours.high <= self.target

    def as_dict(self) -> dict[str, object]:
        """The row as JSON; `reached` included."""
        return {**asdict(self), "reached": self.reached}


def ratio_of(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The ratio of the medians, between the least and the greatest ratio of a pair."""
    pairs = [one / other for one, other in zip(ours, theirs, strict=False) if other > 0]
    middle = Spread.of(ours).median / Spread.of(theirs).median
    return Spread(min([*pairs, middle]), middle, max([*pairs, middle]), min(len(ours), len(theirs)))


def load_average() -> float:
    """How many programs wanted a core during the last minute."""
    return round(os.getloadavg()[0], 2)


@dataclass
class Report:
    """The rows of one subject, printed as they come.

    Args:
        title: What is measured.
        quiet: Print nothing but the document at the end.
    """

    title: str
    quiet: bool = False
    rows: list[Row] = field(default_factory=list)
    started: float = field(default_factory=load_average)

    def add(
        self,
        subject: str,
        unit: Unit,
        ours: Sequence[float],
        *,
        rival: str = "",
        theirs: Sequence[float] = (),
        target: float | None = None,
    ) -> None:
        """One subject, measured. With a rival of whom nothing could be measured, the row says so."""
        if not ours or (rival and not theirs):
            self.skip(subject, rival, "it was never seen to happen")
            return
        ratio = ratio_of(ours, theirs) if theirs and Spread.of(theirs).median > 0 else None
        other = Spread.of(theirs) if theirs else None
        row = Row(subject, unit, Spread.of(ours), rival, other, ratio, target, load=self._load())
        self._take(row)

    def skip(self, subject: str, rival: str, reason: str) -> None:
        """One subject that cannot be measured here."""
        self._take(Row(subject, "", None, rival, skipped=reason, load=self._load()))

    def _load(self) -> tuple[float, float]:
        return self.started, load_average()

    def _take(self, row: Row) -> None:
        self.rows.append(row)
        if not self.quiet:
            print(line_of(row), flush=True)

    def as_dict(self) -> dict[str, object]:
        """The document of `--json`."""
        return {"title": self.title, "machine": machine(), "rows": [row.as_dict() for row in self.rows]}


def line_of(row: Row) -> str:
    """A row as one paragraph of the table."""
    digits = DIGITS[row.unit]
    if row.ours is None:
        return f"{row.subject} | {row.rival or '-'} | skipped: {row.skipped}"
    parts = [row.subject, f"{row.ours.show(digits)} {row.unit}".strip()]
    if row.rival:
        theirs = "-" if row.theirs is None else f"{row.theirs.show(digits)} {row.unit}".strip()
        parts.append(f"{row.rival}: {theirs}")
    if row.ratio is not None:
        parts.append(f"ratio {row.ratio.show(2)}")
    if row.target is not None:
        word = {True: "reached", False: "missed", None: "open"}[row.reached]
        parts.append(f"target {row.target:g}: {word}")
    parts.append(f"n={row.ours.count}, load {row.load[0]:.1f} to {row.load[1]:.1f}")
    return " | ".join(parts)


def machine() -> dict[str, object]:
    """On what it was measured."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
    }


def arguments(description: str | None, *, rounds: int, prog: str) -> argparse.ArgumentParser:
    """What every benchmark takes."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")
    parser.add_argument(
        "--rounds", type=int, default=rounds, help=f"how often each side is measured ({rounds})"
    )
    return parser


def finish(report: Report) -> int:
    """Print the document when it was asked for; always 0: a benchmark tells, it does not judge."""
    if report.quiet:
        json.dump(report.as_dict(), sys.stdout, indent=2, ensure_ascii=False)
        print()
    return 0


def by_turns(rounds: int, *sides: Callable[[], float]) -> list[list[float]]:
    """Each side's measurements, the sides taking turns and the first turn changing from round to round."""
    taken: list[list[float]] = [[] for _ in sides]
    for number in range(rounds):
        order = list(range(len(sides)))
        for index in order[number % len(order) :] + order[: number % len(order)]:
            taken[index].append(sides[index]())
    return taken
