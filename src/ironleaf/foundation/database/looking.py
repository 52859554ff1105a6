"""What can be seen of a database from outside its tables. Loads SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_TOUCH: Final = text("update alembic_version set version_num = version_num")


def answer(connection: Connection) -> None:
    """Return if the database answers at all."""
    connection.execute(text("select 1")).scalar_one()


def touch(connection: Connection) -> None:
    """Write a row as it is: proves that the disk takes it, and that the schema is there."""
    connection.execute(_TOUCH)
