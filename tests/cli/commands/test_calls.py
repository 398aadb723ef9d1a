from __future__ import annotations

import dataclasses

import pytest

from callisi_runtime.ledger import CallRow, Ledger

from .conftest import CALLER, Office, Run, note_of

pytestmark = pytest.mark.usefixtures("office")


def test_without_a_ledger_the_url_and_the_setting_are_named(callisi: Run, office: Office) -> None:
    shown = callisi("calls")
    assert shown.code == 1
    assert "there is no ledger yet" in shown.err
    assert office.url in shown.err
    assert "CALLISI_DATABASE" in shown.err


def test_looking_makes_no_file(callisi: Run, office: Office) -> None:
    callisi("calls")
    callisi("notifications")
    callisi("deliver", "--until-empty")
    assert callisi("calls").code == 1


def test_a_password_in_the_url_is_not_shown(callisi: Run) -> None:
    shown = callisi("calls", "--database", "mysql://anna:geheim@host/db")
    assert shown.code == 1
    assert "geheim" not in shown.err + shown.out


def test_the_list_is_a_table_newest_first_with_masked_numbers(callisi: Run, busy_office: Office) -> None:
    shown = callisi("calls")
    head, *rows = shown.out.splitlines()
    assert head.split() == ["CALL", "BEGAN", "TOOK", "AGENT", "CALLER", "OUTCOME", "PROMISE"]
    assert [row.split()[0] for row in rows] == ["SCL_now", "SCL_missed", "SCL_served"]
    assert rows[0].endswith("goes on  clara  hidden       greeting  OPEN")
    assert rows[1].endswith("rang_out  OPEN")
    assert rows[2].endswith("kept: served")
    assert CALLER not in shown.out
    assert "+49171•••11" in shown.out


def test_a_callback_that_nobody_took_over_is_open(callisi: Run, office: Office) -> None:
    async def fill(ledger: Ledger) -> None:
        note = dataclasses.replace(note_of("SCL_1"), escalate=900.0)
        await ledger.begin_call(CallRow("SCL_1", "clara", CALLER, office.clock.now, "call-1"))
        await ledger.settle("SCL_1", outcome="busy", send=True, note=note)
        await ledger.end_call("SCL_1", outcome="busy")
        (row,) = await ledger.claim(1, lease=60)
        await ledger.taken(row, "SM1", poll_in=None)

    async def wait(ledger: Ledger) -> None:
        office.clock.now += 901
        (row,) = await ledger.claim(1, lease=60)
        await ledger.unclaimed(row)

    def callisi_open() -> list[str]:
        return [one["id"] for one in callisi("calls", "--open", "--json").json["calls"]]

    office.do(fill)
    assert callisi_open() == []
    office.do(wait)
    assert callisi_open() == ["SCL_1"]
    assert "nobody took the callback over" in callisi("calls", "SCL_1").out
    assert callisi("doctor").code == 1


def test_who_has_taken_the_callback_over_is_shown_until_it_is_given_back(
    callisi: Run, busy_office: Office
) -> None:
    async def take(ledger: Ledger) -> None:
        assert await ledger.take_over("SCL_missed", "Anna") == "claimed"

    async def give_back(ledger: Ledger) -> None:
        assert await ledger.hand_back("SCL_missed", "Anna") == "freed"

    busy_office.do(take)
    assert ", Anna calls back" in callisi("calls").out
    assert "calls back  Anna" in callisi("calls", "SCL_missed").out
    promise = callisi("calls", "SCL_missed", "--json").json["call"]["obligation"]
    assert promise["claimed_by"] == "Anna"
    busy_office.do(give_back)
    assert "calls back" not in callisi("calls").out


def test_numbers_are_shown_when_asked_for(callisi: Run, busy_office: Office) -> None:
    assert CALLER in callisi("calls", "--numbers").out
    assert CALLER in callisi("calls", "SCL_missed", "--numbers").out
    assert CALLER not in callisi("calls", "SCL_missed").out


def test_the_list_as_one_document(callisi: Run, busy_office: Office) -> None:
    document = callisi("calls", "--json").json
    assert document["ok"] is True
    newest, missed, served = document["calls"]
    assert (newest["caller"], newest["ended"], newest["phase"]) == (None, None, "greeting")
    assert missed["obligation"]["state"] == "open"
    assert served["obligation"]["evidence"] == "served"


@pytest.mark.parametrize(
    ("since", "expected"),
    [("2027-01-15T08:00:00+00:00", 3), ("2027-01-15T08:01:00+00:00", 2), ("2035-01-01", 0)],
)
def test_since_leaves_older_calls_out(callisi: Run, busy_office: Office, since: str, expected: int) -> None:
    assert len(callisi("calls", "--since", since, "--json").json["calls"]) == expected


def test_since_that_is_no_time_is_a_mistake_of_the_command_line(callisi: Run) -> None:
    shown = callisi("calls", "--since", "gestern")
    assert shown.code == 2
    assert "24h" in shown.err


def test_open_shows_only_callers_who_are_owed_something(callisi: Run, busy_office: Office) -> None:
    document = callisi("calls", "--open", "--json").json
    assert [call["id"] for call in document["calls"]] == ["SCL_now", "SCL_missed"]


def test_one_call_shows_its_course_its_message_and_its_words(callisi: Run, busy_office: Office) -> None:
    missed = callisi("calls", "SCL_missed").out
    assert "promise  OPEN" in missed
    assert "sms rejected" in missed
    assert "21211" in missed
    served = callisi("calls", "SCL_served").out
    assert "1.5 s   event.Said" in served
    assert "agent: Guten Tag" in served


def test_one_call_as_one_document(callisi: Run, busy_office: Office) -> None:
    call = callisi("calls", "SCL_missed", "--json").json["call"]
    assert call["transcript"] is None
    (note,) = call["notifications"]
    assert note["state"] == "dead"
    assert [one["what"] for one in note["attempts"]] == ["rejected"]


def test_the_beginning_of_an_id_is_enough(callisi: Run, busy_office: Office) -> None:
    assert callisi("calls", "SCL_m", "--json").json["call"]["id"] == "SCL_missed"


def test_an_unknown_id_is_answered_with_those_near_it(callisi: Run, busy_office: Office) -> None:
    shown = callisi("calls", "SCL_mised")
    assert shown.code == 1
    assert "did you mean `SCL_missed`?" in shown.err
    several = callisi("calls", "SCL_")
    assert all(one in several.err for one in ("SCL_now", "SCL_missed", "SCL_served"))
