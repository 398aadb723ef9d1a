"""The environment variables as they stand: the process's own, and those in `.env`. `settings` gives them a meaning."""

from __future__ import annotations

import os
from pathlib import Path


def read_environment(directory: Path | None = None, also: Path | None = None) -> dict[str, str]:
    """`.env` of the working directory, overlaid by the process's environment.

    Args:
        directory: Where `.env` is looked for; the working directory when left out.
        also: Another file of the same kind, which counts more than `.env`.
    """
    file = (directory or Path.cwd()) / ".env"
    return _values_in(file) | (_values_in(also) if also else {}) | dict(os.environ)


def _values_in(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    read = dotenv_values(file, interpolate=False)
    return {name: value for name, value in read.items() if value is not None}
