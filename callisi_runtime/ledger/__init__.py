"""The ledger: what happened to every call, what is promised, and the messages that keep the promise."""

from __future__ import annotations

from callisi_runtime.ledger.facade import Ledger, LedgerUnavailable
from callisi_runtime.ledger.local import LedgerWithLocal, ledger_at
from callisi_runtime.ledger.values import (
    EVIDENCE,
    AttemptRow,
    CallRow,
    EventRow,
    Fault,
    Health,
    Note,
    NoteRow,
    NoteState,
    ObligationRow,
    Receipt,
    Step,
    reference_for,
)

__all__ = [
    "EVIDENCE",
    "AttemptRow",
    "CallRow",
    "EventRow",
    "Fault",
    "Health",
    "Ledger",
    "LedgerUnavailable",
    "LedgerWithLocal",
    "Note",
    "NoteRow",
    "NoteState",
    "ObligationRow",
    "Receipt",
    "Step",
    "ledger_at",
    "reference_for",
]
