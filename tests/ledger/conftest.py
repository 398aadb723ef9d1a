"""Tests that ask for `ledger` or `url` run over SQLite, and over PostgreSQL where its server is installed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callisi_runtime.ledger import CallRow, Ledger, Note, Step, reference_for

from .postgres_server import PostgresServer, binaries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL's server (postgres, initdb) is not installed")
    folder = Path(
        tempfile.mkdtemp(prefix="callisi-pg-", dir="/tmp")
    )  # pytest's own folders are closed to others
    server = PostgresServer(folder, programs)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'callisi.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.fresh_database()


@pytest.fixture
async def ledger(url: str, clock: Clock) -> AsyncIterator[Ledger]:
    opened = Ledger(url, clock=clock)
    await opened.open()
    yield opened
    await opened.close()


CALL = CallRow(id="call-1", agent="clara", caller="+4930123456", started=1_800_000_000.0, room="call-abc")


def step(channel: str, **options: Any) -> Step:
    return Step(channel, "+4917012345", **options)


def make_note(*channels: str, call_id: str = "call-1", **options: Any) -> Note:
    """A notification whose route is sms, or the channels named."""
    return Note(
        id=f"{call_id}:no_answer",
        call_id=call_id,
        agent="clara",
        body={"texts": ["Bitte Rückruf an +4930123456"], "facts": {"caller": "+4930123456"}},
        route=tuple(step(channel, **options) for channel in channels or ("sms",)),
        reference=reference_for(f"{call_id}:no_answer"),
    )
