"""`callisi validate`: every mistake at once, for people and for CI."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Callisi

BAD = ROOT / "tests" / "checks" / "bad"


def test_the_agents_of_the_repository_are_fine(callisi: Callisi) -> None:
    ran = callisi("validate", "agents", "variants")
    assert ran.code == 0
    assert ran.out.startswith("4 files, no mistakes")


def test_of_a_file_alone_the_parts_of_its_longest_sms_are_shown(callisi: Callisi, tmp_path: Path) -> None:
    path = tmp_path / "clara.yaml"
    words = "Bitte Rückruf … „dringend“" + " x" * 80
    path.write_text(
        f"extends: {ROOT}/variants/forward_sms.yaml\nname: clara\n"
        f"fallback: {{channels: [{{sms: {{to: +49 171 3920011, message: '{words}'}}}}]}}\n",
        encoding="utf-8",
    )
    ran = callisi("validate", path)
    assert "fallback.channels[0].sms: up to 198 characters in GSM-7, 2 parts\n" in ran.out
    assert callisi("validate", path, "--json").document["sms"] == [
        {
            "path": f"{path}: fallback.channels[0].sms",
            "encoding": "GSM-7",
            "characters": 198,
            "segments": 2,
        }
    ]
    assert "parts" not in callisi("validate", path, "agents").out


def test_mistakes_go_to_standard_error_and_the_summary_to_standard_output(callisi: Callisi) -> None:
    ran = callisi("validate", BAD / "several-mistakes-at-once.yaml")
    assert ran.code == 1
    assert ran.out == "1 file, 4 errors, 1 warning\n"
    assert ran.err.count(": error: ") == 4
    assert all(": error: " in line or ": warning: " in line for line in ran.err.splitlines())


def test_strict_lets_warnings_fail(callisi: Callisi) -> None:
    assert callisi("validate", BAD / "warns-impatient.yaml").code == 0
    assert callisi("validate", "--strict", BAD / "warns-impatient.yaml").code == 1


def test_every_file_is_checked_although_one_is_wrong(callisi: Callisi) -> None:
    ran = callisi("validate", BAD / "unknown-key.yaml", "agents/clara.yaml", "no-such-file.yaml", "--json")
    assert ran.code == 1
    document = ran.document
    assert len(document["files"]) == 3
    assert {problem["code"] for problem in document["problems"]} == {
        "unknown-key",
        "example-number",
        "no-such-file",
    }


def test_the_json_document_is_stable(callisi: Callisi) -> None:
    ran = callisi("validate", "tests/checks/bad/key-in-the-wrong-block.yaml", "--json")
    problem = next(one for one in ran.document["problems"] if one["severity"] == "error")
    assert set(ran.document) == {"ok", "files", "problems", "sms"}
    assert problem["hint"] == "`ring_timeout` belongs under `transfer`"
    assert (problem["file"], problem["line"], problem["column"]) == (
        "tests/checks/bad/key-in-the-wrong-block.yaml",
        2,
        1,
    )
    assert set(problem) == {
        *("file", "line", "column", "path", "code", "severity"),
        *("message", "got", "allowed", "hint"),
    }


def test_a_folder_without_agents_is_said(callisi: Callisi, tmp_path: Path) -> None:
    ran = callisi("validate", tmp_path)
    assert ran.code == 1
    assert "there is no YAML file in this folder" in ran.err


def test_hidden_folders_and_rehearsals_are_left_alone(callisi: Callisi, tmp_path: Path) -> None:
    for folder in (".venv", "scenarios", "agents"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.yaml").write_text("nonsense: true\n", encoding="utf-8")
    assert callisi("validate", tmp_path, "--json").document["files"] == [str(tmp_path / "agents" / "a.yaml")]


def test_a_problem_that_two_files_inherit_is_told_once(callisi: Callisi, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("greetin: Hallo\n", encoding="utf-8")
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(f"extends: base.yaml\nname: {name}\n", encoding="utf-8")
    ran = callisi("validate", tmp_path / "one.yaml", tmp_path / "two.yaml")
    assert ran.err.count("unknown key `greetin`") == 1


def test_secrets_stay_out_of_what_is_printed(
    callisi: Callisi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "very-secret-token")
    agent = tmp_path / "a.yaml"
    agent.write_text("name: ${TWILIO_AUTH_TOKEN} x\n", encoding="utf-8")
    ran = callisi("validate", agent)
    assert ran.code == 1
    assert "very-secret-token" not in ran.err
