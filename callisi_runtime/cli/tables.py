"""Tables in plain text: aligned columns, two blanks between them, no lines to copy around."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

GAP = "  "
WIDEST = 60
"""Characters after which a cell is cut, unless it stands in the last column."""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The rows under their heads, as wide as needed. Columns of numbers stand on the right.

    Args:
        head: One title per column.
        rows: One cell per column; None is shown as `-`.
    """
    cells = [[cell_text(cell) for cell in row] for row in rows]
    last = len(head) - 1
    cells = [[text if at == last else cut(text) for at, text in enumerate(row)] for row in cells]
    widths = [max(map(width, column)) for column in zip(head, *cells, strict=True)]
    right = [bool(cells) and all(is_number(row[at]) for row in cells) for at in range(len(head))]
    lines = [
        GAP.join(_padded(text, widths[at], right[at]) for at, text in enumerate(row))
        for row in (list(head), *cells)
    ]
    return "\n".join(line.rstrip() for line in lines)


def pairs(rows: Iterable[tuple[str, object]]) -> str:
    """`name  value` lines, values aligned; a pair whose value is None is left out."""
    known = [(name, cell_text(value)) for name, value in rows if value is not None]
    widest = max((width(name) for name, _ in known), default=0)
    return "\n".join(f"{_padded(name, widest, False)}{GAP}{value}".rstrip() for name, value in known)


def cell_text(cell: object) -> str:
    """A cell on one line."""
    return "-" if cell is None or cell == "" else " ".join(str(cell).split())


def cut(text: str, widest: int = WIDEST) -> str:
    """The text, ended by `...` where it is too long."""
    return text if len(text) <= widest else text[: widest - 3].rstrip() + "..."


def is_number(text: str) -> bool:
    """Whether a cell is read from its right: `12`, `3.5`, or nothing at all."""
    return text == "-" or text.replace(".", "", 1).replace(",", "").isdigit()


def width(text: str) -> int:
    """Columns that a terminal uses for the text."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def _padded(text: str, columns: int, right: bool) -> str:
    blank = " " * (columns - width(text))
    return blank + text if right else text + blank
