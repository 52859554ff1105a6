"""What a database URL says, read without loading a database library."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ironleaf.foundation.places import find_state_directory

DATABASE_FILE: Final = "ironleaf.db"
Dialect = Literal["sqlite", "postgresql"]

_SCHEMES: Final[dict[str, Dialect]] = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "postgresql+psycopg": "postgresql",
}
_PARAMETERS: Final = frozenset({"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs"})
"""What may stand behind the question mark. Not the password: it would be looked for in front of the @ only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteAddress:
    """A file of this machine."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAddress:
    """A server, by network or by a socket's directory."""

    name: str
    host: str | None = None
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    parameters: tuple[tuple[str, str], ...] = ()
    """Further words for the client library, such as ``sslmode``."""


Address = SqliteAddress | PostgresAddress


def parse_address(url: str) -> Address:
    """Return what ``url`` points to; an empty one is the file in the state directory.

    Raises:
        ValueError: it is no such URL. The text names what it must be and never what it is.
    """
    if not url:
        return SqliteAddress(path=find_state_directory() / DATABASE_FILE)
    parts = _split(url)
    dialect = _SCHEMES.get(parts.scheme)
    if dialect is None:
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return _parse_sqlite(parts) if dialect == "sqlite" else _parse_postgres(parts)


def find_password(url: str) -> tuple[str, ...]:
    """Return the password in ``url`` as it is written and as it is meant; nothing if there is none."""
    try:
        written = urlsplit(url).password or ""
    except ValueError:
        return ()
    return tuple(dict.fromkeys(form for form in (written, unquote(written)) if form))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("must be a URL with a valid host and port") from None
    return parts


def _parse_sqlite(parts: SplitResult) -> SqliteAddress:
    path = unquote(parts.path)[1:]
    if parts.netloc or parts.query or not path or ":memory:" in path:
        raise ValueError("must name a file: sqlite:///relative.db or sqlite:////absolute.db")
    return SqliteAddress(path=Path(path))


def _parse_postgres(parts: SplitResult) -> PostgresAddress:
    name = unquote(parts.path)[1:]
    parameters = tuple(parse_qsl(parts.query, keep_blank_values=True))
    if not name or "/" in name:
        raise ValueError("must name a database: postgresql://user:password@host/name")
    if any(word not in _PARAMETERS for word, _ in parameters):
        raise ValueError(f"may carry these parameters only: {', '.join(sorted(_PARAMETERS))}")
    return PostgresAddress(
        name=name,
        host=parts.hostname,
        port=parts.port,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        parameters=parameters,
    )
