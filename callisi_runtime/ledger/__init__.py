"""The ledger: what happened to every call, what is promised, and the messages that keep the promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_HOMES = {
    **dict.fromkeys(("Ledger", "LedgerUnavailable"), "facade"),
    **dict.fromkeys(("LedgerWithLocal", "ledger_at"), "local"),
}
"""Name -> the module it comes from; every other is a value. A rehearsal knows notes and opens no database."""

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


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'values')}"), name)
