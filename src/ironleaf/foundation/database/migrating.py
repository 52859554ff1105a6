"""The schema's versions: forwards, backwards, and where it stands. Loads Alembic.

The migrations lie in ``migrations/versions``: plain DDL, on both dialects, up and
down; they import nothing of the product.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError

from ironleaf.foundation.database.errors import Trouble, make_unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

MIGRATIONS: Final = Path(__file__).parent / "migrations"
HEAD: Final = "head"
BASE: Final = "base"

logger = logging.getLogger(__name__)
_turn: Final = threading.Lock()
"""Alembic keeps what it works on in a global of its module."""


class NoSuchVersion(ValueError):
    """There is no migration of that name."""


def upgrade(connection: Connection, target: str = HEAD) -> None:
    """Bring the schema forward to ``target``, inside the connection's transaction.

    Raises:
        DatabaseUnavailable: the schema is a newer program's.
        NoSuchVersion: there is no such target.
    """
    _move(command.upgrade, connection, target)


def downgrade(connection: Connection, target: str) -> None:
    """Take the schema back to ``target``, inside the connection's transaction; ``base`` is an empty one.

    Raises:
        DatabaseUnavailable: the schema is a newer program's.
        NoSuchVersion: there is no such target.
    """
    _move(command.downgrade, connection, target)


def read_version(connection: Connection) -> str | None:
    """Return where the schema stands; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def find_head() -> str | None:
    """Return the newest version that this program knows."""
    return ScriptDirectory.from_config(_configure()).get_current_head()


def knows(version: str | None) -> bool:
    """Tell whether this program has a migration of that name; it knows the empty database too."""
    try:
        if version is not None:
            ScriptDirectory.from_config(_configure()).get_revision(version)
    except (ResolutionError, CommandError):
        return False
    return True


def _configure(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _require_known(connection: Connection) -> None:
    version = read_version(connection)
    if not knows(version):
        raise make_unavailable(Trouble.NEWER, schema=version)


def _move(run: Callable[[Config, str], None], connection: Connection, target: str) -> None:
    _require_known(connection)
    before = read_version(connection)
    try:
        with _turn:
            run(_configure(connection), target)
    except CommandError:
        raise NoSuchVersion("no such version of the schema") from None
    after = read_version(connection)
    if after != before:
        logger.info("the schema goes from %s to %s", before or BASE, after or BASE)
