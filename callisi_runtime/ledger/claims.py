"""Who calls back: a member of staff takes a callback over or gives it back. Each takes an open transaction."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa

from callisi_runtime.ledger import calls, notes
from callisi_runtime.ledger.insert import insert_new
from callisi_runtime.ledger.schema import attempt, inbound, note, obligation
from callisi_runtime.ledger.values import InboundRow, NoteRow

Effect = Literal[
    "claimed", "already", "taken", "freed", "not_yours", "unknown", "repeated", "nothing", "later"
]
"""`later`: kept until the database is back.

`taken`: somebody else has it. `unknown`: no such callback, or one that this person was never told of.
`nothing`: words that mean neither.
"""

SENT = ("sent", "found", "reported", "delivered")
"""Attempts after which somebody may have read the message."""

LOOK_BACK = 7 * 86_400.0
CANDIDATES = 500


def take(connection: sa.Connection, call_id: str, who: str, now: float) -> Effect:
    """The callback is this person's, if it is nobody's. Their word also proves that a message reached them."""
    mine = sa.and_(obligation.c.call_id == call_id, obligation.c.claimed_by.is_(None))
    claimed = sa.update(obligation).where(mine).values(claimed_by=who, claimed_at=now)
    if not connection.execute(claimed).rowcount:
        owner = calls.claimed_by(connection, call_id)
        return "unknown" if owner is None else "already" if owner == who else "taken"
    calls.close_obligation(connection, call_id, "message_delivered", now)
    # A dead letter has found somebody after all: nothing is left for the operator to look at.
    waiting = sa.and_(
        note.c.call_id == call_id, note.c.kind == "callback", note.c.state.in_(("unclaimed", "dead"))
    )
    done = {"state": "done", "due": now, "touched": now, "closed": now, "claim": note.c.claim + 1}
    connection.execute(sa.update(note).where(waiting).values(**done))
    return "claimed"


def hand_back(connection: sa.Connection, call_id: str, who: str, now: float) -> Effect:
    """The callback is nobody's again, and escalates anew where the agent file says so."""
    mine = sa.and_(obligation.c.call_id == call_id, obligation.c.claimed_by == who)
    freed = sa.update(obligation).where(mine).values(claimed_by=None, claimed_at=None)
    if not connection.execute(freed).rowcount:
        return "not_yours"
    done = sa.and_(note.c.call_id == call_id, note.c.state == "done", note.c.escalate.is_not(None))
    for row in connection.execute(sa.select(note).where(done)).mappings().all():
        found = notes.read_note(row)
        again = {"state": "unclaimed", "due": now + (found.note.escalate or 0), "touched": now}
        mine_again = note.c.id == found.note.id
        connection.execute(sa.update(note).where(mine_again).values(closed=None, error=None, **again))
    return "freed"


def owner(connection: sa.Connection, call_id: str) -> str | None:
    """Who calls back; None while nobody does."""
    return calls.claimed_by(connection, call_id)


def told(connection: sa.Connection, note_id: str) -> frozenset[int]:
    """The steps of a notification whose message went out."""
    steps = sa.select(attempt.c.step).where(attempt.c.note_id == note_id, attempt.c.what.in_(SENT))
    return frozenset(connection.execute(steps).scalars())


def callback_for(
    connection: sa.Connection, address: str, reference: str | None, now: float, *, mine: str | None = None
) -> tuple[NoteRow, int] | None:
    """The callback that somebody at this address means, and the step that told them of it.

    The one of that reference; without one, the latest that is still free, or that is `mine` already.
    """
    recent = sa.select(note).where(note.c.kind == "callback", note.c.created >= now - LOOK_BACK)
    if reference is not None:
        recent = recent.where(note.c.reference == reference)
    rows = connection.execute(recent.order_by(note.c.created.desc()).limit(CANDIDATES)).mappings().all()
    first = None
    for row in rows:
        found = notes.read_note(row)
        here = [index for index, step in enumerate(found.note.route) if bare(step.to) == bare(address)]
        read = told(connection, found.note.id) if here else frozenset()
        step = next((index for index in here if index in read), None)
        if step is None:
            continue
        first = first or (found, step)
        if reference is not None or calls.claimed_by(connection, found.note.call_id) == mine:
            return found, step
    return first


def bare(address: str) -> str:
    """An address without the channel in front."""
    return address.removeprefix("whatsapp:").strip().lower()


def by_reference(connection: sa.Connection, reference: str) -> list[NoteRow]:
    """Callbacks of this reference, newest first: it is short, and may come again after months."""
    rows = sa.select(note).where(note.c.reference == reference, note.c.kind == "callback")
    found = connection.execute(rows.order_by(note.c.created.desc()).limit(10)).mappings()
    return [notes.read_note(row) for row in found]


def expects_answers(connection: sa.Connection, since: float) -> list[str]:
    """The senders of messages that went out since then and whose callback nobody has taken over."""
    rows = connection.execute(
        sa.select(note)
        .join(obligation, obligation.c.call_id == note.c.call_id)
        .where(note.c.kind == "callback", note.c.sent >= since, obligation.c.claimed_at.is_(None))
        .limit(CANDIDATES)
    ).mappings()
    steps = (notes.read_note(row).at for row in rows)
    return sorted({f"{step.channel} {step.sender or ''}" for step in steps})


def write_inbound(connection: sa.Connection, row: InboundRow) -> bool:
    """Writes a message down; False when it is known."""
    values = {"sid": row.sid, "at": row.at, "sender": row.sender, "body": row.body, "effect": row.effect}
    return insert_new(connection, inbound, values | {"note_id": row.note_id})


def forget_inbound(connection: sa.Connection, sid: str) -> None:
    """Deletes a message: it is written down elsewhere."""
    connection.execute(sa.delete(inbound).where(inbound.c.sid == sid))


def set_effect(connection: sa.Connection, sid: str, effect: Effect) -> None:
    """Writes what a message brought about."""
    connection.execute(sa.update(inbound).where(inbound.c.sid == sid).values(effect=effect))


def received(connection: sa.Connection, since: float, limit: int) -> list[InboundRow]:
    """Messages that came in at `since` or later, newest first."""
    rows = sa.select(inbound).where(inbound.c.at >= since).order_by(inbound.c.at.desc()).limit(limit)
    return [InboundRow(**row) for row in connection.execute(rows).mappings()]
