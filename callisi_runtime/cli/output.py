"""What commands print."""

from __future__ import annotations

import json
import sys


def print_json(document: object) -> None:
    """One JSON document on standard output, readable and with its umlauts."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
