"""A PostgreSQL server of its own for the tests: initdb, start, one database per test, stop."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg

_numbers = itertools.count()


def binaries() -> Path | None:
    """The folder that holds `postgres` and `initdb`, or None."""
    found = shutil.which("postgres")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next(
        (path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()), None
    )


class PostgresServer:
    """Listens on a loopback port; keeps nothing worth keeping, so it need not wait for the disk."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._data = folder / "data"
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        subprocess.run(
            self._as_postgres("initdb", "-D", str(self._data), "-A", "trust", "-U", "callisi", "--no-sync"),
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
        }
        flags = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        self._process = subprocess.Popen(
            self._as_postgres("postgres", "-D", str(self._data), *flags),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is a crash: connections break, and the next start recovers from the log."""
        if self._process is None:
            return
        subprocess.run(
            self._as_postgres("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop"),
            check=False,
            capture_output=True,
        )
        self._process.wait(20)
        self._process = None

    def url(self, database: str) -> str:
        return f"postgresql://callisi@127.0.0.1:{self.port}/{database}"

    def fresh_database(self) -> str:
        name = f"test_{next(_numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return self.url(name)

    def _as_postgres(self, program: str, *args: str) -> list[str]:
        command = [str(self._programs / program), *args]
        return ["runuser", "-u", "postgres", "--", *command] if os.getuid() == 0 else command


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: Any = probe.getsockname()[1]
        return int(port)
