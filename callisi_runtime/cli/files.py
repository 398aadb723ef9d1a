"""Which files a command line means."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from callisi_runtime.errors import CallisiError, Problem

ENDINGS = (".yaml", ".yml")
PASSED_OVER = ("node_modules", "__pycache__", "venv")
"""Folders in which nobody keeps agents, as in those that begin with a dot."""
MOST_FILES = 50_000
"""Files of any kind below one folder: where there are more, a home or a whole disk was named by mistake."""


def yaml_files(paths: Sequence[str], *, most: int = MOST_FILES) -> list[Path]:
    """The files named, and every YAML file below the folders named, each once and in order.

    Folders that begin with a dot are passed over, and those in `PASSED_OVER`. Raises CallisiError for a folder without
    any YAML file, and for one with more than `most` files of any kind below it.
    """
    found: dict[Path, None] = {}
    for name in paths:
        path = Path(name)
        if not path.is_dir():
            found[path] = None  # whatever is wrong with it is said when it is read
            continue
        below = sorted(_below(path, most))
        if not below:
            raise CallisiError(Problem("there is no YAML file in this folder", code="no-files", file=name))
        found |= dict.fromkeys(below)
    return list(found)


def _below(folder: Path, most: int) -> Iterator[Path]:
    seen = 0
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in PASSED_OVER]
        seen += len(files)
        if seen > most:
            raise CallisiError(
                Problem(
                    "there are too many files below this folder to look for agents in it",
                    code="too-many-files",
                    file=str(folder),
                    got=f"more than {most}",
                    allowed=f"{most} files of any kind",
                    hint="name the folder that holds the agents, or the files themselves",
                )
            )
        yield from (Path(place, name) for name in files if name.endswith(ENDINGS))


def is_scenario(path: Path) -> bool:
    """Whether the file is a rehearsal rather than an agent: it lies in `scenarios/`."""
    return "scenarios" in path.parts[:-1]
