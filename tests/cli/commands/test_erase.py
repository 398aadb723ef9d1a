"""`callisi export` and `callisi erase`: a caller's rights."""

from __future__ import annotations

from .conftest import CALLER, Office, Run


def test_export_prints_everything_about_a_caller(callisi: Run, busy_office: Office) -> None:
    document = callisi("export", "0171 3920011").json
    assert document["caller"] == CALLER
    assert [one["call"]["id"] for one in document["calls"]] == ["SCL_served", "SCL_missed"]


def test_a_stranger_has_nothing_stored(callisi: Run, busy_office: Office) -> None:
    assert callisi("export", "+49 30 23125999").json["calls"] == []
    assert callisi("erase", "+49 30 23125999").out == "nothing is stored about this caller\n"


def test_erase_deletes_nothing_before_it_is_told_to(callisi: Run, busy_office: Office) -> None:
    shown = callisi("erase", CALLER)
    assert "2 calls of this caller stored" in shown.out
    assert len(callisi("export", CALLER).json["calls"]) == 2


def test_erase_keeps_what_an_open_promise_needs_and_says_so(callisi: Run, busy_office: Office) -> None:
    shown = callisi("erase", CALLER, "--apply", "--json")
    assert (shown.json["erased"], shown.json["kept"]) == (["SCL_served"], ["SCL_missed"])
    assert [one["call"]["id"] for one in callisi("export", CALLER).json["calls"]] == ["SCL_missed"]


def test_what_is_no_number_is_a_mistake_of_the_command_line(callisi: Run, busy_office: Office) -> None:
    shown = callisi("erase", "Frau Weber")
    assert shown.code == 2
    assert "Weber" not in shown.err
