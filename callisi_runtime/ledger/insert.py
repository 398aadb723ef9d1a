"""Insert a row unless its key is there: the one statement the two databases spell in different modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa


def insert_new(connection: sa.Connection, table: sa.Table, values: Mapping[str, object]) -> bool:
    """True when the row was new; False when its primary key was already there and nothing changed."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(**values).on_conflict_do_nothing()
    # The key comes back only for a row that was written; a row count is not kept for inserts everywhere.
    return connection.execute(statement.returning(*table.primary_key.columns)).first() is not None
