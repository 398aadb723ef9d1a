"""What the ledger proves about an agent's line: when it last answered, put somebody through, and reached staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from callisi_runtime.doctor.ledger import reading_engine, sqlite_file
from callisi_runtime.ledger.schema import attempt, call, event, note, obligation, version

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Evidence:
    """Moments in Unix seconds; None: it never happened."""

    answered: float | None = None
    """The agent said something to a caller."""
    dialled: float | None = None
    """A person was dialled."""
    put_through: float | None = None
    """A person took a call."""
    sent: Mapping[str, float] | None = None
    """Channel -> when the provider last took a message."""
    delivered: Mapping[str, float] | None = None
    """Channel -> when a message last arrived."""


def look_for_evidence(url: str, agent: str) -> Evidence:
    """What the ledger says about an agent; nothing is written.

    Args:
        url: The database.
        agent: The agent's name.

    Raises:
        sqlalchemy.exc.SQLAlchemyError, OSError: It cannot be read.
    """
    file = sqlite_file(url)
    if file is not None and not file.exists():
        return Evidence()
    engine = reading_engine(url)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table(version.name):
                return Evidence()
            return Evidence(
                answered=last_event(connection, agent, "event.Said"),
                dialled=last_event(connection, agent, "effect.Dial", "effect.Refer"),
                put_through=last_put_through(connection, agent),
                sent=last_attempts(connection, agent, "sent", "found", "reported"),
                delivered=last_attempts(connection, agent, "delivered"),
            )
    finally:
        engine.dispose()


def last_event(connection: sa.Connection, agent: str, *kinds: str) -> float | None:
    """When one of these moments last was in a call of this agent."""
    query = (
        sa.select(sa.func.max(call.c.started + event.c.at))
        .select_from(event.join(call, call.c.id == event.c.call_id))
        .where(call.c.agent == agent, event.c.kind.in_(kinds))
    )
    return seconds(connection.execute(query).scalar_one())


def last_put_through(connection: sa.Connection, agent: str) -> float | None:
    """When a person last took a call."""
    query = (
        sa.select(sa.func.max(obligation.c.closed))
        .select_from(obligation.join(call, call.c.id == obligation.c.call_id))
        .where(call.c.agent == agent, obligation.c.evidence == "accepted_by_person")
    )
    return seconds(connection.execute(query).scalar_one())


def last_attempts(connection: sa.Connection, agent: str, *what: str) -> dict[str, float]:
    """Channel -> when this last became of a message about a call."""
    query = (
        sa.select(attempt.c.channel, sa.func.max(attempt.c.at))
        .select_from(attempt.join(note, note.c.id == attempt.c.note_id))
        .where(note.c.agent == agent, attempt.c.what.in_(what))
        .group_by(attempt.c.channel)
    )
    return {str(channel): float(at) for channel, at in connection.execute(query)}


def seconds(found: float | None) -> float | None:
    """A moment, or None."""
    return None if found is None else float(found)
