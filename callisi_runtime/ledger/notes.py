"""The outbox: arm, settle, claim, and what a claimed notification can become. Each takes an open transaction.

    armed --settle(send)--> due            armed --settle(no)--> cancelled
    armed --its time comes--> due          the call's process died: a dead man's switch
    due --taken, a report will come--> waiting          due --taken, no report exists--> done
    due --refused, or tries used up--> next step, or dead
    waiting --arrived, or enough time--> done           waiting --lost--> due again, next step, or dead
    done, but to be taken over--> unclaimed --nobody does--> next step, or dead

One column, `due`, is the only clock: a claim pushes it out by the lease, so that the rows of a sender that
died come back by themselves. `claim` is the fencing token: a sender that froze and woke up late records
nothing. `open` says that an attempt was begun whose end is unknown: whoever claims the row again looks at
the provider before sending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from callisi_runtime.ledger import calls
from callisi_runtime.ledger.insert import insert_new
from callisi_runtime.ledger.schema import LIVE, attempt, note, obligation
from callisi_runtime.ledger.values import Fault, Note, NoteRow, NoteState, Step, safety_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLOCK_SKEW = 120.0
"""Seconds by which two machines may disagree.

A row written further in the future means the clock was set back.
"""

INFO_LENGTH = 500
UNCLAIMED = "nobody took the callback over"


def arm(connection: sa.Connection, new: Note, due: float, now: float) -> bool:
    """Writes the notification, to be sent at `due` unless it is settled before.

    False when its id is known.
    """
    values = {
        "id": new.id,
        "call_id": new.call_id,
        "agent": new.agent,
        "kind": new.kind,
        "escalate": new.escalate,
        "reference": new.reference,
        "body": dict(new.body),
        "route": [step.as_json() for step in new.route],
        "state": "armed",
        "due": due,
        "touched": now,
        "created": now,
    }
    return insert_new(connection, note, values)


def wanted_again(connection: sa.Connection, note_id: str, due: float, now: float) -> None:
    """Arms what was cancelled while its caller is still owed it.

    A process died between two writes, and its successor has not seen the second.
    """
    owed = sa.select(obligation.c.call_id).where(obligation.c.closed.is_(None))
    cancelled = sa.and_(
        note.c.id == note_id, note.c.state == "cancelled", note.c.sent.is_(None), note.c.call_id.in_(owed)
    )
    connection.execute(
        sa.update(note).where(cancelled).values(state="armed", due=due, touched=now, closed=None)
    )


def postpone(connection: sa.Connection, call_id: str, due: float, now: float) -> None:
    """Pushes the dead man's switch out: another person is being dialled."""
    connection.execute(
        sa.update(note).where(note.c.call_id == call_id, note.c.state == "armed").values(due=due, touched=now)
    )


def release(
    connection: sa.Connection,
    call_id: str,
    now: float,
    *,
    body: Mapping[str, object] | None = None,
    note_id: str | None = None,
) -> None:
    """The armed notification goes out now, with the final body; without an id, every armed one of the call.

    A switch that has fired already is left alone. The safety note never goes out like this.
    """
    which = note.c.id != safety_id(call_id) if note_id is None else note.c.id == note_id
    armed = sa.and_(note.c.call_id == call_id, note.c.state == "armed", which)
    values: dict[str, object] = {"state": "due", "due": now, "touched": now}
    if body is not None:
        values["body"] = dict(body)
    connection.execute(sa.update(note).where(armed).values(**values))


def cancel(connection: sa.Connection, which: sa.ColumnElement[bool], now: float) -> None:
    """These notifications are not wanted any more: they never go out, as long as no attempt has begun."""
    unsent = sa.or_(note.c.state == "armed", sa.and_(note.c.state == "due", sa.not_(note.c.open)))
    connection.execute(
        sa.update(note)
        .where(which, unsent)
        .values(state="cancelled", claim=note.c.claim + 1, due=now, touched=now, closed=now)
    )


# ---- claiming ------------------------------------------------------------------------------------------


def anything_ready(connection: sa.Connection, now: float) -> bool:
    """A read-only look, so that an idle queue never takes the write lock."""
    waiting = sa.and_(LIVE, sa.or_(note.c.due <= now, note.c.touched > now + CLOCK_SKEW))
    return connection.execute(sa.select(note.c.id).where(waiting).limit(1)).first() is not None


def claim(
    connection: sa.Connection, limit: int, lease: float, now: float, note_id: str | None = None
) -> list[NoteRow]:
    """Takes up to `limit` ready notifications, or that one, for `lease` seconds.

    Two senders never share one.
    """
    _follow_the_clock(connection, now)
    ready = sa.and_(LIVE, note.c.due <= now)
    if note_id is not None:
        ready = sa.and_(ready, note.c.id == note_id)
    # Materialised: a bare subselect may be run several times by PostgreSQL's planner and exceed the limit.
    pick = (
        sa.select(note.c.id)
        .where(ready)
        .order_by(note.c.due)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("pick")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    rows = connection.execute(
        sa.update(note)
        .where(note.c.id.in_(sa.select(pick.c.id)))
        .values(
            due=now + lease,
            touched=now,
            claim=note.c.claim + 1,
            doubt=note.c.open,
            open=sa.case((note.c.state.in_(("waiting", "unclaimed")), note.c.open), else_=sa.true()),
            state=sa.case((note.c.state == "armed", "due"), else_=note.c.state),
        )
        .returning(note)
    )
    return [read_note(row) for row in rows.mappings()]


def _follow_the_clock(connection: sa.Connection, now: float) -> None:
    """The clock was set back: what was to come in n seconds still comes in n seconds, not an hour later."""
    connection.execute(
        sa.update(note)
        .where(LIVE, note.c.touched > now + CLOCK_SKEW)
        .values(due=note.c.due - note.c.touched + now, touched=now)
    )


# ---- what becomes of a claimed notification ------------------------------------------------------------


def taken(
    connection: sa.Connection, row: NoteRow, sid: str | None, now: float, *, poll_in: float | None, what: str
) -> bool:
    """The provider took the message.

    `poll_in` None: no report will ever come, so this is all there is to know.
    """
    final = poll_in is None
    reached = final or row.at.accept == "sent"
    kept = _record(
        connection,
        row,
        now,
        what,
        sid,
        sid=sid,
        sent=now,
        accepted=now if reached else None,
        open=False,
        looks=0,
        error=None,
        **(_end(connection, row, now) if poll_in is None else {"state": "waiting", "due": now + poll_in}),
    )
    if kept and reached and row.note.kind == "callback":
        calls.close_obligation(connection, row.note.call_id, "message_accepted", now)
    return kept


def arrived(connection: sa.Connection, row: NoteRow, status: str, now: float, *, proven: bool = True) -> bool:
    """The provider reports arrival, or (`proven=False`) a handing-on that is enough for the agent file."""
    accepted = row.accepted if row.accepted is not None else now
    values = {"accepted": accepted, "open": False, "error": None, **_end(connection, row, now)}
    kept = _record(connection, row, now, "delivered" if proven else "done", status, **values)
    if kept and row.note.kind == "callback":
        evidence = "message_delivered" if proven else "message_accepted"
        calls.close_obligation(connection, row.note.call_id, evidence, now)
    return kept


def _end(connection: sa.Connection, row: NoteRow, now: float) -> dict[str, object]:
    """What becomes of a notification that reached somebody: an end, or a time to take the callback over."""
    after = row.note.escalate
    if after is None or calls.claimed_by(connection, row.note.call_id) is not None:
        return {"state": "done", "due": now, "closed": now}
    return {"state": "unclaimed", "due": now + after, "closed": None}


def unclaimed(connection: sa.Connection, row: NoteRow, now: float) -> NoteState | None:
    """Nobody took the callback over in time: the next step now. The promise stays kept, staff was told.

    After the last step it is open again, and the operator's to look at: a message that nobody acts on calls
    nobody back. Returns the new state, or None when the claim was lost.
    """
    if calls.claimed_by(connection, row.note.call_id) is not None:
        kept = _record(connection, row, now, None, None, state="done", due=now, closed=now)
        return "done" if kept else None
    state: NoteState = "due" if row.step + 1 < len(row.note.route) else "dead"
    values: dict[str, object] = {"state": state, "due": now, "open": False, "looks": 0}
    if state == "due":
        values |= {"step": row.step + 1, "tries": 0, "sid": None, "sent": None, "accepted": None}
    else:
        values |= {"closed": now, "error": UNCLAIMED}
    kept = _record(connection, row, now, "unclaimed", UNCLAIMED, **values)
    if kept and state == "dead":
        calls.reopen_obligation(connection, row.note.call_id)
    return state if kept else None


def still_waiting(connection: sa.Connection, row: NoteRow, poll_in: float, now: float) -> bool:
    """Nothing new: asks again later. No attempt is written."""
    return _record(connection, row, now, None, None, due=now + poll_in)


def looked(connection: sa.Connection, row: NoteRow, rest: float, now: float) -> bool:
    """The provider does not know the message whose answer was lost: it gets `rest` seconds to show it."""
    values = {"looks": row.looks + 1, "due": now + rest, "open": True}
    return _record(connection, row, now, "looked", "not found", **values)


def again(
    connection: sa.Connection, row: NoteRow, fault: Fault, now: float, *, wait: float, unknown: bool
) -> bool:
    """A try failed; the same step is tried again in `wait` seconds, or the next one when its tries are used
    up.

    `unknown`: the message may have gone out, so the next try looks first.
    """
    if row.tries + 1 >= row.at.tries:
        return onward(connection, row, fault.text, "gave up", now)
    looks = row.looks if row.doubt and unknown else 0
    values = {"tries": row.tries + 1, "open": unknown, "due": now + wait, "looks": looks, "error": fault.text}
    return _record(connection, row, now, "retry", fault.text, **values)


def lost(connection: sa.Connection, row: NoteRow, fault: Fault, now: float) -> bool:
    """The provider took the message and lost it: the same step again when that may help, else the next."""
    if fault.again_after is None or row.tries >= fault.times or row.tries + 1 >= row.at.tries:
        return onward(connection, row, fault.text, "undelivered", now)
    values = {
        "state": "due",
        "tries": row.tries + 1,
        "due": now + fault.again_after,
        "sid": None,
        "sent": None,
        "accepted": None,
        "open": False,
        "error": fault.text,
    }
    kept = _record(connection, row, now, "undelivered", fault.text, **values)
    if kept and row.note.kind == "callback":
        calls.reopen_obligation(connection, row.note.call_id)
    return kept


def onward(connection: sa.Connection, row: NoteRow, why: str, what: str, now: float) -> bool:
    """This step is over without success: the next one now, or a dead letter."""
    values: dict[str, object] = {"accepted": None, "open": False, "looks": 0, "due": now, "error": why}
    if row.step + 1 < len(row.note.route):
        values |= {"state": "due", "step": row.step + 1, "tries": 0, "sid": None, "sent": None}
    else:
        # What only informs is no dead letter: no caller waits for it.
        values |= {"state": "dead" if row.note.kind == "callback" else "cancelled", "closed": now}
    kept = _record(connection, row, now, what, why, **values)
    if kept and row.note.kind == "callback":
        calls.reopen_obligation(connection, row.note.call_id)
    return kept


def redrive(connection: sa.Connection, note_id: str, now: float) -> bool:
    """A dead letter starts over at its first step. False when it is not dead."""
    values = {
        "state": "due",
        "step": 0,
        "tries": 0,
        "looks": 0,
        "claim": note.c.claim + 1,
        "due": now,
        "touched": now,
        "sid": None,
        "sent": None,
        "accepted": None,
        "open": False,
        "closed": None,
    }
    dead = (
        sa.update(note).where(note.c.id == note_id, note.c.state == "dead").values(**values).returning(note)
    )
    found = connection.execute(dead).mappings().first()
    if found is None:
        return False
    write_attempt(connection, read_note(found), now, "redriven", None)
    return True


def _record(
    connection: sa.Connection, row: NoteRow, now: float, what: str | None, info: str | None, **values: Any
) -> bool:
    """Writes what became of the row, if it is still ours. The claim in the WHERE is the fence."""
    mine = sa.and_(note.c.id == row.note.id, note.c.claim == row.claim)
    changed = connection.execute(sa.update(note).where(mine).values(touched=now, **values)).rowcount == 1
    if changed and what is not None:
        write_attempt(connection, row, now, what, info)
    return changed


def write_attempt(connection: sa.Connection, row: NoteRow, now: float, what: str, info: str | None) -> None:
    """Adds a line to the notification's history."""
    connection.execute(
        attempt.insert().values(
            note_id=row.note.id,
            at=now,
            step=row.step,
            channel=row.at.channel,
            what=what,
            info=None if info is None else info[:INFO_LENGTH],
        )
    )


def read_note(row: Mapping[Any, Any]) -> NoteRow:
    """The row of `callisi_note` as a value."""
    route: Sequence[Mapping[str, object]] = row["route"]
    return NoteRow(
        note=Note(
            id=row["id"],
            call_id=row["call_id"],
            agent=row["agent"],
            body=row["body"],
            route=tuple(Step.from_json(step) for step in route),
            reference=row["reference"],
            created=row["created"],
            kind=row["kind"],
            escalate=row["escalate"],
        ),
        state=row["state"],
        step=row["step"],
        tries=row["tries"],
        looks=row["looks"],
        claim=row["claim"],
        open=row["open"],
        doubt=row["doubt"],
        due=row["due"],
        sid=row["sid"],
        sent=row["sent"],
        accepted=row["accepted"],
        error=row["error"],
        closed=row["closed"],
    )
