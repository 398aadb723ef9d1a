"""Each file in `bad/` is named after its mistake; what is said about it stands beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from callisi_runtime.checks import load_agent
from callisi_runtime.errors import Problem, SpecError

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


def problems_of(path: Path) -> tuple[Problem, ...]:
    try:
        return load_agent(path, {}).warnings
    except SpecError as error:
        return error.problems


@pytest.mark.usefixtures("in_bad_folder")
@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_mistake_is_named_with_its_place(path: Path) -> None:
    said = [str(problem) for problem in problems_of(Path(path.name)) if problem.code != "example-number"]
    assert said == path.with_suffix(".txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.usefixtures("in_bad_folder")
@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_only_files_that_warn_load(path: Path) -> None:
    failed = any(problem.severity == "error" for problem in problems_of(Path(path.name)))
    assert failed != path.name.startswith("warns-")


@pytest.mark.usefixtures("in_bad_folder")
@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_problem_has_a_place_and_a_code(path: Path) -> None:
    for problem in problems_of(Path(path.name)):
        assert problem.file
        assert problem.line
        assert problem.column
        assert problem.code.replace("-", "").isalpha()
