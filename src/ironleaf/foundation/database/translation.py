"""From the exceptions of SQLAlchemy and the drivers to ours, by their codes.

The drivers' own words go nowhere: they hold addresses, users, statements and at
times the values in them. What is kept is the class, the code, and where it happened.
"""

from __future__ import annotations

import errno
import sqlite3
from typing import TYPE_CHECKING, Final

from sqlalchemy import exc

from ironleaf.foundation.database.errors import (
    DATABASE_CONFLICT,
    DatabaseConflict,
    DatabaseUnavailable,
    Trouble,
    make_unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PRIMARY_CODE: Final = 0xFF
"""SQLite's extended result codes carry the primary one in their lowest byte."""
_SQLITE_CONSTRAINT: Final = 19
_SQLITE: Final[Mapping[int, Trouble]] = {
    3: Trouble.REFUSED,
    5: Trouble.BUSY,
    6: Trouble.BUSY,
    7: Trouble.BUSY,
    8: Trouble.READ_ONLY,
    9: Trouble.TIMEOUT,
    10: Trouble.DISK,
    11: Trouble.CORRUPT,
    13: Trouble.FULL,
    14: Trouble.UNREACHABLE,
    15: Trouble.BUSY,
    17: Trouble.SCHEMA,
    23: Trouble.REFUSED,
    26: Trouble.CORRUPT,
}
"""Primary result codes, sqlite.org/rescode.html."""
_POSTGRES: Final[tuple[tuple[str, Trouble], ...]] = (
    ("3D", Trouble.MISSING),
    ("08", Trouble.UNREACHABLE),
    ("28", Trouble.REFUSED),
    ("25006", Trouble.READ_ONLY),
    ("40", Trouble.BUSY),
    ("42501", Trouble.REFUSED),
    ("42P01", Trouble.SCHEMA),
    ("42703", Trouble.SCHEMA),
    ("3F", Trouble.SCHEMA),
    ("53100", Trouble.FULL),
    ("53", Trouble.BUSY),
    ("55", Trouble.BUSY),
    ("57014", Trouble.TIMEOUT),
    ("57", Trouble.UNREACHABLE),
    ("58", Trouble.DISK),
    ("XX001", Trouble.CORRUPT),
    ("XX002", Trouble.CORRUPT),
)
"""Beginnings of SQLSTATE, appendix A of PostgreSQL's manual; the first that fits holds."""
_POSTGRES_CONSTRAINT: Final = "23"
_SYSTEM: Final[Mapping[int, Trouble]] = {
    errno.EACCES: Trouble.READ_ONLY,
    errno.EPERM: Trouble.READ_ONLY,
    errno.EROFS: Trouble.READ_ONLY,
    errno.ENOSPC: Trouble.FULL,
    errno.EDQUOT: Trouble.FULL,
    errno.EIO: Trouble.DISK,
}
_WORDS: Final[tuple[tuple[str, Trouble], ...]] = (
    ("no such table", Trouble.SCHEMA),
    ("no such column", Trouble.SCHEMA),
    ("has no column named", Trouble.SCHEMA),
    ("closed database", Trouble.CLOSED),
    ("password authentication failed", Trouble.REFUSED),
    ("no password supplied", Trouble.REFUSED),
    ("no pg_hba.conf entry", Trouble.REFUSED),
    ("role ", Trouble.REFUSED),
    ("does not exist", Trouble.MISSING),
    ("too many clients", Trouble.BUSY),
    ("remaining connection slots", Trouble.BUSY),
    ("timeout expired", Trouble.TIMEOUT),
)
"""Where there is no code of use: SQLite's code 1 for everything, and whatever happens before a connection stands."""


def translate(error: Exception) -> DatabaseUnavailable | DatabaseConflict | None:
    """Return what ``error`` means if it comes from the database, else None. It is not made its cause."""
    if not isinstance(error, exc.SQLAlchemyError | sqlite3.Error) and not _is_psycopg(error):
        return None
    driver = _find_driver_error(error)
    context = {"error": type(driver or error).__name__, "database_code": _read_code(driver)}
    if isinstance(error, exc.IntegrityError) or _is_constraint(driver):
        return DatabaseConflict(DATABASE_CONFLICT, context=context)
    return make_unavailable(_judge(error, driver), **context)


def _judge(error: Exception, driver: BaseException | None) -> Trouble:
    if isinstance(error, exc.TimeoutError):
        return Trouble.BUSY
    if driver is None:
        return Trouble.STATEMENT
    found = next(_weigh(driver), None)
    if found is not None:
        return found
    words = str(driver)
    for part, trouble in _WORDS:
        if part in words:
            return trouble
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    by_nature = type(driver).__name__ in {"OperationalError", "InterfaceError"} and _read_code(driver) is None
    return Trouble.UNREACHABLE if lost or by_nature else Trouble.STATEMENT


def _weigh(driver: BaseException) -> Iterator[Trouble]:
    code = _read_code(driver)
    if isinstance(code, int) and (code & _PRIMARY_CODE) in _SQLITE:
        yield _SQLITE[code & _PRIMARY_CODE]
    if isinstance(code, str):
        yield from (trouble for beginning, trouble in _POSTGRES if code.startswith(beginning))


def translate_system(error: OSError) -> DatabaseUnavailable:
    """Return what it means that the database's file or directory cannot be made."""
    trouble = _SYSTEM.get(error.errno or 0, Trouble.UNREACHABLE)
    return make_unavailable(trouble, error=type(error).__name__, errno=error.errno)


def _is_constraint(driver: BaseException | None) -> bool:
    code = _read_code(driver)
    if isinstance(code, int):
        return code & _PRIMARY_CODE == _SQLITE_CONSTRAINT
    return isinstance(code, str) and code.startswith(_POSTGRES_CONSTRAINT)


def _find_driver_error(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, exc.StatementError) else None if _is_sqlalchemy(error) else error


def _is_sqlalchemy(error: Exception) -> bool:
    return isinstance(error, exc.SQLAlchemyError)


def _read_code(driver: BaseException | None) -> int | str | None:
    """Return SQLite's number or PostgreSQL's SQLSTATE."""
    return getattr(driver, "sqlite_errorcode", None) or getattr(driver, "sqlstate", None)


def _is_psycopg(error: Exception) -> bool:
    return any(kind.__module__.partition(".")[0] == "psycopg" for kind in type(error).__mro__)
