"""The table of codes: complete, and right about what may be repeated."""

from __future__ import annotations

import pytest

from callisi_runtime.notify.codes import RULES, fault_for, rule_for

MESSAGING = [
    *(20003, 20404, 20429, 20500, 20008, 21211, 21212, 21606, 21408, 21608, 21610, 21612, 21614, 21617),
    *(30001, 30002, 30003, 30004, 30005, 30006, 30007, 30008),
    *(63003, 63007, 63015, 63016, 63018, 63024, 63032, 63033),
]


@pytest.mark.parametrize("code", MESSAGING)
def test_every_messaging_code_has_a_meaning_and_a_remedy(code: int) -> None:
    assert RULES[code].meaning
    assert RULES[code].remedy


@pytest.mark.parametrize(
    ("status", "code", "action"),
    [
        (400, 21211, "reject"),
        (401, 20003, "reject"),
        (401, None, "reject"),
        (403, 99999, "reject"),
        (429, 20429, "retry"),
        (429, None, "retry"),
        (500, 20500, "unknown"),
        (503, None, "unknown"),
        (502, 21211, "unknown"),
    ],
)
def test_only_what_was_never_processed_is_simply_repeated(status: int, code: int | None, action: str) -> None:
    assert rule_for(status, code).action == action


@pytest.mark.parametrize(
    ("code", "again"), [("30003", True), ("30005", False), ("63016", False), (None, False), ("x", False)]
)
def test_a_lost_message_is_repeated_only_where_that_may_help(code: str | None, again: bool) -> None:
    assert (fault_for("sms", "undelivered", code).again_after is not None) is again
