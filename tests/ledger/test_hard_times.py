"""What a machine does to a ledger: the file is held, the disk fills, the clock jumps, senders freeze."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.call.ledger_books import LedgerBooks
from callisi_runtime.ledger import CallRow, Ledger, LedgerUnavailable
from callisi_runtime.ledger import facade as facade_module
from callisi_runtime.notify import Pace, Sender

from .conftest import CALL, Clock, make_note
from .mortal import Letterbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from .postgres_server import PostgresServer


def hold(path: str, seconds: float, held: object) -> None:
    """Holds the file's write lock, in a process of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    held.set()  # type: ignore[attr-defined]
    time.sleep(seconds)
    connection.execute("COMMIT")


class Held:
    """Another process has the file."""

    def __init__(self, path: Path, seconds: float) -> None:
        context = multiprocessing.get_context("forkserver")
        self.held = context.Event()
        self.process = context.Process(target=hold, args=(str(path), seconds, self.held))

    async def __aenter__(self) -> None:
        self.process.start()
        await asyncio.to_thread(self.held.wait, 30)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.process.join, 60)


async def whole_call(file: Path, call_id: str) -> list[float]:
    """A call that arms, settles, saves and ends, and how long each of these kept it waiting."""
    ledger = Ledger(f"sqlite:///{file}")
    books = LedgerBooks(ledger, Sender(ledger, {}), call_id, patience=0.1)
    books.safety = lambda: make_note(call_id=call_id)
    note, waits = make_note(call_id=call_id), []
    row = CallRow(call_id, "clara", None, ledger.clock(), "room")
    acts: list[Callable[[], Awaitable[object]]] = [
        lambda: books.begin(row, patience=0.5),
        lambda: books.save("conversing", {}),
        lambda: books.arm(note, 30.0),
        lambda: books.settle(note, outcome="busy", send=True, evidence=None),
    ]
    for act in acts:
        began = time.monotonic()
        await act()
        waits.append(time.monotonic() - began)
    await books.finish("busy", None)
    await ledger.close()
    return waits


@pytest.mark.parametrize(
    ("busy", "held"),
    [(0.2, 1.5), pytest.param(10.0, 30.0, marks=[pytest.mark.slow, pytest.mark.timeout(180)])],
)
async def test_a_held_file_delays_no_call_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: float, held: float
) -> None:
    monkeypatch.setattr(facade_module, "BUSY_SECONDS", busy)
    file = tmp_path / "callisi.db"
    ledger = Ledger(f"sqlite:///{file}")
    await ledger.open()
    async with Held(file, held):
        waits = await whole_call(file, "call-1")
    assert max(waits) < 5.0, "the call goes on without its books"
    async with asyncio.timeout(60):
        while [row.state for row in await ledger.notifications() if row.note.id == "call-1:no_answer"] != [
            "due"
        ]:
            await asyncio.sleep(0.1)
    assert (await ledger.call("call-1")) is not None
    await ledger.close()


SMALL_DISK = """
import asyncio, resource, sys
from callisi_runtime.ledger import CallRow, Ledger, LedgerUnavailable

async def main():
    ledger = Ledger(sys.argv[1])
    await ledger.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for number in range(1000):
        try:
            await ledger.begin_call(CallRow(f"call-{number}", "clara", None, 1.0, "x" * 200))
        except LedgerUnavailable as error:
            print(number, error)
            return
asyncio.run(main())
"""


async def test_a_disk_that_fills_is_one_sentence_and_keeps_what_was_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/callisi.db"
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", SMALL_DISK, url], capture_output=True, text=True, check=False
    )
    written, _, sentence = done.stdout.partition(" ")
    assert "the database did not do its work" in sentence, done.stderr
    ledger = Ledger(url)
    assert len(await ledger.calls(limit=2000)) == int(written)
    await ledger.begin_call(CALL)
    await ledger.close()


async def test_a_clock_that_jumps_back_an_hour_delays_nothing(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    await ledger.begin_call(CALL)
    await ledger.arm(make_note(), due_in=30)
    clock.advance(-3600)
    box = Letterbox(tmp_path / "letters")
    sender = Sender(ledger, {"sms": box}, pace=Pace())
    assert await sender.drain() == 0, "thirty seconds have not passed"
    clock.advance(31)
    assert await sender.drain() == 1
    assert box.lines() == ["call-1:no_answer"]


def slow_sender(url: str, letters: Path, claimed: object) -> None:
    """Claims, and is frozen before it can send."""

    async def run() -> None:
        ledger = Ledger(url)
        (row,) = await ledger.claim(1, lease=1.0)
        claimed.set()  # type: ignore[attr-defined]
        await asyncio.sleep(0.2)  # frozen somewhere in here
        kept = await ledger.taken(row, "late", poll_in=None)
        letters.with_suffix(".kept").write_text(str(kept))

    asyncio.run(run())


async def test_a_sender_that_is_frozen_longer_than_its_lease_changes_nothing_when_it_wakes(
    url: str, tmp_path: Path
) -> None:
    ledger, letters = Ledger(url), tmp_path / "letters"
    await ledger.open()
    await ledger.begin_call(CALL)
    await ledger.arm(make_note(), due_in=-1)
    context = multiprocessing.get_context("forkserver")
    claimed = context.Event()
    frozen = context.Process(target=slow_sender, args=(url, letters, claimed))
    frozen.start()
    assert await asyncio.to_thread(claimed.wait, 100), "a busy machine takes its time to start a process"
    os.kill(frozen.pid or 0, signal.SIGSTOP)
    pace = Pace(lease=20.0, poll=0.1, rest=0.1)
    async with asyncio.timeout(60):
        while not Letterbox(letters).lines():
            await Sender(ledger, {"sms": Letterbox(letters)}, pace=pace).drain(1.0)
    os.kill(frozen.pid or 0, signal.SIGCONT)
    await asyncio.to_thread(frozen.join, 30)
    (row,) = await ledger.notifications()
    assert (row.state, row.sid) == ("done", "call-1:no_answer")
    assert letters.with_suffix(".kept").read_text() == "False"
    assert Letterbox(letters).lines() == ["call-1:no_answer"]
    await ledger.close()


@pytest.mark.postgres
async def test_a_server_that_restarts_mid_call_loses_nothing(postgres: PostgresServer) -> None:
    ledger = Ledger(postgres.fresh_database())
    await ledger.open()
    books = LedgerBooks(ledger, Sender(ledger, {}), "call-1", patience=0.1)
    await books.begin(CALL, patience=5.0)
    postgres.stop("immediate")
    with pytest.raises(LedgerUnavailable):
        await ledger.call("call-1")
    began = time.monotonic()
    await books.arm(make_note(), 30.0)
    await books.settle(make_note(), outcome="busy", send=True, evidence=None)
    assert time.monotonic() - began < 5.0, "the call goes on"
    postgres.start()
    await books.finish("busy", None)
    assert [(row.note.id, row.state) for row in await ledger.notifications()] == [("call-1:no_answer", "due")]
    await ledger.close()
