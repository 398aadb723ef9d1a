"""What the command line and the web read. Each takes an open transaction and writes nothing."""

from __future__ import annotations

import sqlalchemy as sa

from callisi_runtime.ledger.calls import read_call
from callisi_runtime.ledger.notes import read_note
from callisi_runtime.ledger.schema import LIVE, attempt, call, event, note, obligation
from callisi_runtime.ledger.values import AttemptRow, CallRow, EventRow, Health, NoteRow, ObligationRow

LONGEST_CALL = 4 * 3600.0
LONGEST_DIAL = 90.0
"""Seconds; calls and dials that began earlier are over."""


def calls(connection: sa.Connection, since: float, limit: int) -> list[CallRow]:
    """Calls that started at `since` (Unix seconds) or later, newest first."""
    rows = sa.select(call).where(call.c.started >= since).order_by(call.c.started.desc()).limit(limit)
    return [read_call(row) for row in connection.execute(rows).mappings()]


def calls_of(connection: sa.Connection, agent: str, since: float) -> list[CallRow]:
    """An agent's calls that started at `since` (Unix seconds) or later, or that began before and go on."""
    going_on = sa.and_(call.c.ended.is_(None), call.c.started >= since - LONGEST_CALL)
    rows = sa.select(call).where(call.c.agent == agent, sa.or_(call.c.started >= since, going_on))
    return [read_call(row) for row in connection.execute(rows).mappings()]


def one_call(connection: sa.Connection, call_id: str) -> CallRow | None:
    """The call, or None."""
    row = connection.execute(sa.select(call).where(call.c.id == call_id)).mappings().first()
    return None if row is None else read_call(row)


def timeline(connection: sa.Connection, call_id: str) -> list[EventRow]:
    """The call's moments in their order."""
    rows = sa.select(event).where(event.c.call_id == call_id).order_by(event.c.at, event.c.id)
    return [EventRow(row["at"], row["kind"], row["data"]) for row in connection.execute(rows).mappings()]


def busy_targets(connection: sa.Connection, agent: str, since: float) -> set[int]:
    """The targets of an agent of which a dial was busy at `since` (Unix seconds) or later."""
    moments = (
        sa.select(event.c.call_id, event.c.kind, event.c.data, (call.c.started + event.c.at).label("when"))
        .join(call, call.c.id == event.c.call_id)
        .where(
            call.c.agent == agent,
            call.c.started >= since - LONGEST_CALL,
            call.c.started + event.c.at >= since - LONGEST_DIAL,
            event.c.kind.in_(("effect.Dial", "event.LegFailed")),
        )
        .order_by(event.c.id)
    )
    found: set[int] = set()
    dialled: dict[tuple[str, str], int] = {}
    for call_id, kind, data, when in connection.execute(moments):
        leg = (call_id, str(data.get("leg")))
        if kind == "effect.Dial":
            dialled[leg] = data["target"]
        elif data.get("outcome") == "busy" and when >= since and leg in dialled:
            found.add(dialled[leg])
    return found


def notifications(
    connection: sa.Connection, dead: bool, since: float, call_id: str | None, limit: int
) -> list[NoteRow]:
    """Notifications created at `since` or later, newest first; only the dead ones, or those of one call."""
    rows = sa.select(note).where(note.c.created >= since)
    if dead:
        rows = rows.where(note.c.state == "dead")
    if call_id is not None:
        rows = rows.where(note.c.call_id == call_id)
    rows = rows.order_by(note.c.created.desc(), note.c.id).limit(limit)
    return [read_note(row) for row in connection.execute(rows).mappings()]


def one_note(connection: sa.Connection, note_id: str) -> NoteRow | None:
    """The notification, or None."""
    row = connection.execute(sa.select(note).where(note.c.id == note_id)).mappings().first()
    return None if row is None else read_note(row)


def attempts(connection: sa.Connection, note_id: str) -> list[AttemptRow]:
    """What was done about a notification, in order."""
    rows = sa.select(attempt).where(attempt.c.note_id == note_id).order_by(attempt.c.id)
    return [
        AttemptRow(row["at"], row["step"], row["channel"], row["what"], row["info"])
        for row in connection.execute(rows).mappings()
    ]


def obligations(connection: sa.Connection, open_only: bool, since: float, limit: int) -> list[ObligationRow]:
    """Promises to callers, oldest first."""
    rows = (
        sa.select(obligation, call.c.agent, call.c.caller)
        .join(call, call.c.id == obligation.c.call_id)
        .where(obligation.c.opened >= since)
        .order_by(obligation.c.opened)
        .limit(limit)
    )
    if open_only:
        rows = rows.where(obligation.c.closed.is_(None))
    return [
        ObligationRow(
            row["call_id"],
            row["agent"],
            row["caller"],
            row["opened"],
            row["closed"],
            row["evidence"],
            row["claimed_by"],
            row["claimed_at"],
        )
        for row in connection.execute(rows).mappings()
    ]


def health(connection: sa.Connection, now: float) -> Health:
    """Dead letters, open promises, and how long the oldest due notification has been waiting."""
    dead = sa.select(sa.func.count()).select_from(note).where(note.c.state == "dead")
    promises = sa.select(sa.func.count()).select_from(obligation).where(obligation.c.closed.is_(None))
    oldest = connection.execute(sa.select(sa.func.min(note.c.due)).where(LIVE)).scalar_one()
    return Health(
        dead=connection.execute(dead).scalar_one(),
        open_obligations=connection.execute(promises).scalar_one(),
        overdue=0.0 if oldest is None else max(0.0, now - float(oldest)),
    )


def unfinished(connection: sa.Connection) -> bool:
    """Whether anything is on its way: due or waiting, now or later."""
    on_the_way = sa.select(note.c.id).where(note.c.state.in_(("due", "waiting"))).limit(1)
    return connection.execute(on_the_way).first() is not None
