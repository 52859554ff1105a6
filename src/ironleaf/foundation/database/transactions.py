"""One transaction on an engine of SQLAlchemy, whose failures leave as ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import text

from ironleaf.foundation.database.engines import BEGIN_OPTION, MS
from ironleaf.foundation.database.translation import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sqlalchemy import Connection, Engine

T = TypeVar("T")

MIGRATION_LOCK: Final = 0x1_0000_1EAF
"""Our number among PostgreSQL's advisory locks; any that nobody else uses would do."""


def transact(engine: Engine, work: Callable[[Connection], T], *, read_only: bool) -> T:
    """Return what ``work`` returns, committed.

    Raises:
        DatabaseUnavailable, DatabaseConflict: instead of anything of SQLAlchemy or a driver.
    """

    def run() -> T:
        with engine.connect() as connection:
            if read_only:
                connection.execution_options(**_read_only(engine))
            with connection.begin():
                return work(connection)

    return _translated(run)


def alter(engine: Engine, work: Callable[[Connection], T], *, wait_s: float) -> T:
    """Return what ``work`` returns, with the only right to change the schema, and ``wait_s`` seconds to get it."""

    def run() -> T:
        if engine.dialect.name == "sqlite":
            with _alone_on_sqlite(engine, wait_s) as connection:
                return work(connection)
        with _alone_on_postgres(engine, wait_s) as connection:
            return work(connection)

    return _translated(run)


@contextmanager
def _alone_on_sqlite(engine: Engine, wait_s: float) -> Generator[Connection]:
    """Yield the writer's place. Tables are rebuilt by copying there, which keys that point to them must not notice."""
    with engine.connect() as connection:
        connection.detach()  # its settings are not for others: it is closed in the end
        driver = connection.connection
        for pragma in (f"busy_timeout={round(wait_s * MS)}", "foreign_keys=OFF"):
            driver.cursor().execute(f"PRAGMA {pragma}")
        with connection.begin():
            yield connection


@contextmanager
def _alone_on_postgres(engine: Engine, wait_s: float) -> Generator[Connection]:
    with engine.begin() as connection:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(
                text("select set_config(:name, :value, true)"), {"name": name, "value": str(round(wait_s * MS))}
            )
        connection.execute(text("select pg_advisory_xact_lock(:number)"), {"number": MIGRATION_LOCK})
        yield connection


def _read_only(engine: Engine) -> dict[str, object]:
    return {BEGIN_OPTION: "DEFERRED"} if engine.dialect.name == "sqlite" else {"postgresql_readonly": True}


def _translated(call: Callable[[], T]) -> T:
    try:
        return call()
    except Exception as error:
        failure = translate(error)
        if failure is None:
            raise
        failure.with_traceback(error.__traceback__)
    raise failure  # outside of the handler, so that the driver's exception with its words is not carried along
