"""Which of the carrier's records are ours: what the ledger kept of Twilio's call sids and message sids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from callisi_runtime.ledger.schema import attempt, call, event, note, receipt

LEG_KINDS = ("line.leg_named", "line.leg_published", "event.LegAnswered")
"""The second told the sid in calls of former versions."""
TAKEN = ("sent", "found", "reported")
"""What an attempt is called that left a message with the provider."""


@dataclass(frozen=True, slots=True)
class OwnCall:
    """The call of the ledger that a leg at the carrier belongs to."""

    call: str
    agent: str
    outcome: str | None
    leg: str | None = None
    """The leg to a person; None for the caller's."""


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """The notification of the ledger that a message at the carrier belongs to."""

    note: str
    call: str
    agent: str
    state: str


@dataclass(frozen=True, slots=True)
class Own:
    """Sid at the carrier -> what it is here."""

    calls: Mapping[str, OwnCall] = field(default_factory=dict)
    messages: Mapping[str, OwnMessage] = field(default_factory=dict)
    legs_without_id: int = 0
    """Legs to people that were picked up, and whose sid the line did not tell: their price is not ours to sum."""
    calls_without_id: int = 0
    """Calls whose sid the line did not tell."""


def own_since(connection: sa.Connection, since: float, agent: str | None = None) -> Own:
    """Everything of calls that began since then (Unix seconds), of one agent or of all."""
    of_calls = sa.select(call.c.id, call.c.agent, call.c.outcome, call.c.carrier_id).where(
        call.c.started >= since
    )
    of_notes = sa.select(note.c.id, note.c.call_id, note.c.agent, note.c.state, note.c.sid).where(
        note.c.created >= since
    )
    if agent is not None:
        of_calls, of_notes = of_calls.where(call.c.agent == agent), of_notes.where(note.c.agent == agent)
    known = {row.id: row for row in connection.execute(of_calls)}
    notes = {row.id: row for row in connection.execute(of_notes)}
    calls = {
        row.carrier_id: OwnCall(row.id, row.agent, row.outcome) for row in known.values() if row.carrier_id
    }
    legs, nameless = _legs(connection, known, since)
    return Own(
        calls | legs,
        _messages(connection, notes, since),
        nameless,
        sum(row.carrier_id is None for row in known.values()),
    )


def of_call(connection: sa.Connection, call_id: str, started: float) -> Own:
    """What of it belongs to one call, which began then (Unix seconds)."""
    every = own_since(connection, started)
    return Own(
        {sid: one for sid, one in every.calls.items() if one.call == call_id},
        {sid: one for sid, one in every.messages.items() if one.call == call_id},
    )


def _legs(
    connection: sa.Connection,
    known: Mapping[str, Any],
    since: float,
) -> tuple[dict[str, OwnCall], int]:
    moments = (
        sa.select(event.c.call_id, event.c.kind, event.c.data)
        .join(call, call.c.id == event.c.call_id)
        .where(call.c.started >= since, event.c.kind.in_(LEG_KINDS))
    )
    named: dict[str, OwnCall] = {}
    with_id: set[tuple[str, str]] = set()
    answered: set[tuple[str, str]] = set()
    for call_id, kind, data in connection.execute(moments):
        if call_id not in known:
            continue
        leg, row = str(data.get("leg")), known[call_id]
        if kind == "event.LegAnswered":
            answered.add((call_id, leg))
        elif sid := data.get("carrier_id"):
            named[str(sid)] = OwnCall(row.id, row.agent, row.outcome, leg)
            with_id.add((call_id, leg))
    return named, len(answered - with_id)


def _messages(
    connection: sa.Connection,
    notes: Mapping[str, Any],
    since: float,
) -> dict[str, OwnMessage]:
    """A notification may have been sent more than once: its last sid, those of reports, and those of attempts."""
    pairs = [(row.sid, row.id) for row in notes.values() if row.sid]
    reported = sa.select(receipt.c.sid, receipt.c.note_id).where(receipt.c.at >= since)
    tried = sa.select(attempt.c.info, attempt.c.note_id).where(
        attempt.c.at >= since, attempt.c.what.in_(TAKEN)
    )
    pairs += [(row.sid, row.note_id) for row in connection.execute(reported)]
    pairs += [(row.info, row.note_id) for row in connection.execute(tried) if row.info]
    return {
        sid: OwnMessage(one.id, one.call_id, one.agent, one.state)
        for sid, note_id in pairs
        if (one := notes.get(note_id)) is not None and sid.startswith(("SM", "MM"))
    }
