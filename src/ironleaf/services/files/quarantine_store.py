"""The quarantine of a service: in the database, known to every replica that shares it. Loads SQLAlchemy.

Asking is answered from memory. What happened is written within a second, and what
other replicas wrote is known within ten: a file must kill two workers anyway.
"""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, String, Table, delete, func, select

from ironleaf.foundation.database import UtcDateTime, metadata
from ironleaf.foundation.database.exchange import Exchange
from ironleaf.foundation.database.statements import insert_new, keep_newest
from ironleaf.services.files.losses import Loss, read_losses
from ironleaf.services.files.quarantine import (
    ENTRIES_MAX,
    EXPIRY_S,
    LOSSES_TO_REFUSE,
    QUARANTINE_FILE,
    InMemoryQuarantine,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.database import Database
    from ironleaf.foundation.processes import LossReason

TAKEN_OVER: Final = ".taken-over"
"""Behind the name of a file whose entries the database has now."""
_SHA256_LENGTH: Final = 64
_REASON_LENGTH: Final = 32

LOSSES: Final = Table(
    "quarantine_losses",
    metadata,
    Column("sha256", String(_SHA256_LENGTH), primary_key=True),
    Column("at", UtcDateTime, primary_key=True, index=True),
    Column("reason", String(_REASON_LENGTH), nullable=False),
)


@dataclass(frozen=True, slots=True)
class _Release:
    sha256: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the table holds, and by what one sees that it changed; no losses if it did not."""

    stamp: tuple[int, datetime | None]
    losses: tuple[Loss, ...] | None


class DatabaseQuarantine(InMemoryQuarantine):
    """A quarantine that outlives its process and that replicas share; while the database is away, in memory.

    ``inherits`` names the directory of a `FileQuarantine`, whose entries are taken over once.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        inherits: Path | None = None,
        losses_to_refuse: int = LOSSES_TO_REFUSE,
        expiry_s: float = EXPIRY_S,
        entries_max: int = ENTRIES_MAX,
    ) -> None:
        super().__init__(clock, losses_to_refuse=losses_to_refuse, expiry_s=expiry_s, entries_max=entries_max)
        self._entries_max = entries_max
        self._inherits = inherits / QUARANTINE_FILE if inherits is not None else None
        self._stamp: tuple[int, datetime | None] | None = None
        self.exchange: Exchange[Loss | _Release, _Seen] = Exchange(
            database, self._trade, self._receive, clock=clock, name="the quarantine"
        )

    def record(self, sha256: str, reason: LossReason) -> None:
        at = self._clock.now()
        if self._losses:  # two losses are two, however quickly they follow one another
            at = max(at, self._losses[-1].at + timedelta(microseconds=1))
        self._losses.append(Loss(sha256=sha256, reason=reason.value, at=at))
        self.exchange.put(self._losses[-1])

    def release(self, sha256: str) -> bool:
        found = super().release(sha256)
        self.exchange.put(_Release(sha256))
        return found

    def _trade(self, connection: Connection, batch: Sequence[Loss | _Release]) -> _Seen:
        inherited = () if self._inherits is None else tuple(read_losses(self._inherits))
        for item in (*inherited, *batch):
            if isinstance(item, Loss):
                insert_new(connection, LOSSES, [asdict(item)])
            else:
                forget(connection, item.sha256)
        if inherited or batch:
            connection.execute(delete(LOSSES).where(LOSSES.c.at <= self._clock.now() - self._expiry))
            keep_newest(connection, LOSSES, LOSSES.c.at, self._entries_max)
        stamp = connection.execute(select(func.count(), func.max(LOSSES.c.at)).select_from(LOSSES)).one()
        seen = (int(stamp[0]), stamp[1])
        return _Seen(seen, None if seen == self._stamp else read_kept(connection))

    def _receive(self, seen: _Seen) -> None:
        if self._inherits is not None:
            with contextlib.suppress(OSError):  # there was none, or another replica was quicker
                self._inherits.replace(self._inherits.with_name(self._inherits.name + TAKEN_OVER))
            self._inherits = None
        if seen.losses is None:
            return
        self._stamp = seen.stamp
        self._losses = deque(seen.losses, maxlen=self._entries_max)
        for item in self.exchange.items:  # what came while we looked
            if isinstance(item, Loss):
                self._losses.append(item)
            else:
                super().release(item.sha256)


def read_kept(connection: Connection) -> tuple[Loss, ...]:
    """Return all losses that the database holds, the oldest first."""
    rows = connection.execute(select(LOSSES.c.sha256, LOSSES.c.reason, LOSSES.c.at).order_by(LOSSES.c.at))
    return tuple(Loss(sha256=row.sha256, reason=row.reason, at=row.at) for row in rows)


def forget(connection: Connection, sha256: str) -> bool:
    """Delete what the database holds of a file; tell whether there was anything. Replicas hear of it within seconds."""
    return bool(connection.execute(delete(LOSSES).where(LOSSES.c.sha256 == sha256)).rowcount)
