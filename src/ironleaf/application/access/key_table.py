"""The table of keys. Loads SQLAlchemy: imported only where a database is spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, Connection, Integer, String, Table, bindparam, delete, func, insert, or_, select, update

from ironleaf.application.access.keys import (
    ID_CHARACTERS,
    KEYS_MAX,
    NAME_CHARACTERS_MAX,
    ApiKey,
    Scope,
)
from ironleaf.foundation.database import UtcDateTime, metadata

ENDED_KEPT_DAYS: Final = 90
"""So long an expired or revoked key is still told from one that never was."""
DIGEST_CHARACTERS: Final = 64
SCOPES_CHARACTERS_MAX: Final = 40

API_KEYS: Final = Table(
    "api_keys",
    metadata,
    Column("id", String(ID_CHARACTERS), primary_key=True),
    Column("name", String(NAME_CHARACTERS_MAX), nullable=False),
    Column("scopes", String(SCOPES_CHARACTERS_MAX), nullable=False),
    Column("digest", String(DIGEST_CHARACTERS), nullable=False),
    Column("requests_per_minute", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)


class KeysFull(Exception):
    """There are `KEYS_MAX` keys already."""


def add_key(connection: Connection, key: ApiKey) -> None:
    """Keep a new key, and forget those that ended long ago.

    Raises:
        KeysFull: there are too many.
    """
    long_ago = key.created_at - timedelta(days=ENDED_KEPT_DAYS)
    ended = or_(API_KEYS.c.revoked_at < long_ago, API_KEYS.c.expires_at < long_ago)
    connection.execute(delete(API_KEYS).where(ended))
    if connection.execute(select(func.count()).select_from(API_KEYS)).scalar_one() >= KEYS_MAX:
        raise KeysFull
    connection.execute(
        insert(API_KEYS).values(
            id=key.id,
            name=key.name,
            scopes=" ".join(sorted(key.scopes)),
            digest=key.digest,
            requests_per_minute=key.requests_per_minute,
            created_at=key.created_at,
            expires_at=key.expires_at,
        )
    )


def list_keys(connection: Connection) -> tuple[ApiKey, ...]:
    """Return every key, the newest first."""
    rows = connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_at.desc(), API_KEYS.c.id)).mappings()
    return tuple(_read(dict(row)) for row in rows)


def revoke_key(connection: Connection, key_id: str, now: datetime) -> bool:
    """End a key; tell whether there is one of this id. One that was revoked before stays as it is."""
    open_ones = update(API_KEYS).where(API_KEYS.c.id == key_id, API_KEYS.c.revoked_at.is_(None))
    connection.execute(open_ones.values(revoked_at=now))
    return connection.execute(select(API_KEYS.c.id).where(API_KEYS.c.id == key_id)).first() is not None


def note_uses(connection: Connection, uses: Mapping[str, datetime]) -> None:
    """Remember when keys were used last. Replicas tell it in any order: the latest time stays."""
    used, at = bindparam("used", type_=String), bindparam("at", type_=UtcDateTime)
    later = or_(API_KEYS.c.last_used_at.is_(None), API_KEYS.c.last_used_at < at)
    statement = update(API_KEYS).where(API_KEYS.c.id == used, later).values(last_used_at=at)
    connection.execute(statement, [{"used": key_id, "at": moment} for key_id, moment in sorted(uses.items())])


def _read(row: Mapping[str, Any]) -> ApiKey:
    known = frozenset(scope for scope in Scope if scope.value in str(row["scopes"]).split())
    values: dict[str, Any] = {**row, "scopes": known}  # a newer version's scopes open nothing here
    return ApiKey(**values)
