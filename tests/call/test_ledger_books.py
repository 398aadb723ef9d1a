"""A call's books in a database that is locked, slow or away: the call goes on, and what can be written is written."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pytest

from callisi_runtime.call.ledger_books import WRITE_SECONDS, LedgerBooks
from callisi_runtime.call.record import Entry
from callisi_runtime.ledger import CallRow, Ledger, Note, Step
from callisi_runtime.notify import Sender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

ROW = CallRow("SCL_1", "clara", "+4915228817386", 1.0, "room-1")
NOTE = Note("SCL_1:1", ROW.id, "clara", {"texts": ["x"]}, (Step("sms", "+491713920011"),), "K7Q2")


class Counting(Ledger):
    """Counts its transactions that write."""

    writes = 0

    async def write(self, statement: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.writes += 1
        return await super().write(statement, *args, **kwargs)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    made = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    await made.open()
    yield made
    await made.close()


def books_in(ledger: Ledger) -> LedgerBooks:
    return LedgerBooks(ledger, Sender(ledger, {}), ROW.id, patience=1.0)


@pytest.fixture
def lock(tmp_path: Path) -> sqlite3.Connection:
    """Somebody who may lock the file."""
    return sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)


async def test_a_new_call_is_written_and_a_known_one_is_told(ledger: Ledger) -> None:
    assert await books_in(ledger).begin(ROW, patience=2.0) is None
    known = await books_in(ledger).begin(ROW, patience=2.0)
    assert known is not None
    assert known.room == "room-1"


async def test_a_locked_database_does_not_keep_the_caller_waiting(
    ledger: Ledger, lock: sqlite3.Connection
) -> None:
    books = books_in(ledger)
    lock.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    assert await books.begin(ROW, patience=0.3) is None
    await books.save("greeting", {"n": 1})
    assert time.monotonic() - began < 0.3 + WRITE_SECONDS + 1.0
    lock.execute("ROLLBACK")
    lock.close()
    await books.finish("served", None)
    row = await ledger.call(ROW.id)
    assert row is not None
    assert (row.phase, row.state, row.outcome) == ("greeting", {"n": 1}, "served")


async def test_writes_keep_their_order(ledger: Ledger) -> None:
    books = books_in(ledger)
    await books.begin(ROW, patience=2.0)
    await asyncio.gather(*(books.save("conversing", {"n": number}) for number in range(20)))
    row = await ledger.call(ROW.id)
    assert row is not None
    assert row.state == {"n": 19}


async def test_a_dial_waits_for_one_write_and_a_successor_finds_it(tmp_path: Path) -> None:
    counted = Counting(f"sqlite:///{tmp_path / 'ledger.db'}")
    books = books_in(counted)
    books.where = lambda: ("connecting", {"leg": "human-1"})
    await books.begin(ROW, patience=2.0)
    before = counted.writes
    await books.arm(NOTE, 40.0)
    row = await counted.call(ROW.id)
    assert row is not None
    assert (row.phase, row.state) == ("connecting", {"leg": "human-1"})
    assert [note.state for note in await counted.notifications()] == ["armed"]
    assert counted.writes - before == 1
    await counted.close()


async def test_a_call_without_memory_yet_is_armed_all_the_same(ledger: Ledger) -> None:
    books = books_in(ledger)
    await books.begin(ROW, patience=2.0)
    await books.arm(NOTE, 40.0)
    assert [note.state for note in await ledger.notifications()] == ["armed"]


async def test_the_moments_of_a_call_are_one_write(tmp_path: Path) -> None:
    counted = Counting(f"sqlite:///{tmp_path / 'ledger.db'}")
    books = books_in(counted)
    await books.begin(ROW, patience=2.0)
    before = counted.writes
    await books.tell([Entry(at / 10, "event.Said", {"key": "greeting"}) for at in range(20)])
    assert [moment.at for moment in await counted.timeline(ROW.id)] == [at / 10 for at in range(20)]
    assert counted.writes - before == 1
    await counted.close()


async def test_a_woken_predecessor_writes_nothing_and_owns_nothing(ledger: Ledger) -> None:
    old, new = books_in(ledger), books_in(ledger)
    new.epoch = 1
    await old.begin(ROW, patience=2.0)
    await new.save("conversing", {"who": "new"})
    await old.save("connecting", {"who": "old"})
    row = await ledger.call(ROW.id)
    assert row is not None
    assert row.state == {"who": "new"}
    assert await new.owned()
    assert not await old.owned()


async def test_a_ledger_that_cannot_be_read_leaves_the_call_with_its_owner(tmp_path: Path) -> None:
    nowhere = Ledger(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'x.db'}")
    assert await books_in(nowhere).owned()
    await nowhere.close()
