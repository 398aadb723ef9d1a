"""The outcome is known: armed messages go out or never. Takes an open transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callisi_runtime.ledger import notes, safety
from callisi_runtime.ledger.schema import note as table
from callisi_runtime.ledger.values import safety_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa

    from callisi_runtime.ledger.values import Note


def settle(
    connection: sa.Connection,
    call_id: str,
    send: bool,
    now: float,
    *,
    body: Mapping[str, object] | None = None,
    note: Note | None = None,
    evidence: str | None = None,
) -> None:
    """Sends or cancels the note, or every armed one of the call without a note; evidence cancels them all.

    The safety note is never sent here. It rests when a message goes out or on evidence, and stands in again for a
    message that was cancelled without any.
    """
    if send:
        if note is not None and not notes.arm(connection, note, now, now):
            notes.wanted_again(connection, note.id, now, now)
        named = None if note is None else note.id
        notes.release(connection, call_id, now, body=body, note_id=named)
        safety.rest(connection, call_id, now)
        return
    mine = table.c.id != safety_id(call_id)
    if note is not None and evidence is None:
        mine = table.c.id == note.id
    notes.cancel(connection, (table.c.call_id == call_id) & mine, now)
    if evidence is None:
        safety.revive(connection, call_id, now, now + safety.SECONDS)
    else:
        safety.rest(connection, call_id, now)
