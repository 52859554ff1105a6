"""An engine of SQLAlchemy for each dialect, with every wait bounded. Loads SQLAlchemy, and psycopg only if asked."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, create_engine, event, exc

from ironleaf.foundation.database.address import PostgresAddress, SqliteAddress, parse_address
from ironleaf.foundation.database.errors import Trouble, make_unavailable
from ironleaf.foundation.database.translation import translate_system

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine
    from sqlalchemy.pool import ConnectionPoolEntry

    from ironleaf.foundation.database.settings import DatabaseSettings

SPARE_CONNECTIONS: Final = 2
"""Beside the threads' own: for the migration, and for whoever works in a thread of its own."""
WAL_BYTES_MAX: Final = 64 * 1024**2
"""The log of SQLite is cut back to this after a checkpoint; a burst may let it grow beyond."""
MS: Final = 1000
BEGIN_OPTION: Final = "ironleaf_begin"
"""How a connection's transactions begin on SQLite, if not by taking the writer's place at once."""
_FILE: Final = "file"
_FILE_MODE: Final = 0o600
_DIRECTORY_MODE: Final = 0o700
_POSTGRES_SESSION: Final = (
    "select set_config('statement_timeout', %(statement)s, false), set_config('lock_timeout', %(lock)s, false), "
    "set_config('idle_in_transaction_session_timeout', %(idle)s, false)"
)


def make_engine(settings: DatabaseSettings) -> Engine:
    """Return the engine that the settings describe; it connects to nothing yet."""
    address = parse_address(settings.url)
    if isinstance(address, SqliteAddress):
        return _make_sqlite(address, settings)
    return _make_postgres(address, settings)


def _make_sqlite(address: SqliteAddress, settings: DatabaseSettings) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(address.path)),
        connect_args={"timeout": settings.lock_s},
        hide_parameters=True,
        pool_size=settings.threads,
        max_overflow=SPARE_CONNECTIONS,
        pool_timeout=settings.wait_s,
    )

    met = False

    def make_place(*_: object) -> None:
        if met and not address.path.exists():  # a new one beside the old one's log would be damaged by it
            raise make_unavailable(Trouble.UNREACHABLE, missing=True)
        _make_private(address.path)

    def prepare(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        nonlocal met
        prepare_sqlite(connection)
        record.info[_FILE], met = _identify(address.path), True

    def check_file(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info.get(_FILE) != _identify(address.path):
            raise exc.DisconnectionError  # it was taken away: what one wrote to it now would be lost

    event.listen(engine, "do_connect", make_place)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "checkout", check_file)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_private(path: Path) -> None:
    """Make the file and its directory for our eyes only; SQLite gives its own further files the same rights.

    Raises:
        DatabaseUnavailable: that cannot be done.
    """
    try:
        path.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, _FILE_MODE))
    except OSError as error:
        failure = translate_system(error)
    else:
        return
    raise failure


def prepare_sqlite(connection: sqlite3.Connection) -> None:
    """Set a new connection up.

    WAL: readers and the writer do not stop one another. With it, ``synchronous=NORMAL``
    loses nothing when the process dies, and nothing is damaged when the power fails: at
    most the last moments before that are missing. ``FULL`` would wait for the disk at
    each commit (5-20 ms on a plain one), for statistics and notes.
    """
    connection.isolation_level = None  # transactions begin when we say so; the driver would begin them too late
    with contextlib.suppress(sqlite3.OperationalError):  # another process is just turning it on, for good and for all
        connection.execute("PRAGMA journal_mode=WAL").close()
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", f"journal_size_limit={WAL_BYTES_MAX}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the writer's place at once: who reads first and writes then is refused without waiting, else."""
    how = connection.get_execution_options().get(BEGIN_OPTION, "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {how}")


def _make_postgres(address: PostgresAddress, settings: DatabaseSettings) -> Engine:
    engine = create_engine(
        URL.create(
            "postgresql+psycopg",
            username=address.user,
            password=address.password,
            host=address.host,
            port=address.port,
            database=address.name,
        ),
        connect_args={
            **dict(address.parameters),
            "application_name": "ironleaf",
            "connect_timeout": max(1, round(settings.connect_s)),
            # A host that vanished answers nothing: without these the kernel waits for many minutes.
            "tcp_user_timeout": round(settings.statement_s * MS),
            "keepalives_idle": max(1, round(settings.statement_s)),
            "keepalives_interval": 2,
            "keepalives_count": 2,
        },
        hide_parameters=True,
        pool_size=settings.threads,
        max_overflow=SPARE_CONNECTIONS,
        pool_timeout=settings.wait_s,
        pool_pre_ping=True,
    )
    limits = {
        "statement": str(round(settings.statement_s * MS)),
        "lock": str(round(settings.lock_s * MS)),
        "idle": str(round(settings.statement_s * MS)),
    }

    def limit_session(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_POSTGRES_SESSION, limits)
        connection.commit()

    event.listen(engine, "connect", limit_session)
    return engine
