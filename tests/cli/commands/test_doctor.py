from __future__ import annotations

import pytest

from .conftest import Office, Run

ACCOUNTS = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


@pytest.fixture(autouse=True)
def without_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ACCOUNTS:
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("office")
def test_a_machine_with_nothing_on_it_is_not_ill(callisi: Run) -> None:
    shown = callisi("doctor")
    assert shown.code == 0
    assert "LIVEKIT_URL is not set: calls are rehearsed" in shown.out
    assert shown.out.endswith("1 warning\n")


def test_a_dead_letter_fails_and_says_what_to_do(callisi: Run, busy_office: Office) -> None:
    shown = callisi("doctor")
    assert shown.code == 1
    assert "FAIL  ledger" in shown.out
    assert "-> callisi notifications --dead, then callisi redrive ID" in shown.out


def test_the_document_has_every_finding(callisi: Run, busy_office: Office) -> None:
    shown = callisi("doctor", "--json")
    assert shown.code == 1
    assert shown.json["ok"] is False
    (ledger, *_) = [one for one in shown.json["checks"] if one["check"] == "ledger"]
    assert (ledger["state"], ledger["what"]) == ("problem", "1 message(s) reached nobody")
