"""The machine of one call: pure, total, proven. The drivers are `live`, `rehearse` and `prove`."""

from __future__ import annotations

from callisi_runtime.flow.machine import step
from callisi_runtime.flow.model import (
    OUTCOME_WORDS,
    CallState,
    Evidence,
    FlowPlan,
    Leg,
    Outcome,
    Phase,
)

__all__ = ["OUTCOME_WORDS", "CallState", "Evidence", "FlowPlan", "Leg", "Outcome", "Phase", "step"]
