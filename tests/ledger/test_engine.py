"""The database by URL: what is refused before it can do harm, and how writers wait for each other."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from callisi_runtime.errors import CallisiError
from callisi_runtime.ledger.engine import NETWORK_FILE_SYSTEMS, file_system_of, make_engine
from callisi_runtime.ledger.migrate import migrate
from callisi_runtime.ledger.schema import version

MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
server:/export /srv/shared\\040files nfs4 rw 0 0
tmpfs /srv/shared\\040files/local tmpfs rw 0 0
"""


@pytest.mark.parametrize("url", ["mysql://host/db", "callisi.db", "", "postgres"])
def test_another_kind_of_database_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(CallisiError, match=r"allowed: sqlite:///callisi\.db, postgresql://"):
        make_engine(url)


def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "callisi.db"
    path.touch(0o644)
    migrate(make_engine(f"sqlite:///{path}"))
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CallisiError, match="cannot be opened for writing, got No such file or directory"):
        make_engine(f"sqlite:///{tmp_path}/nowhere/callisi.db")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/shared files/a.db", "nfs4"), ("/srv/shared files/local/a.db", "tmpfs"), ("/srv/a.db", "ext4")],
)
def test_the_file_system_is_the_one_that_holds_the_file(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p"])
def test_network_file_systems_are_known(kind: str) -> None:
    assert kind in NETWORK_FILE_SYSTEMS


def test_commits_survive_a_power_loss(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/callisi.db")
    migrate(engine)
    with engine.connect() as connection:
        modes = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ["journal_mode", "synchronous"]
        ]
    assert modes == ["wal", 2]
    engine.dispose()


def _read_then_write(
    engine: sa.Engine, both: threading.Barrier, *, immediate: bool, errors: list[str]
) -> None:
    try:
        with engine.connect().execution_options(reading=not immediate) as connection:
            number = connection.execute(sa.select(version.c.number)).scalar_one()
            if not immediate:
                both.wait(5)
            connection.execute(version.update().values(number=number + 1))
            connection.commit()
    except sa.exc.OperationalError as error:
        errors.append(str(error.orig))


@pytest.mark.parametrize("immediate", [True, False])
def test_two_that_read_and_then_write_wait_for_each_other(tmp_path: Path, immediate: bool) -> None:
    """And without IMMEDIATE one of them fails at once: this is what it is for."""
    engine = make_engine(f"sqlite:///{tmp_path}/callisi.db")
    migrate(engine)
    with engine.connect().execution_options(reading=True) as connection:
        before = connection.execute(sa.select(version.c.number)).scalar_one()
    both, errors = threading.Barrier(2), list[str]()
    threads = [
        threading.Thread(
            target=_read_then_write, args=(engine, both), kwargs={"immediate": immediate, "errors": errors}
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect().execution_options(reading=True) as connection:
        number = connection.execute(sa.select(version.c.number)).scalar_one()
    assert (number - before, errors) == ((2, []) if immediate else (1, ["database is locked"]))
    engine.dispose()


def test_parameters_stay_out_of_error_texts(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/callisi.db")
    with pytest.raises(sa.exc.OperationalError) as caught, engine.begin() as connection:
        connection.execute(sa.text("select :number from nowhere"), {"number": "+4930777"})
    assert "+4930777" not in str(caught.value)
    assert isinstance(caught.value.orig, sqlite3.OperationalError)
    engine.dispose()
