"""Writing a promise down: how long it takes with four writers, and whether a call notices a locked database.

Beside DBOS and huey, when an interpreter has them: `--rivals PYTHON` names one that does.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.report import Report, arguments, finish

if TYPE_CHECKING:
    from tests.ledger.postgres_server import PostgresServer

ROOT = Path(__file__).parent.parent
WRITER = Path(__file__).with_name("ledger_writers.py")
WRITERS = 4
LOCKED = 4.0
"""Seconds for which another program locks the file."""
RIVALS = ("dbos", "huey")
SQLITE_ONLY = ("huey",)
LAST = 60.0


def main() -> int:
    """Measure all of it."""
    parser = arguments(__doc__, rounds=5, prog="python -m benchmarks.ledger")
    parser.add_argument(
        "--rivals", metavar="PYTHON", default=sys.executable, help="an interpreter with dbos, huey"
    )
    parser.add_argument("--writes", type=int, default=300, help="of each writer in each round (300)")
    args = parser.parse_args()
    report = Report("ledger", quiet=args.json)
    interpreters = {"callisi": sys.executable} | {
        name: args.rivals for name in RIVALS if can_import(args.rivals, name)
    }
    for name in RIVALS:
        if name not in interpreters:
            report.skip("enqueue", name, "it is not installed; name an interpreter that has it with --rivals")
    with tempfile.TemporaryDirectory(prefix="callisi-bench-") as folder:
        for database in databases(Path(folder), report):
            enqueue(report, database, interpreters, args.rounds, args.writes)
        locked(report, Path(folder), interpreters, args.rounds)
    return finish(report)


# -- the subjects -------------------------------------------------------------------------------------------------


class Database:
    """A fresh database of one kind, again and again."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fresh(self) -> str:
        """The URL of an empty database."""
        return f"sqlite:///{tempfile.mkdtemp(dir=self.folder)}/bench.db"


def enqueue(
    report: Report, database: Database, interpreters: dict[str, str], rounds: int, writes: int
) -> None:
    """Four processes write as fast as they can; each round every engine, with an empty database."""
    skipped = SQLITE_ONLY if database.name != "SQLite" else ()
    engines = [name for name in interpreters if name not in skipped]
    taken: dict[str, list[list[float]]] = {name: [] for name in engines}
    for number in range(rounds):
        for name in engines[number % len(engines) :] + engines[: number % len(engines)]:
            taken[name].append(storm(interpreters[name], name, database.fresh(), writes))
    for share, what in ((0.5, "median"), (0.99, "p99")):
        mine = [percentile(one, share) for one in taken["callisi"]]
        subject = f"enqueue {what}, {WRITERS} writers, {database.name}"
        report.add(subject, "ms", mine, target=10.0 if (what, database.name) == ("p99", "SQLite") else None)
        for name in engines[1:]:
            theirs = [percentile(one, share) for one in taken[name]]
            report.add(subject, "ms", mine, rival=name, theirs=theirs)


def locked(report: Report, folder: Path, interpreters: dict[str, str], rounds: int) -> None:
    """Another program locks the file for four seconds while a call writes."""
    database = Database(folder)
    late: dict[str, list[float]] = {name: [] for name in [*interpreters, "unlocked"]}
    for _ in range(max(1, rounds // 2)):
        for name, python in interpreters.items():
            late[name].append(loop_lag(python, name, database.fresh(), LOCKED))
        late["unlocked"].append(loop_lag(sys.executable, "callisi", database.fresh(), 0.0))
    subject = f"loop lag while the file is locked for {LOCKED:g} s"
    added = [max(0.0, one - other) for one, other in zip(late["callisi"], late["unlocked"], strict=True)]
    report.add(f"{subject}, added", "ms", added, target=20.0)
    for name in [*interpreters][1:]:
        report.add(subject, "ms", late["callisi"], rival=name, theirs=late[name])


# -- writers ------------------------------------------------------------------------------------------------------


def storm(python: str, engine: str, url: str, writes: int) -> list[float]:
    """Milliseconds of every write of four processes that start together."""
    with start(python, engine, url, 0, "maker") as maker:
        tell(maker)
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(start(python, engine, url, writes, f"w{number}")) for number in range(WRITERS)
        ]
        threads_done: list[list[float]] = []
        for writer in running:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        for writer in running:
            threads_done.append(said(writer))
    return [one for each in threads_done for one in each]


def loop_lag(python: str, engine: str, url: str, seconds: float) -> float:
    """Milliseconds by which the loop of a program was late while it wrote into a file that is locked."""
    with start(python, engine, url, 0, "maker") as maker:
        tell(maker)
    with start(python, engine, url, 1, "lags") as writer, holding(url, seconds):
        late, waited = tell(writer)
    if waited < 900 * seconds:
        raise RuntimeError(f"{engine} did not wait for the lock: {waited:.0f} ms")
    return late


@contextlib.contextmanager
def holding(url: str, seconds: float) -> Iterator[None]:
    """Lock the file for so long, from now on."""
    if not seconds:
        yield
        return
    connection = sqlite3.connect(
        url.removeprefix("sqlite:///"), check_same_thread=False, isolation_level=None
    )
    connection.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(seconds, lambda: connection.execute("ROLLBACK"))
    timer.start()
    try:
        yield
    finally:
        timer.join()
        connection.close()


@contextlib.contextmanager
def start(python: str, engine: str, url: str, count: int, writer: str) -> Iterator[subprocess.Popen[str]]:
    """A writer that is ready."""
    running = subprocess.Popen(
        [python, str(WRITER), engine, url, str(count), writer],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert running.stdout is not None
        for line in running.stdout:
            if line.strip() == "ready":
                break
        else:
            raise RuntimeError(f"the writer of {engine} ended with {running.wait()}")
        yield running
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.communicate(timeout=1.0)
        running.kill()
        running.wait()


def tell(writer: subprocess.Popen[str]) -> list[float]:
    """Let a writer begin; what it says at the end."""
    assert writer.stdin is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()
    return said(writer)


def said(writer: subprocess.Popen[str]) -> list[float]:
    """The list of numbers that a writer prints at its end."""
    assert writer.stdout is not None
    for line in writer.stdout:
        if line.startswith("["):
            return [float(one) for one in json.loads(line)]
    raise RuntimeError("a writer ended without a word")


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


# -- what there is ------------------------------------------------------------------------------------------------


def can_import(python: str, module: str) -> bool:
    """Whether this interpreter has the module."""
    tried = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False, timeout=LAST)
    return tried.returncode == 0


def databases(folder: Path, report: Report) -> Iterator[Database]:
    """SQLite, and PostgreSQL where its server is installed."""
    yield Database(folder)
    from tests.ledger.postgres_server import PostgresServer, binaries

    programs = binaries()
    if programs is None:
        report.skip("enqueue, PostgreSQL", "", "PostgreSQL's server (postgres, initdb) is not installed")
        return
    place = Path(tempfile.mkdtemp(prefix="callisi-pg-", dir="/tmp"))
    server = PostgresServer(place, programs)
    server.start()
    try:
        yield PostgreSQL(folder, server)
    finally:
        server.stop()
        shutil.rmtree(place, ignore_errors=True)


class PostgreSQL(Database):
    """One server of its own that does not wait for the disk, for either side."""

    name = "PostgreSQL"

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        super().__init__(folder)
        self.server = server

    def fresh(self) -> str:
        """See Database."""
        return str(self.server.fresh_database())


if __name__ == "__main__":
    sys.exit(main())
