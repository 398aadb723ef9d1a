from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from callisi_runtime.cli import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


Callisi = Callable[..., Ran]


@pytest.fixture
def callisi(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callisi:
    """Calls `callisi` in the repository, with nothing configured."""
    monkeypatch.chdir(ROOT)

    def call(*arguments: str | Path) -> Ran:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call
