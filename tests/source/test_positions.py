from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callisi_runtime.errors import SpecError
from callisi_runtime.source import load_text
from callisi_runtime.source.text import Text

from .models import Anything, Spec

TEXT = """\
name: clara
transfer:
  to:
    - to: "+491"
      name: Empfang
    - "+492"
  ask: true
say:
  hello: Guten Tag
tools:
  - take_message: {description: nimmt eine Nachricht auf}
"""


@pytest.mark.parametrize(
    ("loc", "at", "line", "column"),
    [
        (("name",), "value", 1, 7),
        (("name",), "key", 1, 1),
        (("transfer",), "value", 2, 1),
        (("transfer", "to", 0, "name"), "value", 5, 13),
        (("transfer", "to", 0, "name"), "key", 5, 7),
        (("transfer", "to", 1), "value", 6, 7),
        (("transfer", "to", 1, "to"), "value", 6, 7),
        (("transfer", "ask"), "value", 7, 8),
        (("transfer", "missing"), "value", 2, 1),
        (("transfer", "to", 9), "value", 3, 3),
        (("say", "union tag", "hello"), "value", 9, 10),
        (("tools", 0, "description"), "value", 11, 33),
        (("nothing", "of", "this"), "value", 1, 1),
        ((), "value", 1, 1),
    ],
)
def test_a_place_in_the_data_has_a_place_in_the_file(
    loc: tuple[str | int, ...], at: str, line: int, column: int
) -> None:
    positions = load_text(TEXT, Anything, name="a.yaml").positions
    problem = positions.problem(loc, "is wrong", code="x", at="key" if at == "key" else "value")
    assert (problem.file, problem.line, problem.column) == ("a.yaml", line, column)


def test_a_problem_carries_everything_it_was_given() -> None:
    positions = load_text(TEXT, Anything, name="a.yaml").positions
    problem = positions.problem(
        ("transfer", "to", 0, "to"),
        "is your own number",
        code="own-number",
        got="+491",
        hint="h",
        severity="warning",
    )
    assert str(problem) == "a.yaml:4:11: warning: is your own number, got +491; h"
    assert problem.path == "transfer.to[0].to"


def test_a_long_value_is_shortened() -> None:
    positions = load_text(TEXT, Anything).positions
    problem = positions.problem(("name",), "is long", code="x", got="x\n" * 100)
    assert problem.got is not None
    assert len(problem.got) == 60


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_count_as_editors_count_them(ending: str) -> None:
    text = Text("t", ending.join(["ä: 1", "b\u2028c: 2", "  d: 3"]))
    assert text.position(text.content.index("d")) == (3, 3)


def test_a_windows_mark_in_front_moves_nothing() -> None:
    with pytest.raises(SpecError) as caught:
        load_text(b"\xef\xbb\xbfnme: x\r\nname: 1\r\n", Spec)
    assert [(p.line, p.column) for p in caught.value.problems] == [(1, 1), (2, 7)]


KEYS = [
    "name",
    "nme",
    "transfer",
    "to",
    "mode",
    "ask",
    "say",
    "channels",
    "type",
    "voice",
    "extends",
    "<<",
    "ä",
]
LINES = st.lists(
    st.builds(
        lambda indent, dash, key, value: f"{'  ' * indent}{'- ' * dash}{key}: {value}",
        st.integers(0, 3),
        st.integers(0, 1),
        st.sampled_from(KEYS),
        st.sampled_from(
            [
                "",
                "1",
                "true",
                "x",
                "[a, b]",
                "{a: 1",
                "'x",
                "${A}",
                "$remove",
                "*a",
                "&a b",
                "sms",
                "|",
                "\t",
                "!!x y",
            ]
        ),
    ),
    max_size=8,
)


@given(LINES, st.sampled_from(["", "\n"]))
def test_every_problem_stands_inside_the_file(lines: list[str], ending: str) -> None:
    text = "\n".join(lines) + ending
    try:
        load_text(text, Spec, name="t", env={})
    except SpecError as error:
        for problem in error.problems:
            if problem.file == "t":
                assert problem.line is not None
                assert problem.column is not None
                assert 1 <= problem.line <= max(1, len(text.splitlines()))
                line = (text.splitlines() or [""])[problem.line - 1]
                assert 1 <= problem.column <= len(line) + 1


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_every_text_is_a_value_or_problems(text: str | bytes) -> None:
    with contextlib.suppress(SpecError):
        load_text(text, Spec, env={})
