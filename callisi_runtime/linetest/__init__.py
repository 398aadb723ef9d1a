"""A user's own line, tried out with their own telephone, one call at a time."""

from __future__ import annotations

from callisi_runtime.linetest.cases import Case, cases_for
from callisi_runtime.linetest.watch import LineTest, Verdict

__all__ = ["Case", "LineTest", "Verdict", "cases_for"]
