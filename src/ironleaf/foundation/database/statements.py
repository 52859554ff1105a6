"""Statements that the two dialects write in the same way, but under different roofs. Loads SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table
    from sqlalchemy.sql import ColumnElement


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet: writing them twice is the same as once."""
    if not rows:
        return
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(table).on_conflict_do_nothing(), list(rows))


def keep_newest(connection: Connection, table: Table, by: ColumnElement[Any], rows_max: int) -> None:
    """Delete every row that is older than the newest ``rows_max``; those of one moment stay together."""
    oldest = select(by).order_by(by.desc()).offset(rows_max - 1).limit(1).scalar_subquery()
    connection.execute(delete(table).where(by < oldest))
