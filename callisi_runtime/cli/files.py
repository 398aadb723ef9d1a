"""Which files a command line means."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from callisi_runtime.errors import CallisiError, Problem

ENDINGS = (".yaml", ".yml")


def yaml_files(paths: Sequence[str]) -> list[Path]:
    """The files named, and every YAML file below the folders named, each once and in order.

    Folders that begin with a dot are passed over. Raises CallisiError for a folder without any YAML file.
    """
    found: dict[Path, None] = {}
    for name in paths:
        path = Path(name)
        if not path.is_dir():
            found[path] = None  # whatever is wrong with it is said when it is read
            continue
        below = sorted(_below(path))
        if not below:
            raise CallisiError(Problem("there is no YAML file in this folder", code="no-files", file=name))
        found |= dict.fromkeys(below)
    return list(found)


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in files if name.endswith(ENDINGS))


def is_scenario(path: Path) -> bool:
    """Whether the file is a rehearsal rather than an agent: it lies in `scenarios/`."""
    return "scenarios" in path.parts[:-1]
