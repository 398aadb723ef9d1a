"""`callisi new`: a file that is right from the start, and nothing overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from callisi_runtime.cli.commands.new import data_folder
from tests.cli.conftest import Callisi


@pytest.fixture
def empty(callisi: Callisi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("variant", ["basic", "forward_sms", "forward_whatsapp"])
def test_a_new_agent_brings_what_it_extends_and_is_right(callisi: Callisi, empty: Path, variant: str) -> None:
    ran = callisi("new", "praxis", "--from", variant)
    assert ran.code == 0
    assert (empty / "agents/praxis.yaml").is_file()
    assert (empty / "schemas/agent.schema.json").is_file()
    assert callisi("validate", "agents").code == 0
    assert '"display": "Praxis"' in callisi("render", "agents/praxis.yaml", "--json").out


def test_the_variants_that_are_there_are_used_as_they_are(callisi: Callisi, empty: Path) -> None:
    callisi("new", "one", "--from", "basic")
    (empty / "variants/basic.yaml").write_text("# mine\n", encoding="utf-8")
    ran = callisi("new", "two", "--from", "basic", "--json")
    assert ran.document["written"] == ["agents/two.yaml"]
    assert (empty / "variants/basic.yaml").read_text(encoding="utf-8") == "# mine\n"


def test_nothing_is_overwritten(callisi: Callisi, empty: Path) -> None:
    (empty / "agents").mkdir()
    (empty / "agents/praxis.yaml").write_text("# mine\n", encoding="utf-8")
    ran = callisi("new", "praxis")
    assert ran.code == 1
    assert "exists already" in ran.err
    assert (empty / "agents/praxis.yaml").read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("name", ["", "1a", "a b", "../x", "ä", "x" * 41])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(callisi: Callisi, name: str) -> None:
    assert callisi("new", name).code == 1
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.usefixtures("empty")
def test_an_unknown_variant_is_named_with_the_known_ones(callisi: Callisi) -> None:
    ran = callisi("new", "praxis", "--from", "forward_smss")
    assert ran.code == 1
    assert "did you mean `forward_sms`?" in ran.err
    assert list(Path.cwd().iterdir()) == []


def test_the_variants_are_found_beside_the_package() -> None:
    assert (data_folder("variants") / "basic.yaml").is_file()


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("name", ["null", "True", "no", "a", "E1", "x" * 40])
def test_a_name_that_is_a_word_of_yaml_is_a_name_all_the_same(callisi: Callisi, name: str) -> None:
    callisi("new", name, "--from", "basic")
    ran = callisi("validate", "agents")
    assert (ran.code, ran.err.count("error")) == (0, 0)
