"""Calls and notifications as commands print them: one JSON shape, documented in docs/ledger.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from callisi_runtime.cli.books import iso_time
from callisi_runtime.ledger.schema import call, note, obligation
from callisi_runtime.phone import masked

if TYPE_CHECKING:
    from callisi_runtime.ledger import AttemptRow, CallRow, EventRow, Ledger, NoteRow


@dataclass(frozen=True, slots=True)
class Promise:
    """How the obligation to one caller stands."""

    opened: float
    closed: float | None
    evidence: str | None
    claimed_by: str | None = None
    """Who calls back: a name of the agent file, or the address that the message went to."""
    claimed_at: float | None = None


@dataclass(frozen=True, slots=True)
class WholeCall:
    """One call with everything the ledger knows about it."""

    call: CallRow
    promise: Promise | None
    notes: Sequence[NoteRow]
    attempts: Mapping[str, Sequence[AttemptRow]] = field(default_factory=dict)
    """Notification id -> what was done about it."""
    timeline: Sequence[EventRow] = ()


async def promises(ledger: Ledger, call_ids: Sequence[str]) -> dict[str, Promise]:
    """The obligations of these calls."""
    found: dict[str, Promise] = {}
    for start in range(0, len(call_ids), 500):
        found |= await ledger.read(_promises, call_ids[start : start + 500])
    return found


async def known_ids(ledger: Ledger, of: str) -> list[str]:
    """The newest ids, for errors and abbreviations: of `call` or `note`."""
    return await ledger.read(_ids, of)


async def whole_call(ledger: Ledger, row: CallRow) -> WholeCall:
    """Read everything about one call."""
    notes = sorted(await ledger.notifications(call_id=row.id), key=lambda one: one.note.created)
    return WholeCall(
        call=row,
        promise=(await promises(ledger, [row.id])).get(row.id),
        notes=notes,
        attempts={one.note.id: await ledger.attempts(one.note.id) for one in notes},
        timeline=await ledger.timeline(row.id),
    )


def call_document(row: CallRow, promise: Promise | None, *, numbers: bool) -> dict[str, Any]:
    """One call of a list."""
    return {
        "id": row.id,
        "agent": row.agent,
        "caller": shown_number(row.caller, numbers=numbers),
        "started": iso_time(row.started),
        "ended": iso_time(row.ended),
        "outcome": row.outcome,
        "phase": row.phase,
        "obligation": promise_document(promise, numbers=numbers),
    }


def promise_document(promise: Promise | None, *, numbers: bool) -> dict[str, Any] | None:
    """The obligation of a call."""
    if promise is None:
        return None
    return {
        "state": "open" if promise.closed is None else "closed",
        "evidence": promise.evidence,
        "opened": iso_time(promise.opened),
        "closed": iso_time(promise.closed),
        "claimed_by": shown_person(promise.claimed_by, numbers=numbers),
        "claimed_at": iso_time(promise.claimed_at),
    }


def note_document(
    row: NoteRow, attempts: Sequence[AttemptRow] | None = None, *, numbers: bool
) -> dict[str, Any]:
    """One notification; with its history when that is given."""
    document: dict[str, Any] = {
        "id": row.note.id,
        "call": row.note.call_id,
        "agent": row.note.agent,
        "reference": row.note.reference,
        "state": row.state,
        "channel": row.at.channel,
        "to": shown_address(row.at.to, numbers=numbers),
        "route": [step.channel for step in row.note.route],
        "tries": row.tries,
        "error": row.error,
        "provider_id": row.sid,
        "created": iso_time(row.note.created),
        "due": iso_time(row.due) if row.state in ("armed", "due", "waiting") else None,
        "accepted": iso_time(row.accepted),
        "closed": iso_time(row.closed),
    }
    if attempts is not None:
        document["attempts"] = [
            {"at": iso_time(one.at), "channel": one.channel, "what": one.what, "info": one.info}
            for one in attempts
        ]
    return document


def whole_document(whole: WholeCall, *, numbers: bool) -> dict[str, Any]:
    """One call with everything."""
    return call_document(whole.call, whole.promise, numbers=numbers) | {
        "epoch": whole.call.epoch,
        "timeline": [{"at": one.at, "kind": one.kind, "data": dict(one.data)} for one in whole.timeline],
        "transcript": None if whole.call.transcript is None else list(whole.call.transcript),
        "notifications": [
            note_document(one, whole.attempts.get(one.note.id, ()), numbers=numbers) for one in whole.notes
        ],
    }


def shown_number(number: str | None, *, numbers: bool) -> str | None:
    """A caller's number, masked unless it was asked for; None when the caller shows none."""
    return number if numbers or number is None else masked(number)


def shown_person(who: str | None, *, numbers: bool) -> str | None:
    """Who calls back: a name as it is, an address masked unless it was asked for."""
    named = who is None or not (who.startswith("+") or "@" in who or "/" in who)
    return who if named else shown_address(who or "", numbers=numbers)


def shown_address(address: str, *, numbers: bool) -> str:
    """A staff's number, mail address or URL, masked unless it was asked for."""
    from callisi_runtime.notify.base import masked as masked_address

    return address if numbers else masked_address(address)


def _promises(connection: sa.Connection, call_ids: Sequence[str]) -> dict[str, Promise]:
    rows = connection.execute(sa.select(obligation).where(obligation.c.call_id.in_(call_ids))).mappings()
    return {
        row["call_id"]: Promise(
            row["opened"], row["closed"], row["evidence"], row["claimed_by"], row["claimed_at"]
        )
        for row in rows
    }


def _ids(connection: sa.Connection, of: str) -> list[str]:
    column, newest = (call.c.id, call.c.started) if of == "call" else (note.c.id, note.c.created)
    return list(connection.execute(sa.select(column).order_by(newest.desc()).limit(20_000)).scalars())
