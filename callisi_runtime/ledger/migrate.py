"""Numbered migrations. Any number of processes may start them at once; a newer schema is refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from callisi_runtime.errors import CallisiError, Problem
from callisi_runtime.ledger.engine import in_memory
from callisi_runtime.ledger.schema import inbound, meta, note_due, version

if TYPE_CHECKING:
    from collections.abc import Callable


def _staff_answers(connection: sa.Connection) -> None:
    """Who took a callback over, messages that only inform, and what staff wrote."""
    for column in (
        "callisi_obligation ADD COLUMN claimed_by VARCHAR(128)",
        "callisi_obligation ADD COLUMN claimed_at DOUBLE PRECISION",
        "callisi_note ADD COLUMN kind VARCHAR(10) NOT NULL DEFAULT 'callback'",
        "callisi_note ADD COLUMN escalate DOUBLE PRECISION",
    ):
        connection.exec_driver_sql(f"ALTER TABLE {column}")
    note_due.drop(connection)  # its condition names the states in which a note lives, and there is a new one
    note_due.create(connection)
    inbound.create(connection)


def _carrier_ids(connection: sa.Connection) -> None:
    """The carrier's id of a call, by which its log, its price and its alerts are found."""
    connection.exec_driver_sql("ALTER TABLE callisi_call ADD COLUMN carrier_id VARCHAR(64)")
    connection.exec_driver_sql("CREATE INDEX ix_callisi_call_carrier_id ON callisi_call (carrier_id)")


MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {2: _staff_answers, 3: _carrier_ids}
"""n -> the change that leads from schema n-1 to n.

A fresh database is made whole from `schema.py` instead.
"""

SCHEMA = 3
"""The schema that this code reads and writes."""

ADVISORY_LOCK = 20_261_122
"""PostgreSQL: one migrator at a time."""


def migrate(engine: sa.Engine) -> None:
    """Brings the database to SCHEMA. Raises CallisiError when a newer callisi has written it."""
    if engine.dialect.name == "sqlite" and not in_memory(engine.url):
        _switch_to_wal(engine)
    if _is_current(engine):
        return
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
        step_up(connection)


def step_up(connection: sa.Connection, target: int = SCHEMA) -> None:
    """All steps in one transaction, with the lock held: it happens whole or not at all."""
    if not sa.inspect(connection).has_table(version.name):
        meta.create_all(connection)
        connection.execute(version.insert().values(number=target))
        return
    found = connection.execute(sa.select(version.c.number)).scalar_one()
    if found > target:
        raise CallisiError(
            Problem(
                "the database was written by a newer callisi",
                code="newer-schema",
                got=f"schema {found}",
                allowed=f"up to {target}",
                hint="update callisi on this machine, or use another database",
            )
        )
    for number in range(found + 1, target + 1):
        MIGRATIONS[number](connection)
    if found < target:
        connection.execute(version.update().values(number=target))


def _is_current(engine: sa.Engine) -> bool:
    """A look without a lock: every call's process opens the ledger, and almost none has anything to do."""
    with engine.connect().execution_options(reading=True) as connection:
        if not sa.inspect(connection).has_table(version.name):
            return False
        return connection.execute(sa.select(version.c.number)).scalar() == SCHEMA


def _switch_to_wal(engine: sa.Engine) -> None:
    """WAL is a property of the file; switching needs it alone for a moment, which other starters may deny."""
    for _ in range(100):
        raw = engine.raw_connection()
        try:
            driver = raw.driver_connection
            assert driver is not None
            if driver.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                return
            driver.execute(
                "PRAGMA auto_vacuum=INCREMENTAL"
            )  # before the first table, or the file never shrinks
            if driver.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal":
                return
        except engine.dialect.dbapi.OperationalError as error:  # type: ignore[union-attr]
            if "locked" not in str(error):
                raise
        finally:
            raw.close()
        time.sleep(0.05)
    raise CallisiError(
        Problem(
            "the database stays locked by another process", code="database-locked", hint="stop that process"
        )
    )
