from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callisi_runtime.source import load, load_text
from callisi_runtime.source.compose import compose
from callisi_runtime.source.environment import Environment
from callisi_runtime.source.evaluate import Evaluation, evaluate
from callisi_runtime.source.extends import merge
from callisi_runtime.source.nodes import MapNode
from callisi_runtime.source.text import Text

from .helpers import file_problems
from .models import Anything, Spec

Write = Callable[[str, str], Path]


def test_maps_merge_key_by_key_and_lists_are_replaced(write: Write) -> None:
    write("base.yaml", "a: {x: 1, y: {p: 1, q: 2}}\nb: [1, 2, 3]\nc: kept\n")
    write("child.yaml", "extends: base.yaml\na: {y: {q: 9}, z: 3}\nb: [4]\n")
    data = load("child.yaml", Anything).data
    assert data == {"a": {"x": 1, "y": {"p": 1, "q": 9}, "z": 3}, "b": [4], "c": "kept"}


def test_the_parent_is_found_beside_the_file_and_may_have_a_parent(write: Write, tmp_path: Path) -> None:
    write("variants/basic.yaml", "a: 1\nb: 1\nc: 1\n")
    write("variants/sms.yaml", "extends: basic.yaml\nb: 2\nc: 2\n")
    write("agents/clara.yaml", "extends: ../variants/sms.yaml\nc: 3\n")
    loaded = load(tmp_path / "agents/clara.yaml", Anything)
    assert loaded.data == {"a": 1, "b": 2, "c": 3}
    assert [path.name for path in loaded.files] == ["clara.yaml", "sms.yaml", "basic.yaml"]


def test_a_text_may_extend_a_file(write: Write, tmp_path: Path) -> None:
    write("base.yaml", "a: 1\n")
    assert load_text("extends: base.yaml\nb: 2\n", Anything, base=tmp_path).data == {"a": 1, "b": 2}


def test_remove_takes_an_inherited_key_away(write: Write) -> None:
    write("base.yaml", "name: clara\ntransfer: {to: '+491', mode: refer}\nlanguage: de\n")
    write("child.yaml", "extends: base.yaml\ntransfer: {mode: $remove}\nlanguage: $remove\n")
    assert load("child.yaml", Anything).data == {"name": "clara", "transfer": {"to": "+491"}}


@pytest.mark.parametrize("text", ["language: $remove", "transfer: {mode: $remove}", "channels: [$remove]"])
def test_there_must_be_something_to_remove(write: Write, text: str) -> None:
    write("base.yaml", "name: clara\n")
    write("child.yaml", f"extends: base.yaml\n{text}\n")
    (problem,) = file_problems("child.yaml")
    assert (problem.code, problem.file, problem.line) == ("nothing-to-remove", "child.yaml", 2)


def test_a_variable_that_the_child_replaces_need_not_be_set(write: Write) -> None:
    write("base.yaml", "name: ${UNSET_NAME}\n")
    write("child.yaml", "extends: base.yaml\nname: clara\n")
    assert load("child.yaml", Spec, env={}).value.name == "clara"


def test_an_inherited_mistake_is_reported_in_the_parents_file(write: Write) -> None:
    write("variants/base.yaml", "name: clara\ntransfer:\n  to: '+491'\n  ring_timeout: 500\n")
    write("agents/child.yaml", "extends: ../variants/base.yaml\nlanguage: 3\ntransfer:\n  mode: x\n")
    found = [(p.file, p.line, p.column, p.path) for p in file_problems("agents/child.yaml")]
    assert found == [
        ("agents/child.yaml", 2, 11, "language"),
        ("agents/child.yaml", 4, 9, "transfer.mode"),
        ("variants/base.yaml", 4, 17, "transfer.ring_timeout"),
    ]


def test_a_file_that_extends_itself_is_told_so(write: Write) -> None:
    write("a.yaml", "name: a\nextends: ./a.yaml\n")
    (problem,) = file_problems("a.yaml")
    assert (problem.code, problem.line, problem.column) == ("extends-circular", 2, 10)
    assert problem.message == "the file extends itself"


def test_a_circle_is_named_with_its_way(write: Write) -> None:
    write("a.yaml", "extends: b.yaml\n")
    write("b.yaml", "extends: c.yaml\n")
    write("c.yaml", "extends: b.yaml\n")
    (problem,) = file_problems("a.yaml")
    assert problem.message == "circular `extends`: b.yaml extends c.yaml extends b.yaml"
    assert problem.file == "c.yaml"


def test_a_missing_parent_is_named_with_the_near_one(write: Write) -> None:
    write("variants/forward_sms.yaml", "name: a\n")
    write("agents/a.yaml", "extends: ../variants/forward_sm.yaml\n")
    (problem,) = file_problems("agents/a.yaml")
    assert (problem.code, problem.file, problem.line) == ("extends-no-such-file", "agents/a.yaml", 1)
    assert problem.hint == "did you mean `variants/forward_sms.yaml`?"


@pytest.mark.parametrize("value", ["", "[a.yaml, b.yaml]", "{a: b}", "''", "${UNSET}", "."])
def test_extends_takes_the_path_of_one_file(write: Write, value: str) -> None:
    write("a.yaml", f"extends: {value}\nname: a\n")
    (problem,) = file_problems("a.yaml")
    assert (problem.file, problem.line) == ("a.yaml", 1)


def test_a_syntax_error_of_the_parent_is_reported_there(write: Write) -> None:
    write("base.yaml", "a: b: c\n")
    write("a.yaml", "extends: base.yaml\n")
    (problem,) = file_problems("a.yaml")
    assert (problem.code, problem.file, problem.line) == ("syntax", "base.yaml", 1)


def test_a_long_line_of_parents_ends(write: Write) -> None:
    for number in range(30):
        write(f"{number}.yaml", f"extends: {number + 1}.yaml\n")
    (problem,) = file_problems("0.yaml")
    assert problem.code == "extends-too-deep"


# The laws of merging, on every small tree.

VALUES = st.recursive(
    st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
MAPS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def tree(data: dict[str, Any]) -> MapNode:
    node, _ = compose(Text("t", repr(data)))
    assert isinstance(node, MapNode)
    return node


def plain(node: MapNode) -> Any:
    return evaluate(node, Evaluation(Environment({})))


def expected(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        shared = {key: expected(base[key], over[key]) for key in base.keys() & over.keys()}
        return {**base, **over, **shared}
    return over


@given(MAPS, MAPS)
def test_what_the_child_says_wins_and_what_it_does_not_say_stays(
    base: dict[str, Any], over: dict[str, Any]
) -> None:
    assert plain(merge(tree(base), tree(over))) == expected(base, over)


@given(MAPS)
def test_an_empty_map_changes_nothing_on_either_side(data: dict[str, Any]) -> None:
    assert plain(merge(tree(data), tree({}))) == plain(merge(tree({}), tree(data))) == data


@given(MAPS)
def test_merging_a_map_with_itself_changes_nothing(data: dict[str, Any]) -> None:
    assert plain(merge(tree(data), tree(data))) == data


@given(MAPS, MAPS, MAPS)
def test_maps_that_agree_in_kind_merge_in_any_grouping(
    a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]
) -> None:
    left = plain(merge(merge(tree(a), tree(b)), tree(c)))
    right = plain(merge(tree(a), merge(tree(b), tree(c))))
    if expected(expected(a, b), c) == expected(
        a, expected(b, c)
    ):  # a scalar between two maps cuts them apart
        assert left == right


@given(MAPS, st.sampled_from("abc"))
def test_a_removed_key_is_gone(base: dict[str, Any], key: str) -> None:
    if key in base:
        merged = plain(merge(tree(base), tree({key: "$remove"})))
        assert merged == {name: value for name, value in base.items() if name != key}
