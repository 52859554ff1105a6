"""Keys in the database."""

# ruff: noqa: PLC0415  (the table loads SQLAlchemy: only when it is used)

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ironleaf.application.access.keys import ApiKey
from ironleaf.foundation.database import Database


class DatabaseKeys:
    """The key store of the service, and of the command line.

    Raises (from every method):
        DatabaseUnavailable: the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> tuple[ApiKey, ...]:
        from ironleaf.application.access import key_table

        return await self._database.run(key_table.list_keys, read_only=True)

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        from ironleaf.application.access import key_table

        await self._database.run(lambda connection: key_table.note_uses(connection, uses))

    def list(self) -> tuple[ApiKey, ...]:
        """Return every key, the newest first."""
        from ironleaf.application.access import key_table

        return self._database.transact(key_table.list_keys, read_only=True)

    def add(self, key: ApiKey) -> bool:
        """Keep a new key; tell whether there was room for it."""
        from ironleaf.application.access import key_table

        try:
            self._database.transact(lambda connection: key_table.add_key(connection, key))
        except key_table.KeysFull:
            return False
        return True

    def revoke(self, key_id: str, now: datetime) -> bool:
        """End a key; tell whether there is one of this id."""
        from ironleaf.application.access import key_table

        return self._database.transact(lambda connection: key_table.revoke_key(connection, key_id, now))
