"""One database by URL: a SQLite file, or PostgreSQL. The differences between the two end in this file."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from callisi_runtime.errors import CallisiError, Problem

BUSY_SECONDS = 10.0
"""How long a writer waits for another process before it gives up."""

FIRST_LOOK, LAST_LOOK = 0.0003, 0.02
"""Seconds between two looks at a locked file: the first, and the longest, which is reached after a second."""
PRIMARY_CODE = 0xFF

OLDEST_SQLITE = (3, 35, 0)
"""The first version with RETURNING."""

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ncpfs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.s3fs",
    }
)


def make_engine(url: str, *, busy: float = BUSY_SECONDS) -> sa.Engine:
    """An engine for `sqlite:///file.db` or `postgresql://user@host/name`.

    Raises CallisiError when the URL is of another kind, when the SQLite library is too old, when the file
    lies on a network file system, or when the PostgreSQL driver is not installed.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, busy)
    return _postgresql(parsed, busy)


def parse_url(url: str) -> sa.URL:
    """The URL, checked to be one of the two kinds."""
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
    except (sa.exc.ArgumentError, ValueError):
        backend = ""
    if backend not in ("sqlite", "postgresql"):
        # The URL is not repeated: it may carry a password.
        raise CallisiError(
            Problem(
                "CALLISI_DATABASE is not a database URL",
                code="bad-database-url",
                allowed="sqlite:///callisi.db, postgresql://user@host/name",
            )
        )
    return parsed


def in_memory(url: sa.URL) -> bool:
    """True for `sqlite://`: a database that ends with the process, for rehearsals."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def _postgresql(url: sa.URL, busy: float) -> sa.Engine:
    try:
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=2,
            max_overflow=3,
            pool_pre_ping=True,
            pool_timeout=busy,
            hide_parameters=True,
            connect_args={
                "connect_timeout": 5,
                "options": "-c statement_timeout=10000 -c lock_timeout=5000",
                # A transaction pooler in between may hand each transaction another server process.
                "prepare_threshold": None,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
            },
        )
    except ModuleNotFoundError as error:
        raise CallisiError(
            Problem(
                "the PostgreSQL driver is not installed",
                code="missing-driver",
                hint="install it with `pip install 'callisi[postgres]'`",
            )
        ) from error


def _sqlite(url: sa.URL, busy: float) -> sa.Engine:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise CallisiError(
            Problem(
                "the SQLite library of this Python is too old",
                code="old-sqlite",
                got=sqlite3.sqlite_version,
                allowed="3.35 or newer",
                hint="use a newer Python image, or a postgresql:// database",
            )
        )
    if in_memory(url):
        # One connection for all threads, or each would see a database of its own.
        engine = sa.create_engine(
            url, connect_args={"check_same_thread": False}, poolclass=sa.StaticPool, hide_parameters=True
        )
    else:
        prepare_file(Path(url.database or ""))
        engine = sa.create_engine(url, connect_args={"timeout": busy}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours, below
        connection.execute(f"PRAGMA busy_timeout={int(busy * 1000)}")
        connection.execute(
            "PRAGMA synchronous=FULL"
        )  # in WAL, NORMAL may lose the last commits at power loss
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # A transaction that starts reading and then writes fails at once when another one wrote in between,
        # whatever the busy timeout. IMMEDIATE takes the write lock first and waits for it.
        driver = connection.connection.driver_connection
        assert driver is not None
        if connection.get_execution_options().get("reading", False):
            driver.execute("BEGIN")
        else:
            begin_writing(driver, busy)

    return engine


def begin_writing(connection: sqlite3.Connection, busy: float) -> None:
    """BEGIN IMMEDIATE, after at most `busy` seconds.

    SQLite's own waiting sleeps up to 100 ms between two looks, and whoever happens to look at the right moment wins:
    of four busy writers one write in a hundred waits for hundreds of milliseconds. So the looking is done here, often
    at first; a file that another program holds for longer is looked at less and less.

    Raises:
        sqlite3.OperationalError: The file stays locked, or cannot be written.
    """
    until, wait = time.monotonic() + busy, FIRST_LOOK
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
            # Not in step with the others, or the same one would always come too late.
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(LAST_LOOK, wait * 1.02)
    finally:
        connection.execute(f"PRAGMA busy_timeout={int(busy * 1000)}")


def prepare_file(path: Path) -> None:
    """Creates the file readable by its owner only; -wal and -shm inherit the mode.

    Refuses network file systems.
    """
    kind = file_system_of(path.resolve())
    if kind in NETWORK_FILE_SYSTEMS:
        raise CallisiError(
            Problem(
                f"the database {path} lies on a network file system, where SQLite's locks do not hold",
                code="network-file-system",
                got=kind,
                hint="put it on a local disk, or use a postgresql:// database",
            )
        )
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        if path.stat().st_uid == os.getuid() and path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise CallisiError(
            Problem(
                f"the database {path} cannot be opened for writing",
                code="database-not-writable",
                got=error.strerror,
                hint="make the folder, or its rights, fit the user that runs callisi",
            )
        ) from error


def file_system_of(path: Path, mounts: str | None = None) -> str:
    """The type of the file system that holds `path` (`ext4`, `nfs4` ...), or "" where the machine does not
    tell.

    `mounts` is the text of /proc/self/mounts: device, mount point and type per line.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        point = fields[1].replace("\\040", " ") if len(fields) > 2 else ""
        if point and path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), fields[2]
    return kind


def what_failed(error: Exception) -> Problem:
    """One sentence without the statement and its parameters."""
    cause = getattr(error, "orig", error)
    detail = str(cause).strip().splitlines()
    return Problem(
        "the database did not do its work",
        code="database-unavailable",
        got=detail[0] if detail else None,
        hint="see `callisi doctor`",
    )
