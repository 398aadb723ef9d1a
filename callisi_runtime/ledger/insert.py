"""Insert a row unless its key is there: the one statement the two databases spell in different modules."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa


def insert_new(connection: sa.Connection, table: sa.Table, values: Mapping[str, object]) -> bool:
    """True when the row was new; False when its primary key was already there and nothing changed."""
    return connection.execute(_statement(connection.dialect.name, table), dict(values)).rowcount == 1


@functools.cache
def _statement(dialect: str, table: sa.Table) -> sa.Insert:
    # Made once: to build it takes several times as long as to run it, and the file is locked meanwhile.
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
