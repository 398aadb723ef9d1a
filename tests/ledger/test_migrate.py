"""Migrations: several processes may start them at once, and a newer schema is refused in one sentence."""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from callisi_runtime.errors import CallisiError
from callisi_runtime.ledger.engine import make_engine
from callisi_runtime.ledger.migrate import MIGRATIONS, SCHEMA, migrate, step_up
from callisi_runtime.ledger.schema import call, inbound, meta, note, obligation, version

if TYPE_CHECKING:
    from collections.abc import Iterator


def found_version(url: str) -> int:
    engine = make_engine(url)
    with engine.connect().execution_options(reading=True) as connection:
        number = connection.execute(sa.select(version.c.number)).scalar_one()
    engine.dispose()
    return int(number)


def test_an_empty_database_becomes_whole(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    assert set(sa.inspect(engine).get_table_names()) == set(meta.tables)
    migrate(engine)
    assert found_version(url) == SCHEMA
    engine.dispose()


def test_six_processes_may_start_at_once(url: str) -> None:
    context = multiprocessing.get_context("forkserver")
    starters = [context.Process(target=_start, args=(url,)) for _ in range(6)]
    for process in starters:
        process.start()
    for process in starters:
        process.join(60)
    assert [process.exitcode for process in starters] == [0] * 6
    assert found_version(url) == SCHEMA


def _start(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()


def test_a_newer_schema_is_refused(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(version.update().values(number=SCHEMA + 1))
    with pytest.raises(
        CallisiError, match=rf"newer callisi, got schema {SCHEMA + 1}, allowed: up to {SCHEMA}; update"
    ):
        migrate(engine)
    engine.dispose()


def _add_mood(connection: sa.Connection) -> None:
    connection.execute(sa.text("alter table callisi_call add column mood varchar(8)"))


@pytest.fixture
def _a_later_schema() -> Iterator[None]:
    MIGRATIONS[SCHEMA + 1] = _add_mood
    yield
    del MIGRATIONS[SCHEMA + 1]


@pytest.mark.usefixtures("_a_later_schema")
def test_an_older_database_takes_the_missing_steps(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    with engine.begin() as connection:
        step_up(connection, SCHEMA + 1)
    assert "mood" in {column["name"] for column in sa.inspect(engine).get_columns("callisi_call")}
    assert found_version(url) == SCHEMA + 1
    engine.dispose()


def test_a_process_killed_inside_a_migration_leaves_nothing_half_done(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    process = multiprocessing.get_context("forkserver").Process(target=_die_inside, args=(url,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert "mood" not in {column["name"] for column in sa.inspect(engine).get_columns("callisi_call")}
    assert found_version(url) == SCHEMA
    engine.dispose()


def _die_inside(url: str) -> None:
    with make_engine(url).begin() as connection:
        connection.execute(sa.text("alter table callisi_call add column mood varchar(8)"))
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_ledger_of_the_first_schema_learns_who_calls_back(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    with engine.begin() as connection:
        for column in (
            "callisi_obligation DROP COLUMN claimed_by",
            "callisi_obligation DROP COLUMN claimed_at",
        ):
            connection.exec_driver_sql(f"ALTER TABLE {column}")
        for column in ("callisi_note DROP COLUMN kind", "callisi_note DROP COLUMN escalate"):
            connection.exec_driver_sql(f"ALTER TABLE {column}")
        connection.exec_driver_sql("DROP TABLE callisi_inbound")
        connection.exec_driver_sql("DROP INDEX ix_callisi_call_carrier_id")
        connection.exec_driver_sql("ALTER TABLE callisi_call DROP COLUMN carrier_id")
        connection.execute(version.update().values(number=1))
    migrate(engine)
    with engine.begin() as connection:
        assert connection.execute(sa.select(obligation.c.claimed_by)).all() == []
        assert connection.execute(sa.select(note.c.kind, note.c.escalate)).all() == []
        assert connection.execute(sa.select(inbound)).all() == []
        assert connection.execute(sa.select(call.c.carrier_id)).all() == []
    engine.dispose()
    assert found_version(url) == SCHEMA
