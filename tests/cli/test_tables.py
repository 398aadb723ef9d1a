from __future__ import annotations

from callisi_runtime.cli.tables import pairs, table


def test_columns_are_as_wide_as_what_stands_in_them() -> None:
    assert (
        table(("ID", "WHAT"), [("a", "Grüße"), ("long-id", "x")])
        == "ID       WHAT\na        Grüße\nlong-id  x"
    )


def test_numbers_stand_on_the_right() -> None:
    assert table(("N", "X"), [(5, "a"), (1200, "b")]) == "   N  X\n   5  a\n1200  b"


def test_a_cell_is_one_line_and_not_too_long_but_the_last_is_whole() -> None:
    _, row = table(("A", "B"), [("x" * 80, "y\n" * 80)]).splitlines()
    first, last = row.split("  ", 1)
    assert len(first) == 60
    assert first.endswith("...")
    assert last == " ".join("y" * 80)


def test_nothing_is_shown_as_a_dash() -> None:
    assert table(("A",), [(None,)]).splitlines()[1] == "-"


def test_wide_characters_keep_the_columns() -> None:
    _, first, second = table(("A", "B"), [("日本", "x"), ("abcd", "y")]).splitlines()
    assert (first, second) == ("日本  x", "abcd  y")


def test_pairs_leave_out_what_is_not_known() -> None:
    assert pairs([("call", "c"), ("outcome", None), ("promise", "open")]) == "call     c\npromise  open"
