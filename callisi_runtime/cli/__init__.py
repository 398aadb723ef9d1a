"""The command line: parse, call one function, print, exit. `callisi` has commands, `callisi-run` takes one agent file."""

from __future__ import annotations

from callisi_runtime.cli.main import main, run_main

__all__ = ["main", "run_main"]
