"""Thousands of calls in virtual time, with the real machine, ledger and sender: who is lost, what was false?"""

from __future__ import annotations

from callisi_runtime.simulate.life import Defects
from callisi_runtime.simulate.report import Finding, Report
from callisi_runtime.simulate.simulation import simulate

__all__ = ["Defects", "Finding", "Report", "simulate"]
