"""`callisi render` and `callisi schema`: what an agent says and sends, and what editors check it with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Callisi


def test_everything_is_shown(callisi: Callisi) -> None:
    shown = callisi("render", "agents/clara.yaml").out
    for part in (
        "Prompt",
        "What the caller hears",
        "What staff hears",
        "What staff reads",
        "1 SMS, GSM-7",
        "busy: sms",
    ):
        assert part in shown


def test_a_hidden_number_reads_differently(callisi: Callisi) -> None:
    assert "Anrufer ohne Nummer" in callisi("render", "agents/clara.yaml", "--hidden").out
    assert "Anrufer ohne Nummer" not in callisi("render", "agents/clara.yaml").out


def test_without_fallback_nothing_is_read(callisi: Callisi) -> None:
    assert callisi("render", "variants/basic.yaml").out.endswith(
        "What staff reads: nothing, there is no `fallback`.\n"
    )


def test_the_json_document_is_stable(callisi: Callisi) -> None:
    document = callisi("render", "agents/clara.yaml", "--json").document
    assert set(document) == {"agent", "display", "caller", "prompt", "greeting", "sentences", "notifications"}
    assert set(document["sentences"][0]) == {"key", "path", "to", "channel", "text"}
    assert set(document["notifications"][0]) == {
        *("outcome", "words", "channel", "to", "text", "subject", "variables"),
        *("encoding", "characters", "segments"),
    }


def test_a_file_with_mistakes_is_not_rendered(callisi: Callisi) -> None:
    ran = callisi("render", "tests/checks/bad/unknown-key.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert "did you mean `transfer`?" in ran.err


def test_the_schemas_are_up_to_date(callisi: Callisi) -> None:
    assert callisi("schema", "--check", "--reference", "docs/reference.md").code == 0


def test_schemas_are_written_and_then_left_alone(callisi: Callisi, tmp_path: Path) -> None:
    first = callisi("schema", tmp_path, "--json").document
    assert {one["state"] for one in first["files"]} == {"written"}
    again = callisi("schema", tmp_path, "--json").document
    assert {one["state"] for one in again["files"]} == {"up to date"}


def test_a_stale_schema_fails_the_check_and_is_not_touched(callisi: Callisi, tmp_path: Path) -> None:
    (tmp_path / "agent.schema.json").write_text("{}", encoding="utf-8")
    ran = callisi("schema", tmp_path, "--check")
    assert ran.code == 1
    assert "run `callisi schema`" in ran.err
    assert (tmp_path / "agent.schema.json").read_text(encoding="utf-8") == "{}"


@pytest.mark.parametrize(("name", "code"), [("agent", 0), ("agnt", 1)])
def test_one_schema_can_be_printed(callisi: Callisi, name: str, code: int) -> None:
    ran = callisi("schema", "--print", name)
    assert ran.code == code
    assert ("draft-07" in ran.out) is (code == 0)


def test_the_proof_is_a_document_with_its_sums(callisi: Callisi) -> None:
    document = callisi("prove", "variants/basic.yaml", "--json").document
    assert set(document) == {"ok", "states", "transitions", "paths", "violations", "agents"}
    assert document["ok"] is (document["violations"] == [])
    assert document["states"] == document["agents"][0]["states"] > 10


def test_only_rehearsals_are_nothing_to_prove(callisi: Callisi) -> None:
    assert "`callisi test` runs them" in callisi("prove", "scenarios").err
