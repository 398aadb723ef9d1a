"""A problem says where, what, what was got, what is allowed, and what to do next."""

from __future__ import annotations

from callisi_runtime.errors import CallisiError, ExitCode, Problem, SpecError, UsageError, sort_problems


def test_a_problem_reads_as_one_line() -> None:
    problem = Problem(
        "not one of the values allowed here",
        file="clara.yaml",
        line=9,
        column=12,
        got="'press1'",
        allowed="press_1, answer",
        hint="did you mean `press_1`?",
    )
    assert str(problem) == (
        "clara.yaml:9:12: not one of the values allowed here, got 'press1', allowed: press_1, answer; "
        "did you mean `press_1`?"
    )


def test_a_warning_says_so_after_its_place() -> None:
    assert str(Problem("odd", file="a.yaml", line=1, severity="warning")) == "a.yaml:1: warning: odd"


def test_a_problem_without_a_place_is_its_sentence() -> None:
    assert str(Problem("there is no agent")) == "there is no agent"


def test_a_problem_is_a_json_object_with_every_key() -> None:
    assert Problem("odd", code="odd", path="transfer.to").as_dict() == {
        "file": None,
        "line": None,
        "column": None,
        "path": "transfer.to",
        "code": "odd",
        "severity": "error",
        "message": "odd",
        "got": None,
        "allowed": None,
        "hint": None,
    }


def test_an_error_carries_every_problem() -> None:
    error = SpecError(Problem("first"), "second")
    assert [problem.message for problem in error.problems] == ["first", "second"]
    assert str(error) == "first\nsecond"


def test_exit_codes_tell_the_user_from_the_command_line() -> None:
    assert CallisiError("x").exit_code is ExitCode.USER_ERROR
    assert UsageError("x").exit_code is ExitCode.USAGE


def test_problems_come_in_the_order_of_the_files() -> None:
    places = [("b.yaml", 1, 1), ("a.yaml", 9, 2), ("a.yaml", 9, 1), ("a.yaml", 2, 30)]
    problems = sort_problems(
        Problem("x", file=file, line=line, column=column) for file, line, column in places
    )
    assert [(one.file, one.line, one.column) for one in problems] == sorted(places)
