"""One call, whole, from one database to another. Each takes an open transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from callisi_runtime.ledger.insert import insert_new
from callisi_runtime.ledger.schema import LIVE, attempt, call, event, note, obligation, receipt

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WholeCall:
    """Every row that belongs to one call."""

    call: Row
    obligation: Row | None
    events: Sequence[Row]
    notes: Sequence[Row]
    attempts: Sequence[Row]


def take_out(connection: sa.Connection, call_id: str, stale: float) -> WholeCall | None:
    """The call with all its rows; None while it goes on, or while its notification is on its way.

    A call that never ended goes on unless it started before `stale` (Unix seconds).
    """
    live = connection.execute(sa.select(note.c.id).where(note.c.call_id == call_id, LIVE)).first()
    row = connection.execute(sa.select(call).where(call.c.id == call_id)).mappings().one()
    if live is not None or (row["ended"] is None and row["started"] > stale):
        return None
    return read_whole(connection, row)


def read_whole(connection: sa.Connection, row: Mapping[Any, Any]) -> WholeCall:
    """Every row of the call whose own row is given."""
    of_call = row["id"]
    ids = sa.select(note.c.id).where(note.c.call_id == of_call)
    promise = sa.select(obligation).where(obligation.c.call_id == of_call)
    return WholeCall(
        call=dict(row),
        obligation=next(iter(_rows(connection, promise)), None),
        events=_rows(connection, sa.select(event).where(event.c.call_id == of_call).order_by(event.c.id)),
        notes=_rows(connection, sa.select(note).where(note.c.call_id == of_call)),
        attempts=_rows(
            connection, sa.select(attempt).where(attempt.c.note_id.in_(ids)).order_by(attempt.c.id)
        ),
    )


def put_in(connection: sa.Connection, whole: WholeCall) -> None:
    """Writes the call over what is known of it. Doing it twice changes nothing."""
    _write_over(connection, call, whole.call)
    if whole.obligation is not None:
        _write_over(connection, obligation, whole.obligation)
    known = {
        (row["at"], row["kind"])
        for row in _rows(connection, sa.select(event).where(event.c.call_id == whole.call["id"]))
    }
    for row in whole.events:
        if (row["at"], row["kind"]) not in known:
            connection.execute(event.insert().values(**_without_id(row)))
    for row in whole.notes:
        _write_over(connection, note, row)
    ids = [row["id"] for row in whole.notes]
    tried = {
        (row["note_id"], row["at"], row["what"])
        for row in _rows(connection, sa.select(attempt).where(attempt.c.note_id.in_(ids)))
    }
    for row in whole.attempts:
        if (row["note_id"], row["at"], row["what"]) not in tried:
            connection.execute(attempt.insert().values(**_without_id(row)))


def forget(connection: sa.Connection, *call_ids: str) -> None:
    """Deletes the calls and everything that belongs to them."""
    ids = sa.select(note.c.id).where(note.c.call_id.in_(call_ids))
    for table, condition in (
        (attempt, attempt.c.note_id.in_(ids)),
        (receipt, receipt.c.note_id.in_(ids)),
        (note, note.c.call_id.in_(call_ids)),
        (event, event.c.call_id.in_(call_ids)),
        (obligation, obligation.c.call_id.in_(call_ids)),
        (call, call.c.id.in_(call_ids)),
    ):
        connection.execute(sa.delete(table).where(condition))


def _write_over(connection: sa.Connection, table: sa.Table, row: Row) -> None:
    if not insert_new(connection, table, row):
        (key,) = table.primary_key.columns
        rest = {name: value for name, value in row.items() if name != key.name}
        connection.execute(sa.update(table).where(key == row[key.name]).values(**rest))


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _without_id(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "id"}
