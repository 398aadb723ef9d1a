"""The set-up, looked at from all sides: each check says that it is well, or what is wrong and what mends it."""

from __future__ import annotations

from callisi_runtime.doctor.patient import Patient
from callisi_runtime.doctor.registry import CHECKS, Check, examine
from callisi_runtime.doctor.result import Result, State

__all__ = ["CHECKS", "Check", "Patient", "Result", "State", "examine"]
