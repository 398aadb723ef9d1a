from __future__ import annotations

import pytest

from .conftest import Office, Run


@pytest.mark.parametrize("wanted", ["SCL_missed:1", "SCL_missed", "SCL_m"])
def test_a_dead_notification_is_due_again(callisi: Run, busy_office: Office, wanted: str) -> None:
    shown = callisi("redrive", wanted, "--json")
    assert shown.code == 0
    assert shown.json["notification"]["state"] == "due"
    (note, *_) = callisi("calls", "SCL_missed", "--json").json["call"]["notifications"]
    assert [one["what"] for one in note["attempts"]] == ["rejected", "redriven"]


def test_what_is_not_dead_stays_as_it_is(callisi: Run, busy_office: Office) -> None:
    shown = callisi("redrive", "SCL_now:1")
    assert shown.code == 1
    assert "not dead" in shown.err
    assert "armed" in shown.err


def test_an_unknown_id_is_answered_with_those_near_it(callisi: Run, busy_office: Office) -> None:
    shown = callisi("redrive", "SCL_missd:1")
    assert shown.code == 1
    assert "did you mean `SCL_missed:1`?" in shown.err
