"""The command line: parse, call one function, print, exit. `callisi-run` takes one agent file, `callisi` a command."""

from __future__ import annotations

from callisi_runtime.cli.main import main, run_main

__all__ = ["main", "run_main"]
