from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def in_bad_folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Problems name files as they were given: from here, by their bare names."""
    monkeypatch.chdir(HERE / "bad")
    return HERE / "bad"
