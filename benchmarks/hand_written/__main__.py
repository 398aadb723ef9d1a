"""`python -m benchmarks.hand_written`: take calls until killed."""

from __future__ import annotations

from benchmarks.hand_written.agent import main

main()
