from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Office, Run

CLARA = str(Path(__file__).parents[3] / "agents" / "clara.yaml")


@pytest.fixture(autouse=True)
def without_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "TWILIO_ACCOUNT_SID"):
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("office")
def test_open_lines_fail_and_say_what_closes_them(callisi: Run) -> None:
    shown = callisi("checklist", CLARA)
    assert shown.code == 1
    assert "\nTwilio account\n  [ ] the account exists and is active" in shown.out
    assert "  [ ] a call is answered" in shown.out
    assert "   -  the WhatsApp message arrives when nobody picks up" in shown.out
    assert "lines are open\n" in shown.out


def test_a_call_that_was_answered_is_found_in_the_ledger(callisi: Run, busy_office: Office) -> None:
    shown = callisi("checklist", CLARA, "--json")
    answered = next(one for one in shown.json["lines"] if one["text"] == "a call is answered")
    assert (shown.json["ok"], answered["section"], answered["what"][:5]) == (False, "Tried", "last ")


@pytest.mark.usefixtures("office")
def test_a_wrong_file_is_the_only_line(callisi: Run) -> None:
    shown = callisi("checklist", "nowhere.yaml")
    assert (shown.code, shown.out.count("[ ]")) == (1, 1)
