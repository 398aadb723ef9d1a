"""`callisi prove` with several files: those of one plan share a walk, the others run beside each other."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Callisi

BASIC = Path("variants/basic.yaml").resolve()


def test_every_file_has_its_own_proof_in_the_order_of_the_files(callisi: Callisi, tmp_path: Path) -> None:
    more = {"one": "title: Eva", "two": "transfer: {to: +49 30 23125111}", "three": "title: Ida"}
    for name, line in more.items():
        (tmp_path / f"{name}.yaml").write_text(f"extends: {BASIC}\nname: {name}\n{line}\n", encoding="utf-8")
    ran = callisi("prove", tmp_path, "--json")
    assert ran.code == 0
    agents = {Path(one["file"]).stem: one for one in ran.document["agents"]}
    assert list(agents) == ["one", "three", "two"]
    assert agents["one"]["states"] == agents["three"]["states"] < agents["two"]["states"]
    assert callisi("prove", tmp_path / "two.yaml", "--json").document["agents"] == [agents["two"]]


def test_a_file_with_a_mistake_is_told_before_anything_is_proven(callisi: Callisi, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BASIC.read_text("utf-8"), encoding="utf-8")
    (tmp_path / "b.yaml").write_text("name: b\nnonsense: 1\n", encoding="utf-8")
    ran = callisi("prove", tmp_path)
    assert ran.code == 1
    assert ran.out == ""
    assert "nonsense" in ran.err
