"""The ledger of a service: in the database, with the actions of every replica that shares it. Loads SQLAlchemy.

Reading is answered from memory, which holds the newest entries: what this process did
at once, what others did within ten seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import JSON, Column, String, Table, Text, select

from ironleaf.foundation.database import UtcDateTime, metadata
from ironleaf.foundation.database.exchange import Exchange
from ironleaf.foundation.database.statements import insert_new, keep_newest
from ironleaf.services.engines.ledger import (
    LEDGER_FILE,
    PREDECESSOR,
    HealingAction,
    HealingEntry,
    HealingOutcome,
    read_entries,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.database import Database

ROWS_MAX: Final = 10_000
"""Actions kept, the newest: years of a healthy service, a month of one that is healed every five minutes."""
REMEMBERED_MAX: Final = 1_000
"""Actions held in memory, and the most that can be read: a page of an operator's list has fifty."""
TAKEN_OVER: Final = ".taken-over"
"""Behind the name of a file whose entries the database has now."""
_KEY_LENGTH: Final = 64
_NAME_LENGTH: Final = 100
_WORD_LENGTH: Final = 32

ENTRIES: Final = Table(
    "healing_entries",
    metadata,
    Column("key", String(_KEY_LENGTH), primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("backend", String(_NAME_LENGTH), nullable=False),
    Column("action", String(_WORD_LENGTH), nullable=False),
    Column("cause", Text, nullable=False),
    Column("guard_rail", Text, nullable=False),
    Column("outcome", String(_WORD_LENGTH), nullable=False),
    Column("undo", Text, nullable=False),
    Column("facts", JSON, nullable=False),
)


class DatabaseLedger:
    """A ledger that outlives its process and that replicas share; while the database is away, in memory.

    ``inherits`` names the directory of a `FileLedger`, whose entries are taken over once.
    ``on_entry`` hears of each entry of this process, and must not raise.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        inherits: Path | None = None,
        on_entry: Callable[[HealingEntry], None] = lambda _entry: None,
        rows_max: int = ROWS_MAX,
    ) -> None:
        self._inherits = tuple(inherits / name for name in (PREDECESSOR, LEDGER_FILE)) if inherits is not None else ()
        self._on_entry = on_entry
        self._rows_max = rows_max
        self._newest: deque[HealingEntry] = deque(maxlen=REMEMBERED_MAX)
        self._stamp: str | None = None
        self.exchange: Exchange[HealingEntry, tuple[str | None, tuple[HealingEntry, ...] | None]] = Exchange(
            database, self._trade, self._receive, clock=clock, name="the healing ledger"
        )

    def record(self, entry: HealingEntry) -> None:
        self._on_entry(entry)
        self._newest.append(entry)
        self.exchange.put(entry)

    def read(self, limit: int) -> tuple[HealingEntry, ...]:
        if limit <= 0:
            return ()
        return tuple(reversed(self._newest))[:limit]

    def _trade(
        self, connection: Connection, batch: Sequence[HealingEntry]
    ) -> tuple[str | None, tuple[HealingEntry, ...] | None]:
        inherited = [entry for path in self._inherits for entry in read_entries(path)]
        if inherited or batch:
            insert_new(connection, ENTRIES, [_make_row(entry) for entry in (*inherited, *batch)])
            keep_newest(connection, ENTRIES, ENTRIES.c.at, self._rows_max)
        newest = select(ENTRIES.c.key).order_by(ENTRIES.c.at.desc(), ENTRIES.c.key).limit(1)
        stamp = connection.execute(newest).scalar_one_or_none()
        return stamp, None if stamp == self._stamp and not batch else _read(connection)

    def _receive(self, seen: tuple[str | None, tuple[HealingEntry, ...] | None]) -> None:
        for path in self._inherits:
            with contextlib.suppress(OSError):  # there was none, or another replica was quicker
                path.replace(path.with_name(path.name + TAKEN_OVER))
        self._inherits = ()
        stamp, entries = seen
        if entries is not None:
            self._stamp = stamp
            self._newest = deque((*entries, *self.exchange.items), maxlen=REMEMBERED_MAX)


def _make_row(entry: HealingEntry) -> dict[str, Any]:
    """Return the entry as a row; its key is its content, so that writing it twice is the same as once."""
    said = asdict(entry)
    key = hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return {**said, "key": key, "backend": entry.backend[:_NAME_LENGTH], "facts": dict(entry.facts)}


def _read(connection: Connection) -> tuple[HealingEntry, ...]:
    rows = connection.execute(select(ENTRIES).order_by(ENTRIES.c.at.desc(), ENTRIES.c.key).limit(REMEMBERED_MAX))
    return tuple(reversed([_make_entry(row) for row in rows]))


def _make_entry(row: Row[Any]) -> HealingEntry:
    return HealingEntry(
        at=row.at,
        backend=row.backend,
        action=HealingAction(row.action),
        cause=row.cause,
        guard_rail=row.guard_rail,
        outcome=HealingOutcome(row.outcome),
        undo=row.undo,
        facts=row.facts,
    )
