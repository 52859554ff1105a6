"""The statistics of all replicas, in the database they share: a row for each period, and one for each root cause.

A batch is added once, however often it is sent: in the same transaction in which
its numbers are added up, the row of its writer moves on to the batch's own number,
and a batch that is not beyond that number is there already. So an answer that was
lost does no harm, and there are no rows for each replica.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from ironleaf.foundation.database import UtcDateTime, metadata
from ironleaf.foundation.monitoring.causes import Cause, Causes, bound_causes, merge_causes
from ironleaf.foundation.monitoring.statistics import spread_requests
from ironleaf.foundation.monitoring.tally import Tally, pack_tally, unpack_tally
from ironleaf.foundation.monitoring.windows import RESOLUTIONS_S, ROWS_MAX, Window, find_kept, find_span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from ironleaf.foundation.monitoring.journal import Batch

LOCK: Final = 0x2_0000_1EAF
"""Our number among PostgreSQL's advisory locks: one replica adds at a time, so that none waits for another's row while
it holds one. On SQLite there is one writer anyway."""
LOOK_EVERY: Final = 64
"""Batches between two looks at how many rows there are: `drop_old` has its time, this is for processes that never live
long enough to see it."""
WRITERS_MAX: Final = 2_000
"""Processes whose last batch is remembered, the latest first."""
WRITER_KEPT: Final = timedelta(days=8)
"""A writer silent for longer than the longest window has nothing to add that anyone could ask for."""

rollups: Final = Table(
    "monitoring_rollups",
    metadata,
    Column("resolution_s", Integer, primary_key=True, autoincrement=False),
    Column("start_s", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)
writers: Final = Table(
    "monitoring_writers",
    metadata,
    Column("writer", String(26), primary_key=True),
    Column("batch", BigInteger, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)
causes: Final = Table(
    "monitoring_causes",
    metadata,
    Column("cause", String(120), primary_key=True),
    Column("code", Integer, nullable=False),
    Column("reason", String(120), nullable=False),
    Column("level", String(8), nullable=False),
    Column("component", String(120), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
)


def add_batch(connection: Connection, writer: str, batch: Batch, now: datetime) -> bool:
    """Add a batch of ``writer``, unless it is there already; tell whether it was new. In one transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    if not _turn_page(connection, writer, batch.number, now):
        return False
    for resolution_s, start_s, tally in batch.rollups:
        _add_tally(connection, resolution_s, start_s, tally)
    _add_causes(connection, batch.causes)
    if batch.number % LOOK_EVERY == 1 and _overflows(connection):
        drop_old(connection, now)
    return True


def read_window(connection: Connection, window: Window, now_s: float) -> Tally:
    """Return what all replicas have written of the window that ends now."""
    total = Tally()
    for _, tally in read_periods(connection, window, now_s):
        total.merge(tally)
    return total


def read_periods(connection: Connection, window: Window, now_s: float) -> Iterator[tuple[int, Tally]]:
    """Return start (seconds of the epoch) and content of each written period of the window that ends now."""
    span = find_span(window, now_s)
    return _read_periods(connection, span.resolution_s, span.first_s, span.last_s)


def _read_periods(connection: Connection, resolution_s: int, first_s: int, last_s: int) -> Iterator[tuple[int, Tally]]:
    chosen = select(rollups.c.start_s, rollups.c.body).where(
        rollups.c.resolution_s == resolution_s, rollups.c.start_s.between(first_s, last_s)
    )
    for start_s, body in connection.execute(chosen):
        yield start_s, unpack_tally(body)


def read_windows(connection: Connection, windows: tuple[Window, ...], now_s: float) -> dict[Window, Tally]:
    """Return what all replicas have written of each of the windows that end now."""
    return {window: read_window(connection, window, now_s) for window in windows}


def read_request_hours(connection: Connection, now_s: float) -> dict[datetime, int]:
    """Return the requests of all replicas by the hour, of the last week and the few hours more that are kept.

    With those the same hour a week ago is known from the start of a process on.
    """
    resolution_s = RESOLUTIONS_S[-1]
    return spread_requests(_read_periods(connection, resolution_s, *find_kept(resolution_s, now_s)))


def read_causes(connection: Connection) -> Causes:
    """Return all root causes that are remembered."""
    return {row.cause: _to_cause(row) for row in connection.execute(select(causes))}


def drop_old(connection: Connection, now: datetime) -> None:
    """Delete periods that no window reaches, and writers that will not come back."""
    for resolution_s in RESOLUTIONS_S:
        earliest_s, latest_s = find_kept(resolution_s, now.timestamp())
        outside = or_(rollups.c.start_s < earliest_s, rollups.c.start_s > latest_s)
        connection.execute(delete(rollups).where(rollups.c.resolution_s == resolution_s, outside))
    connection.execute(delete(writers).where(writers.c.seen_at < now - WRITER_KEPT))
    beyond = select(writers.c.seen_at).order_by(writers.c.seen_at.desc()).offset(WRITERS_MAX).limit(1)
    last = connection.execute(beyond).scalar()
    if last is not None:
        connection.execute(delete(writers).where(writers.c.seen_at <= last))


def _overflows(connection: Connection) -> bool:
    rows = (connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (rollups, writers))
    return any(count > most for count, most in zip(rows, (ROWS_MAX, WRITERS_MAX), strict=True))


def _turn_page(connection: Connection, writer: str, number: int, now: datetime) -> bool:
    """Move a writer's row on to ``number``; tell whether it was before it."""
    known = connection.execute(select(writers.c.batch).where(writers.c.writer == writer)).scalar()
    if known is not None and known >= number:
        return False
    values = {"batch": number, "seen_at": now}
    if known is None:
        connection.execute(insert(writers).values(writer=writer, **values))
    else:
        connection.execute(update(writers).where(writers.c.writer == writer).values(**values))
    return True


def _add_tally(connection: Connection, resolution_s: int, start_s: int, tally: Tally) -> None:
    here = (rollups.c.resolution_s == resolution_s) & (rollups.c.start_s == start_s)
    body = connection.execute(select(rollups.c.body).where(here)).scalar()
    if body is None:
        new = insert(rollups).values(resolution_s=resolution_s, start_s=start_s, body=pack_tally(tally))
        connection.execute(new)
        return
    total = unpack_tally(body)
    total.merge(tally)
    connection.execute(update(rollups).where(here).values(body=pack_tally(total)))


def _add_causes(connection: Connection, new: Causes) -> None:
    if not new:
        return
    known = read_causes(connection)
    before = dict(known)
    merge_causes(known, new)
    gone = [leaver.cause for leaver in bound_causes(known) if leaver.cause in before]
    if gone:
        connection.execute(delete(causes).where(causes.c.cause.in_(gone)))
    for cause in known.values():
        if cause.cause not in before:
            connection.execute(insert(causes).values(**asdict(cause)))
        elif cause != before[cause.cause]:
            connection.execute(update(causes).where(causes.c.cause == cause.cause).values(**asdict(cause)))


def _to_cause(row: Row[tuple[object, ...]]) -> Cause:
    return Cause(**row._asdict())  # pyright: ignore[reportPrivateUsage] - the documented way to a row's names
