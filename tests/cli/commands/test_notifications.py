from __future__ import annotations

from .conftest import STAFF, Office, Run


def test_the_list_says_where_each_stands(callisi: Run, busy_office: Office) -> None:
    shown = callisi("notifications")
    _, first, second = shown.out.splitlines()
    assert first.split()[0] == "SCL_now:1"
    assert "armed" in first
    assert "sms (1 of 2)" in first
    assert "goes out by itself" in first
    assert "dead" in second
    assert second.endswith("sms: 21211 `to` is not a valid number")
    assert STAFF not in shown.out


def test_dead_ones_alone(callisi: Run, busy_office: Office) -> None:
    (note,) = callisi("notifications", "--dead", "--json").json["notifications"]
    assert (note["id"], note["call"], note["state"]) == ("SCL_missed:1", "SCL_missed", "dead")
    assert [one["what"] for one in note["attempts"]] == ["rejected"]


def test_an_empty_ledger_says_so(callisi: Run, office: Office) -> None:
    async def nothing(_: object) -> None: ...

    office.do(nothing)
    assert callisi("notifications").out == "no notifications\n"
    assert callisi("notifications", "--dead", "--json").json == {"ok": True, "notifications": []}
