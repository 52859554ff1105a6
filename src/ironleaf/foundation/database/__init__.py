"""Database: one way to the store that outlives the process, and its migrations.

Importing this loads neither SQLAlchemy nor a driver: commands that need no
database stay quick. ``metadata`` and ``UtcDateTime`` load it when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ironleaf.foundation.database.database import Database
from ironleaf.foundation.database.errors import DatabaseConflict, DatabaseUnavailable, Trouble
from ironleaf.foundation.database.settings import DatabaseSettings

if TYPE_CHECKING:
    from ironleaf.foundation.database.schema import UtcDateTime, metadata

__all__ = [
    "Database",
    "DatabaseConflict",
    "DatabaseSettings",
    "DatabaseUnavailable",
    "Trouble",
    "UtcDateTime",
    "metadata",
]


def __getattr__(name: str) -> Any:
    if name not in {"UtcDateTime", "metadata"}:
        raise AttributeError(name)
    from ironleaf.foundation.database import schema  # noqa: PLC0415

    return getattr(schema, name)
