"""What can be seen of a database from outside its tables. Loads SQLAlchemy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from ironleaf.foundation.database import migrating
from ironleaf.foundation.database.errors import Trouble, make_unavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection

_TOUCH: Final = text("update alembic_version set version_num = version_num")
_TRIAL: Final = text("create table ironleaf_trial (number integer)")
WRITE_AHEAD: Final = "wal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a database is set up."""

    current: bool
    """Whether its schema is the newest that this program knows."""
    newer: bool
    """Whether its schema is one that this program does not know."""
    write_ahead: bool
    """Whether readers and the writer do not stop one another; always so on PostgreSQL."""


def answer(connection: Connection) -> None:
    """Return if the database answers at all."""
    connection.execute(text("select 1")).scalar_one()


def touch(connection: Connection) -> None:
    """Write a row as it is: proves that the disk takes it, and that the schema is this program's.

    Raises:
        DatabaseUnavailable: the schema is older or newer than this program.
    """
    connection.execute(_TOUCH)
    version = migrating.read_version(connection)
    if version != migrating.find_head():
        raise make_unavailable(Trouble.SCHEMA if migrating.knows(version) else Trouble.NEWER, schema=version)


def try_table(connection: Connection) -> None:
    """Make a table and take it back: proves the right to bring the schema up to date."""
    with connection.begin_nested() as trial:
        connection.execute(_TRIAL)
        trial.rollback()


def look(connection: Connection) -> Look:
    """Return how the database is set up."""
    version = migrating.read_version(connection)
    on_sqlite = connection.dialect.name == "sqlite"
    return Look(
        current=version == migrating.find_head(),
        newer=not migrating.knows(version),
        write_ahead=not on_sqlite or connection.execute(text("pragma journal_mode")).scalar_one() == WRITE_AHEAD,
    )
