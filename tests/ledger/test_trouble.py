"""Locked, full, read-only, gone: the ledger says so in a sentence, and the call's event loop never waits."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.ledger import Ledger, LedgerUnavailable
from callisi_runtime.ledger import facade as facade_module

from .conftest import CALL, make_note

if TYPE_CHECKING:
    from pathlib import Path

    from .postgres_server import PostgresServer


async def lag(seconds: float) -> float:
    """How much later than asked the event loop comes round, in seconds; nineteen times of twenty.

    The rest is left to a machine on which others work as well.
    """
    loop, late = asyncio.get_running_loop(), []
    end = loop.time() + seconds
    while loop.time() < end:
        before = loop.time()
        await asyncio.sleep(0.005)
        late.append(loop.time() - before - 0.005)
    return sorted(late)[len(late) * 19 // 20]


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    path = tmp_path / "callisi.db"
    ledger = Ledger(f"sqlite:///{path}")
    await ledger.open()
    await ledger.begin_call(CALL)
    await ledger.close()
    return path


async def test_a_locked_file_delays_the_database_but_not_the_call(file: Path) -> None:
    ledger = Ledger(f"sqlite:///{file}")
    await ledger.call("call-1")
    lock = sqlite3.connect(file, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    arming = asyncio.create_task(ledger.arm(make_note(), due_in=30))
    worst = await lag(1.0)
    assert not arming.done()
    lock.execute("COMMIT")
    lock.close()
    await arming
    assert worst < 0.02, "the loop goes on"
    assert len(await ledger.notifications()) == 1
    await ledger.close()


async def test_opening_a_current_ledger_waits_for_nobody(file: Path) -> None:
    lock = sqlite3.connect(file, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    ledger = Ledger(f"sqlite:///{file}")
    async with asyncio.timeout(5):
        await ledger.open()
    lock.close()
    await ledger.close()


async def test_a_file_locked_for_too_long_is_one_sentence(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facade_module, "BUSY_SECONDS", 0.2)
    ledger = Ledger(f"sqlite:///{file}")
    lock = sqlite3.connect(file, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="the database did not do its work, got database is locked"):
        await ledger.arm(make_note(), due_in=30)
    lock.close()
    await ledger.arm(make_note(), due_in=30)
    await ledger.close()


async def test_stuck_writers_leave_the_other_threads_alone(file: Path) -> None:
    ledger = Ledger(f"sqlite:///{file}")
    lock = sqlite3.connect(file, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    stuck = [asyncio.create_task(ledger.add_event("call-1", 1.0, "x", {})) for _ in range(40)]
    await asyncio.sleep(0)
    started = time.monotonic()
    await asyncio.to_thread(lambda: None)
    assert time.monotonic() - started < 1.0, "names are resolved in these threads"
    lock.close()
    await asyncio.gather(*stuck)
    assert len(await ledger.timeline("call-1")) == 40
    await ledger.close()


async def test_a_full_disk_loses_only_what_did_not_fit(file: Path) -> None:
    ledger = Ledger(f"sqlite:///{file}")
    await ledger.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1").close())
    with pytest.raises(LedgerUnavailable, match="database or disk is full"):
        await ledger.end_call("call-1", outcome="x", transcript=["a" * 1_000_000])
    assert (await ledger.call("call-1")) == CALL
    await ledger.close()


async def test_a_database_that_turned_read_only_is_one_sentence(file: Path) -> None:
    ledger = Ledger(f"sqlite:///{file}")
    await ledger.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only=1").close())
    with pytest.raises(LedgerUnavailable, match="attempt to write a readonly database"):
        await ledger.arm(make_note(), due_in=30)
    await ledger.close()


async def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "callisi.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(LedgerUnavailable, match="file is not a database"):
        await Ledger(f"sqlite:///{tmp_path}/callisi.db").open()


@pytest.mark.skipif(os.getuid() == 0, reason="root writes everywhere")
async def test_a_read_only_file_is_one_sentence(file: Path) -> None:
    file.chmod(0o400)
    with pytest.raises(Exception, match="cannot be opened for writing"):
        await Ledger(f"sqlite:///{file}").open()


def test_a_ledger_made_before_a_process_starts_opens_its_own_connection(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/callisi.db")
    asyncio.run(_open(ledger))
    child = multiprocessing.get_context("fork").Process(target=_use, args=(ledger,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert [event.kind for event in asyncio.run(ledger.timeline("call-1"))] == ["from the child"]
    asyncio.run(ledger.close())


async def _open(ledger: Ledger) -> None:
    await ledger.open()
    await ledger.begin_call(CALL)


def _use(ledger: Ledger) -> None:
    asyncio.run(ledger.add_event("call-1", 1.0, "from the child", {}))


def test_a_note_travels_between_processes() -> None:
    note = make_note()
    assert pickle.loads(pickle.dumps(note)) == note


@pytest.mark.postgres
async def test_a_database_server_that_crashes_mid_call_is_used_again_when_it_is_back(
    postgres: PostgresServer,
) -> None:
    ledger = Ledger(postgres.fresh_database())
    await ledger.open()
    await ledger.begin_call(CALL)
    postgres.stop("immediate")
    with pytest.raises(LedgerUnavailable):
        await ledger.arm(make_note(), due_in=30)
    postgres.start()
    await ledger.arm(make_note(), due_in=30)
    assert [row.state for row in await ledger.notifications()] == ["armed"]
    await ledger.close()


async def test_a_database_server_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(LedgerUnavailable, match="the database did not do its work") as caught:
        await Ledger("postgresql://callisi:geheim@127.0.0.1:9/callisi").open()
    assert "geheim" not in str(caught.value)
