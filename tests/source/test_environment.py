from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callisi_runtime.source import load_text

from .helpers import data_of, problem_of, problems_of
from .models import Anything, Spec


@pytest.mark.parametrize(
    ("value", "env", "data"),
    [
        ("${A}", {"A": "x"}, "x"),
        ("${A}", {"A": "25"}, 25),
        ("${A}", {"A": "+49301234567"}, "+49301234567"),
        ("${A}", {"A": "0123"}, "0123"),
        ("${A:-25}", {}, 25),
        ("${A:-25}", {"A": ""}, 25),
        ("${A:-25}", {"A": "30"}, 30),
        ("${A:-}", {}, None),
        ('"${A}"', {"A": "25"}, "25"),
        ("${A}0", {"A": "25"}, "250"),
        ("a ${A} b ${B:-c}", {"A": "x"}, "a x b c"),
        ("${A:-${B}}", {"B": "y"}, "y"),
        ("${A:-${B:-z}}", {}, "z"),
        ("$${A}", {"A": "x"}, "${A}"),
        ("$A {{ b }} $", {"A": "x"}, "$A {{ b }} $"),
        ("${A}", {"A": "${B}"}, "${B}"),
    ],
)
def test_a_variable_is_filled_in(value: str, env: dict[str, str], data: object) -> None:
    assert data_of(f"key: {value}\n", env)["key"] == data


def test_keys_are_never_filled_in() -> None:
    assert data_of('"${A}": 1\n', {"A": "x"}) == {"${A}": 1}


@pytest.mark.parametrize("env", [{}, {"NUMBER": ""}])
def test_an_undefined_variable_is_named_with_its_place(env: dict[str, str]) -> None:
    problem = problem_of("name: a\ntransfer:\n  to: ${NUMBER}\n", env)
    assert (problem.code, problem.line, problem.column) == ("undefined-variable", 3, 7)
    assert problem.hint == "set NUMBER in .env, or write ${NUMBER:-default}"


@pytest.mark.parametrize("value", ["${}", "${a b}", "${A", "${A:=x}", "${1}"])
def test_what_looks_like_a_variable_and_is_none_is_an_error(value: str) -> None:
    assert problem_of(f"name: a\nlanguage: '{value}'\n").code == "bad-variable"


def test_undefined_variables_come_together_with_all_other_mistakes() -> None:
    text = "nme: a\ntransfer:\n  to: ${NUMBER}\n  ring_timeout: ${SECONDS}\n  mode: bridg\n"
    codes = sorted(problem.code for problem in problems_of(text))
    assert codes == ["missing-key", "not-allowed", "undefined-variable", "undefined-variable", "unknown-key"]


def test_the_variables_and_the_defaults_taken_are_reported() -> None:
    loaded = load_text("a: ${A}\nb: ${B:-x}\nc: ${C:-x}\n", Anything, env={"A": "1", "B": "2"})
    assert (loaded.variables, loaded.defaulted) == (frozenset("ABC"), frozenset("C"))


def test_a_value_from_a_variable_is_named_by_it() -> None:
    problem = problem_of("name: a\ntransfer: {ring_timeout: '${SECONDS}'}\n", {"SECONDS": "soon"})
    assert problem.got == "'soon' from ${SECONDS}"


def test_a_variable_is_named_also_where_the_message_has_its_value_already() -> None:
    problem = problem_of("name: a\ntransfer: {to: '${NUMBER}'}\n", {"NUMBER": "0171"})
    assert str(problem).endswith("'0171' has no country code, got '0171' from ${NUMBER}")


def test_a_secret_is_never_shown() -> None:
    env = {"TWILIO_AUTH_TOKEN": "0123456789abcdef"}
    problem = problem_of("name: a\ntransfer: {to: '${TWILIO_AUTH_TOKEN}'}\n", env)
    assert "0123456789" not in str(problem)
    assert problem.code == "invalid"


def test_a_variable_cannot_make_a_text_endless() -> None:
    assert problem_of(f"name: a\nlanguage: '{'${A}' * 2000}'\n", {"A": "x" * 1000}).code == "bad-variable"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=80))
def test_a_text_without_a_reference_stays_as_it_is(text: str) -> None:
    if "${" not in text and text.isprintable():
        quoted = text.replace("'", "''")
        assert load_text(f"a: '{quoted}'\n", Anything, env={}).data["a"] == text


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLISI_TEST_NAME", "clara")
    assert load_text("name: ${CALLISI_TEST_NAME}\n", Spec).value.name == "clara"
