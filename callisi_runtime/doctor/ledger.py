"""Checks of the ledger. It is opened for reading only: no table is made, no right is changed."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import sqlalchemy as sa

from callisi_runtime.doctor.result import Result, ok, problem, skipped, warning
from callisi_runtime.doctor.threads import in_thread
from callisi_runtime.errors import CallisiError
from callisi_runtime.ledger import queries
from callisi_runtime.ledger.engine import in_memory, make_engine, parse_url
from callisi_runtime.ledger.migrate import SCHEMA
from callisi_runtime.ledger.schema import call, note, obligation, version
from callisi_runtime.ledger.values import LIVE_STATES, Health

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient

LATE = 120.0
"""Seconds after which a message that is due and not sent means that nobody sends."""
FORGOTTEN = 3600.0
"""Seconds after a call's end for which a promise may stay open without a message on its way."""


async def file_modes(patient: Patient) -> list[Result]:
    """Whether others on this machine can read numbers and words of callers."""
    file = sqlite_file(patient.settings.callisi_database)
    if file is None:
        return [skipped("the ledger is not a file")]
    if not file.exists():
        return [ok("there is no ledger yet; the first call makes it, for its owner alone")]
    found = []
    for one in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        if one.exists() and stat.S_IMODE(one.stat().st_mode) & 0o077:
            found.append(problem(f"{one} can be read by others", f"chmod 600 {one}"))
    return found or [ok(f"{file} is its owner's alone")]


async def ledger_health(patient: Patient) -> list[Result]:
    """Whether anything in the ledger waits for a person."""
    url = patient.settings.callisi_database
    file = sqlite_file(url)
    if file is not None and not file.exists():
        return [ok("there is no ledger yet; the first call makes it")]
    try:
        health, forgotten = await in_thread(lambda: look(url))
    except CallisiError as error:
        return [problem(one.message, one.hint or "check CALLISI_DATABASE") for one in error.problems]
    except (sa.exc.SQLAlchemyError, OSError) as error:
        what = str(getattr(error, "orig", error)).strip().splitlines()
        return [problem(f"the ledger cannot be read: {what[0] if what else ''}", "check CALLISI_DATABASE")]
    return judged(health, forgotten)


def judged(health: Health, forgotten: int) -> list[Result]:
    """What an operator must do about it."""
    found = []
    if health.dead:
        what = f"{health.dead} message(s) reached nobody who calls back"
        found.append(problem(what, "callisi notifications --dead, then callisi redrive ID"))
    if health.overdue > LATE:
        what = f"a message has been due for {health.overdue:.0f} s, and nobody sends it"
        found.append(problem(what, "start the worker, or `callisi deliver`"))
    if forgotten:
        what = f"{forgotten} caller(s) are still owed something, and no message is on its way"
        found.append(warning(what, "callisi calls --open"))
    return found or [ok("nothing waits for a person")]


def look(url: str) -> tuple[Health, int]:
    """What the ledger says, and how many promises are open that nothing works on.

    Raises:
        CallisiError: It is of another version, or cannot be opened.
    """
    engine = reading_engine(url)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table(version.name):
                return Health(0, 0, 0.0), 0
            found = connection.execute(sa.select(version.c.number)).scalar_one()
            if found > SCHEMA:
                raise CallisiError("the database was written by a newer callisi; update callisi here")
            now = time.time()
            return queries.health(connection, now), forgotten_promises(connection, now)
    finally:
        engine.dispose()


def forgotten_promises(connection: sa.Connection, now: float) -> int:
    """Open promises of calls that ended a while ago, without a message on its way or dead."""
    noted = sa.select(note.c.call_id).where(note.c.state.in_((*LIVE_STATES, "dead")))
    query = (
        sa.select(sa.func.count())
        .select_from(obligation.join(call, call.c.id == obligation.c.call_id))
        .where(
            obligation.c.closed.is_(None),
            sa.func.coalesce(call.c.ended, call.c.started) < now - FORGOTTEN,
            obligation.c.call_id.not_in(noted),
        )
    )
    return int(connection.execute(query).scalar_one())


def reading_engine(url: str) -> sa.Engine:
    """An engine that writes nothing."""
    file = sqlite_file(url)
    if file is None:
        return make_engine(url)
    return sa.create_engine(f"sqlite:///file:{quote(str(file.absolute()))}?mode=ro&uri=true")


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for any other database."""
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite" or in_memory(parsed):
        return None
    return Path(parsed.database or "")
