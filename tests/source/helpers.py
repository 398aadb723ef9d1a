from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from callisi_runtime.errors import Problem, SpecError
from callisi_runtime.source import load, load_text

from .models import Anything, Spec

NO_VARIABLES: Mapping[str, str] = {}


def problems_of(text: str | bytes, env: Mapping[str, str] = NO_VARIABLES) -> tuple[Problem, ...]:
    """What is wrong with a text."""
    with pytest.raises(SpecError) as caught:
        load_text(text, Spec, name="a.yaml", env=env)
    return caught.value.problems


def problem_of(text: str | bytes, env: Mapping[str, str] = NO_VARIABLES) -> Problem:
    """The one thing that is wrong with a text."""
    (problem,) = problems_of(text, env)
    return problem


def data_of(text: str, env: Mapping[str, str] = NO_VARIABLES) -> dict[str, Any]:
    """The plain data of a text."""
    return load_text(text, Anything, env=env).data


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Write a file into an empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write_file


def file_problems(path: str) -> tuple[Problem, ...]:
    """What is wrong with a file."""
    with pytest.raises(SpecError) as caught:
        load(path, Spec, env=NO_VARIABLES)
    return caught.value.problems
