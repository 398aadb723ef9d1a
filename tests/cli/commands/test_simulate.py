from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Office, Run

CLARA = str(Path("agents/clara.yaml").resolve())


@pytest.mark.usefixtures("office")
def test_the_document_has_the_four_numbers_and_where_to_look(callisi: Run) -> None:
    shown = callisi("simulate", CLARA, "--calls", "3", "--seed", "4", "--json")
    assert shown.code == 0
    document = shown.json
    assert (document["ok"], document["agent"], document["calls"], document["seed"]) == (True, "clara", 3, 4)
    for name in ("lost_callers", "false_statements", "duplicate_messages", "duplicate_dials", "stumbles"):
        assert document[name] == 0
    assert document["findings"] == []
    assert document["happened"]["sentences"] > 0


@pytest.mark.usefixtures("office")
def test_one_call_is_shown_as_a_course(callisi: Run) -> None:
    shown = callisi("simulate", CLARA, "--seed", "4", "--only", "2")
    assert "agent: greeting" in shown.out
    assert "clara: 1 call, seed 4" in shown.out
    assert shown.out.endswith("nobody was lost\n")


def test_simulated_calls_do_not_go_among_real_ones(callisi: Run, busy_office: Office) -> None:
    shown = callisi("simulate", CLARA, "--calls", "1", "--database", busy_office.url)
    assert shown.code == 1
    assert "this ledger has calls in it" in shown.err
    assert len(callisi("calls", "--json").json["calls"]) == 3


@pytest.mark.usefixtures("office")
def test_numbers_that_are_none_are_a_mistake_of_the_command_line(callisi: Run) -> None:
    assert callisi("simulate", CLARA, "--calls", "0").code == 2
