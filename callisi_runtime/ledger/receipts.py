"""What providers report about messages. Late, repeated and out-of-order reports change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from callisi_runtime.ledger import notes
from callisi_runtime.ledger.insert import insert_new
from callisi_runtime.ledger.schema import note, receipt

if TYPE_CHECKING:
    from callisi_runtime.ledger.values import Fault, NoteRow, Receipt

Effect = Literal["applied", "noted", "repeated", "late", "unknown"]
"""`noted`: written down, nothing to change. `late`: for a step that is over.

`unknown`: no such notification.
"""


def apply(
    connection: sa.Connection, note_id: str, step: int, given: Receipt, now: float, *, fault: Fault
) -> Effect:
    """Takes one report about the message of one step. `fault` says what follows if the message is lost.

    A report also repairs "sent, but never recorded": it carries our id and the provider's.
    """
    found = (
        connection.execute(sa.select(note).where(note.c.id == note_id).with_for_update()).mappings().first()
    )
    if found is None:
        return "unknown"
    if not _write(connection, note_id, step, given, now):
        return "repeated"
    row = notes.read_note(found)
    if row.step != step or row.state in ("armed", "unclaimed", "done", "cancelled"):
        return "late"
    if row.state == "dead" and row.accepted is not None:
        return "late"  # it had arrived, and nobody took the callback over
    if given.arrived:
        return _applied(notes.arrived(connection, _fenced(connection, row), given.status, now))
    if row.state == "dead" or (row.sid is not None and row.sid != given.sid):
        return "late"
    if given.lost:
        if not _ours(row):
            return "late"
        return _applied(notes.lost(connection, _fenced(connection, row), fault, now))
    if row.state == "due" and row.open and row.sid is None:
        fenced = _fenced(connection, row)
        return _applied(
            notes.taken(connection, fenced, given.sid, now, poll_in=row.at.confirm, what="reported")
        )
    return "noted"


def _ours(row: NoteRow) -> bool:
    """The message of the current try, not of one that was given up before."""
    return row.state == "waiting" or row.open


def _write(connection: sa.Connection, note_id: str, step: int, given: Receipt, now: float) -> bool:
    values = {"note_id": note_id, "step": step, "sid": given.sid or "", "status": given.status}
    return insert_new(connection, receipt, values | {"code": given.code, "at": now})


def _fenced(connection: sa.Connection, row: NoteRow) -> NoteRow:
    """Takes the row from whoever holds it: the provider's word outranks an outstanding answer."""
    connection.execute(sa.update(note).where(note.c.id == row.note.id).values(claim=note.c.claim + 1))
    return replace(row, claim=row.claim + 1)


def _applied(kept: bool) -> Effect:
    return "applied" if kept else "late"
