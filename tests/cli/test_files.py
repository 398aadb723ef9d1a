"""Which files a command line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from callisi_runtime.cli.files import yaml_files
from callisi_runtime.errors import CallisiError


def test_folders_in_which_nobody_keeps_agents_are_passed_over(tmp_path: Path) -> None:
    for folder in ("node_modules/x", "venv", ".venv", "__pycache__", "agents"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.yaml").touch()
    assert yaml_files([str(tmp_path)]) == [tmp_path / "agents" / "a.yaml"]


def test_a_folder_with_more_files_than_anybody_has_agents_is_not_walked_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    (tmp_path / "deeper").mkdir()
    for name in ("b.txt", "c.txt"):
        (tmp_path / "deeper" / name).touch()
    assert yaml_files([str(tmp_path)], most=3) == [tmp_path / "a.yaml"]
    with pytest.raises(CallisiError) as raised:
        yaml_files([str(tmp_path)], most=2)
    assert "too many files below this folder" in str(raised.value)
    assert "name the folder that holds the agents" in str(raised.value)
