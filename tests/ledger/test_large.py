"""A ledger of real size: whoever asks about a caller, or has them erased, keeps no call waiting."""

from __future__ import annotations

import asyncio
import time

import pytest
import sqlalchemy as sa

from callisi_runtime.ledger import CallRow, Ledger
from callisi_runtime.ledger.retention import BATCH, erase_caller, export_caller
from callisi_runtime.ledger.schema import attempt, call, event, note, obligation

MINE, THEIRS = "+4930123456", "+4940999999"
OTHERS = 33_000


def fill(connection: sa.Connection, calls: int, mine: int) -> None:
    """`calls` calls with six rows each, every row closed; the first `mine` are one caller's, of which one is owed."""
    ids = [f"call-{number}" for number in range(calls)]
    who = [MINE if number < mine else THEIRS for number in range(calls)]
    times = {"started": 1.0, "ended": 2.0}
    connection.execute(
        call.insert(),
        [
            {"id": one, "agent": "clara", "caller": caller, "room": one, "epoch": 0, **times}
            for one, caller in zip(ids, who, strict=True)
        ],
    )
    connection.execute(
        obligation.insert(),
        [{"call_id": one, "opened": 1.0, "closed": 2.0, "evidence": "served"} for one in ids],
    )
    connection.execute(sa.update(obligation).where(obligation.c.call_id == "call-0").values(closed=None))
    for at in (1.0, 2.0):
        connection.execute(
            event.insert(),
            [{"call_id": one, "at": at, "kind": "event.Said", "data": {"key": "greeting"}} for one in ids],
        )
    fixed = {
        "agent": "clara",
        "reference": "K7Q2",
        "body": {"texts": ["x"]},
        "route": [],
        "state": "cancelled",
    }
    rest = {"due": 1.0, "touched": 1.0, "created": 1.0, "closed": 2.0}
    connection.execute(note.insert(), [{"id": f"{one}:1", "call_id": one, **fixed, **rest} for one in ids])
    connection.execute(
        attempt.insert(),
        [{"note_id": f"{one}:1", "at": 1.0, "step": 0, "channel": "sms", "what": "sent"} for one in ids],
    )


def rows_of(connection: sa.Connection, call_id: str) -> int:
    """How many rows a call still has."""
    named = [table.c.call_id == call_id for table in (event, note, obligation)]
    named += [call.c.id == call_id, attempt.c.note_id == f"{call_id}:1"]
    counts = [sa.select(sa.func.count()).where(one) for one in named]
    return sum(connection.execute(one).scalar_one() for one in counts)


async def write_on(ledger: Ledger, done: asyncio.Event) -> list[float]:
    """Calls that begin meanwhile, and how many seconds each waited for it."""
    waits: list[float] = []
    while not done.is_set():
        began = time.monotonic()
        await ledger.begin_call(CallRow(f"new-{len(waits)}", "clara", THEIRS, 3.0, "room"))
        waits.append(time.monotonic() - began)
        await asyncio.sleep(0.005)
    return waits


@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_a_caller_with_hundreds_of_calls_is_shown_and_erased_while_others_call(url: str) -> None:
    mine = 600
    ledger, other = Ledger(url), Ledger(url)
    await ledger.open()
    await ledger.write(fill, OTHERS + mine, mine)
    done = asyncio.Event()
    writing = asyncio.create_task(write_on(other, done))
    began = time.monotonic()
    shown = await export_caller(ledger, MINE)
    exported = time.monotonic()
    result = await erase_caller(ledger, MINE)
    erased = time.monotonic()
    done.set()
    waits = await writing
    shown_in, erased_in = exported - began, erased - exported
    print(
        f"{6 * (OTHERS + mine)} rows: {mine} calls shown in {shown_in:.2f} s, erased in {erased_in:.2f} s; "
        f"{len(waits)} others began, longest wait {1000 * max(waits):.0f} ms"
    )
    assert (len(shown), len(result.erased), result.kept) == (mine, mine - 1, ("call-0",))
    assert len(waits) > mine / BATCH, "others get in between the batches"
    assert max(waits) < 1.0
    assert await export_caller(ledger, MINE) != []
    assert await ledger.read(rows_of, "call-599") == 0
    await ledger.close()
    await other.close()
