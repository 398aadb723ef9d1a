"""The table of codes: complete, and right about what may be repeated."""

from __future__ import annotations

import pytest

from callisi_runtime.notify.codes import RULES, fault_for, rule_for

MESSAGING = [
    *(20003, 20404, 20429, 20500, 20008, 21211, 21212, 21606, 21408, 21608, 21610, 21612, 21614, 21617),
    *(30001, 30002, 30003, 30004, 30005, 30006, 30007, 30008),
    *(63003, 63007, 63015, 63016, 63018, 63024, 63032, 63033),
]
NUMBERS_AND_TRUNKS = [
    *(21215, 21243, 21244, 21248, 21422, 21631, 21649, 13224, 13227),
    *(
        32001,
        32010,
        32011,
        32012,
        32100,
        32101,
        32106,
        32201,
        32202,
        32203,
        32204,
        32205,
        32206,
        32208,
        32209,
    ),
    *(32216, 32218),
]


@pytest.mark.parametrize("code", MESSAGING + NUMBERS_AND_TRUNKS)
def test_every_code_has_a_meaning_and_a_remedy(code: int) -> None:
    assert RULES[code].meaning
    assert RULES[code].remedy


def test_the_table_has_no_code_that_no_test_knows() -> None:
    assert set(RULES) == {*MESSAGING, *NUMBERS_AND_TRUNKS}


REPEATED = {20429, 30001, 30003, 30008, 63018, 32001, 32012}


@pytest.mark.parametrize("code", MESSAGING)
def test_what_fails_again_goes_to_the_next_channel_and_only_what_may_work_is_repeated(code: int) -> None:
    rule = RULES[code]
    expected = "unknown" if code == 20500 else "retry" if code in REPEATED else "reject"
    assert rule.action == expected
    assert (rule.after is not None, rule.times > 0) == (rule.action == "retry", rule.action == "retry")


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
