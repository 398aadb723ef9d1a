"""How long things are kept, and a caller's rights: to see what is known about them, and to have it erased."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from callisi_runtime.errors import CallisiError
from callisi_runtime.ledger import moving
from callisi_runtime.ledger.schema import LIVE, call, event, inbound, note, obligation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from callisi_runtime.ledger.facade import Ledger

log = logging.getLogger("callisi.ledger")

DAYS = 90.0
BATCH = 200
"""Calls per transaction: the write lock is held for some 20 ms, so that no call waits."""

PAUSE = 0.05

FIRST_AFTER = 600.0
EVERY = 86_400.0
"""Seconds from the start to the first deletion, and between two."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What became of a caller's calls."""

    erased: tuple[str, ...]
    """Deleted whole."""
    kept: tuple[str, ...]
    """Kept, because somebody still has to call back or a message is on its way; transcripts are deleted."""


async def forget_old(ledger: Ledger, days: float = DAYS, agent: str | None = None) -> int:
    """Deletes calls older than `days`, of one agent or of all, in small batches, and returns how many.

    A call with an open promise, a notification on its way or a dead letter stays, however old it is.
    """
    before, deleted = ledger.clock() - days * 86_400, 0
    while True:
        batch = await ledger.write(_forget_batch, before, agent)
        deleted += batch
        if batch < BATCH:
            await ledger.write(_forget_inbound, before)
            await ledger.write(_give_space_back)
            return deleted
        await asyncio.sleep(PAUSE)


async def forget_daily(
    ledger: Ledger, agent: str, days: float, stop: asyncio.Event, *, first_after: float = FIRST_AFTER
) -> None:
    """Deletes an agent's old calls about once a day, until `stop` is set."""
    wait = first_after
    while not await _stopped_within(stop, wait):
        wait = EVERY
        try:
            deleted = await forget_old(ledger, days, agent)
        except CallisiError as error:
            log.warning("old calls are deleted later: %s", error)
            wait = FIRST_AFTER
        else:
            log.info("%d calls older than %g days deleted", deleted, days)


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def export_caller(ledger: Ledger, caller: str) -> list[dict[str, object]]:
    """Everything that is stored about a caller (E.164), as JSON objects, one per call, oldest first."""
    ids = await ledger.read(_ids_of, caller)
    found: list[dict[str, object]] = []
    for batch in _batches(ids):
        found += await ledger.read(_export, batch)
    return found


async def erase_caller(ledger: Ledger, caller: str) -> Erasure:
    """Deletes a caller's calls, except what an open promise or a message on its way still needs.

    In small batches, so that nobody else's call waits; one that is interrupted is run again.
    """
    erased: list[str] = []
    kept: list[str] = []
    for batch in _batches(await ledger.read(_ids_of, caller)):
        gone, needed = await ledger.write(_erase, batch)
        erased += gone
        kept += needed
        await asyncio.sleep(PAUSE)
    return Erasure(tuple(erased), tuple(kept))


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _ids_of(connection: sa.Connection, caller: str) -> list[str]:
    mine = sa.select(call.c.id).where(call.c.caller == caller).order_by(call.c.started)
    return list(connection.execute(mine).scalars())


def _needed() -> sa.ColumnElement[bool]:
    """Somebody still has to call back, or the operator still has to look."""
    # For each call by itself: a look through all notes takes long where there are many.
    unsettled = sa.or_(LIVE, note.c.state == "dead")
    promise = sa.exists().where(obligation.c.call_id == call.c.id, obligation.c.closed.is_(None))
    letter = sa.exists().where(note.c.call_id == call.c.id, unsettled)
    return sa.or_(promise, letter)


def _forget_batch(connection: sa.Connection, before: float, agent: str | None) -> int:
    old = sa.select(call.c.id).where(call.c.started < before, sa.not_(_needed())).order_by(call.c.started)
    if agent is not None:
        old = old.where(call.c.agent == agent)
    ids = list(connection.execute(old.limit(BATCH)).scalars())
    if ids:
        moving.forget(connection, *ids)
    return len(ids)


def _forget_inbound(connection: sa.Connection, before: float) -> None:
    connection.execute(sa.delete(inbound).where(inbound.c.at < before))


def _give_space_back(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA incremental_vacuum").close()


def _export(connection: sa.Connection, ids: Sequence[str]) -> list[dict[str, object]]:
    rows = connection.execute(sa.select(call).where(call.c.id.in_(ids)).order_by(call.c.started)).mappings()
    return [_as_json(moving.read_whole(connection, row)) for row in rows.all()]


def _as_json(whole: moving.WholeCall) -> dict[str, object]:
    return {
        "call": dict(whole.call),
        "obligation": None if whole.obligation is None else dict(whole.obligation),
        "events": [_plain(row) for row in whole.events],
        "notifications": [dict(row) for row in whole.notes],
        "attempts": [_plain(row) for row in whole.attempts],
    }


def _plain(row: Mapping[str, Any]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "id"}


def _erase(connection: sa.Connection, ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of these calls, the ids that were deleted and those that were kept."""
    mine = call.c.id.in_(ids)
    needed = set(connection.execute(sa.select(call.c.id).where(mine, _needed())).scalars())
    kept = [one for one in ids if one in needed]
    erased = [one for one in ids if one not in needed]
    if erased:
        moving.forget(connection, *erased)
    if not kept:
        return erased, kept
    # A call that goes on keeps its state: a successor of its process needs it.
    over = list(
        connection.execute(
            sa.select(call.c.id).where(call.c.id.in_(kept), call.c.ended.is_not(None))
        ).scalars()
    )
    connection.execute(sa.delete(event).where(event.c.call_id.in_(over)))
    connection.execute(
        sa.update(call).where(call.c.id.in_(over)).values(transcript=sa.null(), state=sa.null())
    )
    return erased, kept
