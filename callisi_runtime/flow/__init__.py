"""The machine of one call: pure, total, proven. The drivers are `live`, `rehearse` and `prove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callisi_runtime.flow.model import (
    OUTCOME_WORDS,
    CallState,
    Evidence,
    FlowPlan,
    Leg,
    Outcome,
    Phase,
)

if TYPE_CHECKING:
    from callisi_runtime.flow.machine import step

__all__ = ["OUTCOME_WORDS", "CallState", "Evidence", "FlowPlan", "Leg", "Outcome", "Phase", "step"]


def __getattr__(name: str) -> object:
    if name == "step":  # whoever only needs the words does not pay for the machine
        from callisi_runtime.flow.machine import step

        return step
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
