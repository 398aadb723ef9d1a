"""One writer of the ledger's benchmark, as a program of its own: `python ledger_writers.py ENGINE URL COUNT WRITER`.

Prints `ready`, waits for a line, writes, and prints the milliseconds each write took as a JSON list. `COUNT` 0 makes
the tables. With `LAGS` as the writer it writes once and prints how late its event loop was meanwhile. Run by an
interpreter that may have nothing but the engine in question, so it imports nothing else.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

Write = Callable[[int], Awaitable[object]]
TICK = 0.002
LAGS = "lags"


async def callisi(url: str, writer: str, make: bool) -> Write:
    """A call, its open promise and its armed message, in one transaction."""
    from callisi_runtime.ledger import CallRow, Ledger, Note, Step, reference_for

    ledger = Ledger(url)
    await ledger.open()

    async def write(number: int) -> object:
        call_id = f"SCL_{writer}_{number}"
        note_id = f"{call_id}:1"
        row = CallRow(id=call_id, agent="clara", caller="+491713920022", started=time.time(), room=call_id)
        body = {"texts": ["Bitte Rückruf an 0171 3920022"], "facts": {"caller": "+491713920022"}}
        route = (Step("sms", "+491713920011"),)
        note = Note(note_id, call_id, "clara", body, route, reference_for(note_id))
        return await ledger.begin_call(row, note)

    return write


async def dbos(url: str, writer: str, make: bool) -> Write:
    """One workflow put into a queue. SQLite as Callisi has it: WAL, written through."""
    import sqlalchemy as sa

    rival: Any = importlib.import_module("dbos")

    if make:
        rival.DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})
        rival.DBOS.launch()
        rival.DBOS.destroy()
    engine = None
    if url.startswith("sqlite"):
        engine = sa.create_engine(url, connect_args={"timeout": 30})

        @sa.event.listens_for(engine, "connect")
        def through(connection: Any, _: object) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")

    client = rival.DBOSClient(system_database_url=url, system_database_engine=engine)

    async def write(number: int) -> object:
        options = {"queue_name": "sms", "workflow_name": "send", "workflow_id": f"{writer}-{number}"}
        return await client.enqueue_async(options, "+491713920011", "Bitte Rückruf an 0171 3920022")

    return write


async def huey(url: str, writer: str, make: bool) -> Write:
    """One task put into a queue. Written through; huey knows no asynchronous way to do it."""
    rival: Any = importlib.import_module("huey")
    queue = rival.SqliteHuey(filename=url.removeprefix("sqlite:///"), fsync=True, timeout=30)

    def send(to: str, body: str) -> None:
        raise NotImplementedError  # nobody runs it here

    put: Any = queue.task()(send)

    async def write(number: int) -> object:
        return put("+491713920011", "Bitte Rückruf an 0171 3920022")

    return write


ENGINES: dict[str, Callable[[str, str, bool], Awaitable[Write]]] = {
    "callisi": callisi,
    "dbos": dbos,
    "huey": huey,
}


async def latencies(write: Write, count: int) -> list[float]:
    """Milliseconds of each write, one after the other without a pause."""
    taken = []
    for number in range(count):
        begin = time.perf_counter()
        await write(number)
        taken.append(1000 * (time.perf_counter() - begin))
    return taken


async def lag(write: Write) -> list[float]:
    """How many milliseconds late the event loop was at most while one write waited, and how long that took."""
    late, ended = 0.0, asyncio.ensure_future(write(0))
    begin = time.perf_counter()
    while not ended.done():
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        late = max(late, time.perf_counter() - due)
    return [1000 * late, 1000 * (time.perf_counter() - begin)]


async def main(engine: str, url: str, count: int, writer: str) -> None:
    """One writer's life."""
    write = await ENGINES[engine](url, writer, count == 0)
    if count and writer != LAGS:
        await write(-1)  # the first one opens connections
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps(await (lag(write) if writer == LAGS else latencies(write, count))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
    sys.stdout.flush()
