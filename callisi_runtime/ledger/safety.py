"""The safety note: a caller is owed a message from the first second of the call. Each takes an open transaction.

It is armed with the call's row, and pushed out while the call shows signs of life. It rests while something
better stands in for it: a message of the call that is armed, on its way or arrived, a person who took the call,
a kept promise. Whatever kills the call's process, exactly one of the two is there to go out.
"""

from __future__ import annotations

import sqlalchemy as sa

from callisi_runtime.ledger import notes
from callisi_runtime.ledger.schema import call, note, obligation
from callisi_runtime.ledger.values import Note, safety_id

SECONDS = 60.0
"""After the last sign of life the call counts as broken off."""

TALKING = frozenset({"screening", "greeting", "conversing", "taking_message"})
"""Phases in which nobody but the agent has the caller."""


def watch(
    connection: sa.Connection, given: Note, phase: str | None, epoch: int | None, now: float, due: float
) -> None:
    """A sign of life: the note comes later, with what is known by now, and is armed where nothing stands in.

    A process with an older `epoch` no longer speaks for the call.
    """
    row = connection.execute(sa.select(call.c.epoch).where(call.c.id == given.call_id)).first()
    if row is None or (epoch is not None and row.epoch > epoch):
        return
    mine = note.c.id == given.id
    later = {"due": due, "touched": now, "body": dict(given.body)}
    if connection.execute(sa.update(note).where(mine, note.c.state == "armed").values(**later)).rowcount:
        return
    if phase in TALKING and _needed(connection, given.call_id, after_person=True):
        notes.arm(connection, given, due, now)
        _revive(connection, given.id, now, due)


def rest(connection: sa.Connection, call_id: str, now: float) -> None:
    """Something stands in for the note."""
    notes.cancel(connection, note.c.id == safety_id(call_id), now)


def revive(connection: sa.Connection, call_id: str, now: float, due: float) -> None:
    """What stood in for the note is gone, and the conversation goes on."""
    if _needed(connection, call_id, after_person=False):
        _revive(connection, safety_id(call_id), now, due)


def call_over(connection: sa.Connection, call_id: str, now: float) -> None:
    """The call has ended. The note stays where a caller is owed something and no message was ever written."""
    open_promise = sa.select(obligation.c.call_id).where(
        obligation.c.call_id == call_id, obligation.c.closed.is_(None)
    )
    if connection.execute(open_promise).first() is None or _stood_in(connection, call_id):
        rest(connection, call_id, now)


def known_call(connection: sa.Connection, given: Note | None, now: float, due: float) -> None:
    """A successor has the call: it gets the note's whole time."""
    if given is not None:
        later = sa.update(note).where(note.c.id == given.id, note.c.state == "armed", note.c.due < due)
        connection.execute(later.values(due=due, touched=now))


def _needed(connection: sa.Connection, call_id: str, *, after_person: bool) -> bool:
    """Whether the call goes on and nothing else tells staff of the caller.

    `after_person`: the agent has the caller back from a person who took the call.
    """
    promise: sa.ColumnElement[bool] = obligation.c.closed.is_(None)
    if after_person:
        promise = sa.or_(promise, obligation.c.evidence == "accepted_by_person")
    going_on = (
        sa.select(call.c.id)
        .join(obligation, obligation.c.call_id == call.c.id)
        .where(call.c.id == call_id, call.c.ended.is_(None), promise)
    )
    return connection.execute(going_on).first() is not None and not _stood_in(connection, call_id)


def _stood_in(connection: sa.Connection, call_id: str) -> bool:
    """Whether another message of the call was written and not cancelled."""
    others = sa.select(note.c.id).where(
        note.c.call_id == call_id, note.c.id != safety_id(call_id), note.c.state != "cancelled"
    )
    return connection.execute(others.limit(1)).first() is not None


def _revive(connection: sa.Connection, note_id: str, now: float, due: float) -> None:
    cancelled = sa.and_(note.c.id == note_id, note.c.state == "cancelled", note.c.sent.is_(None))
    connection.execute(
        sa.update(note).where(cancelled).values(state="armed", due=due, touched=now, closed=None)
    )
