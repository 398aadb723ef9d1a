"""Calls, their timeline and their obligations: the statements that write. Each takes an open transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from callisi_runtime.ledger.insert import insert_new
from callisi_runtime.ledger.schema import call, event, obligation
from callisi_runtime.ledger.values import EVIDENCE, CallRow, EventRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MESSAGE_EVIDENCE = ("message_accepted", "message_delivered")


def begin(connection: sa.Connection, row: CallRow, now: float) -> CallRow | None:
    """Writes the call and opens its obligation. Returns the row already there when the call is known."""
    values = {
        "id": row.id,
        "agent": row.agent,
        "caller": row.caller,
        "room": row.room,
        "started": row.started,
        "epoch": row.epoch,
        "phase": row.phase,
        "state": _json(row.state),
        "carrier_id": row.carrier_id,
    }
    if insert_new(connection, call, values):
        insert_new(connection, obligation, {"call_id": row.id, "opened": now})
        return None
    found = connection.execute(sa.select(call).where(call.c.id == row.id)).mappings().one()
    return read_call(found)


def save(
    connection: sa.Connection,
    call_id: str,
    phase: str | None,
    state: Mapping[str, object] | None,
    epoch: int | None,
) -> None:
    """Writes what a successor needs to go on.

    A process with an older epoch no longer owns the call: no change.
    """
    values: dict[str, object] = {}
    if phase is not None:
        values["phase"] = phase
    if state is not None:
        values["state"] = _json(state)
    if epoch is not None:
        values["epoch"] = epoch
    if not values:
        return
    owned = sa.true() if epoch is None else call.c.epoch <= epoch
    connection.execute(sa.update(call).where(call.c.id == call_id, owned).values(**values))


def add_events(connection: sa.Connection, call_id: str, moments: Sequence[EventRow]) -> None:
    """Adds moments to the timeline."""
    rows = [{"call_id": call_id, "at": one.at, "kind": one.kind, "data": _json(one.data)} for one in moments]
    if rows:
        connection.execute(event.insert(), rows)


def end(
    connection: sa.Connection, call_id: str, outcome: str, transcript: Sequence[object] | None, now: float
) -> None:
    """Writes how the call ended. An end already written stays."""
    values: dict[str, object] = {"outcome": outcome, "ended": sa.func.coalesce(call.c.ended, now)}
    if transcript is not None:
        values["transcript"] = list(transcript)
    connection.execute(sa.update(call).where(call.c.id == call_id).values(**values))


def set_outcome(connection: sa.Connection, call_id: str, outcome: str) -> None:
    """Writes the outcome while the call goes on."""
    connection.execute(sa.update(call).where(call.c.id == call_id).values(outcome=outcome))


def close_obligation(connection: sa.Connection, call_id: str, evidence: str, now: float) -> None:
    """Closes the promise on evidence. Evidence already there stays, but `delivered` outranks `accepted`."""
    if evidence not in EVIDENCE:
        raise ValueError(f"not evidence: {evidence!r}, allowed: {', '.join(EVIDENCE)}")
    weaker: sa.ColumnElement[bool] = obligation.c.evidence.is_(None)
    if evidence != "message_accepted":
        weaker = sa.or_(weaker, obligation.c.evidence == "message_accepted")
    connection.execute(
        sa.update(obligation)
        .where(obligation.c.call_id == call_id, weaker)
        .values(evidence=evidence, closed=sa.func.coalesce(obligation.c.closed, now))
    )


def reopen_obligation(connection: sa.Connection, call_id: str) -> None:
    """The message that kept the promise was lost after all: the promise is open again."""
    connection.execute(
        sa.update(obligation)
        .where(obligation.c.call_id == call_id, obligation.c.evidence.in_(MESSAGE_EVIDENCE))
        .values(evidence=None, closed=None)
    )


def claimed_by(connection: sa.Connection, call_id: str) -> str | None:
    """Who has taken the callback over."""
    row = connection.execute(
        sa.select(obligation.c.claimed_by).where(obligation.c.call_id == call_id)
    ).first()
    return None if row is None else row.claimed_by


def read_call(row: Mapping[Any, Any]) -> CallRow:
    """The row of `callisi_call` as a value."""
    return CallRow(
        id=row["id"],
        agent=row["agent"],
        caller=row["caller"],
        started=row["started"],
        room=row["room"],
        epoch=row["epoch"],
        phase=row["phase"],
        state=row["state"],
        outcome=row["outcome"],
        ended=row["ended"],
        transcript=row["transcript"],
        carrier_id=row["carrier_id"],
    )


def _json(value: Mapping[str, object] | None) -> dict[str, object] | None:
    return None if value is None else dict(value)
