"""The one way to the database: a transaction in, its result or an error of ours out."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from ironleaf.foundation.database.address import Dialect, SqliteAddress, parse_address
from ironleaf.foundation.database.errors import DatabaseUnavailable, Trouble, make_unavailable
from ironleaf.foundation.database.threads import WorkThreads

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.database.settings import DatabaseSettings

T = TypeVar("T")

CLOSE_S: Final = 5.0
"""How long closing waits for what runs; a statement of ours takes milliseconds."""
MIGRATION_WAIT_S: Final = 120.0
"""How long a replica waits for another one's migration, and for its own."""
FIRST_WAIT_S: Final = 1.0
WAIT_MAX_S: Final = 60.0
"""The longest pause between two tries at a database that is away: a minute late is early enough."""


class Database:
    """A store that outlives the process. Opens nothing until it is used.

    Safe to use from several threads at once. No exception of SQLAlchemy or of a
    driver leaves it: only `DatabaseUnavailable`, `DatabaseConflict`, and what the
    work itself raises.
    """

    def __init__(self, settings: DatabaseSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        address = parse_address(settings.url)
        self._file = address.path if isinstance(address, SqliteAddress) else None
        self._dialect: Dialect = "postgresql" if self._file is None else "sqlite"
        self._opening = threading.Lock()
        self._engine: Engine | None = None
        self._threads: WorkThreads | None = None
        self._closed = False
        self._trouble: Trouble | None = None
        self._ready = False

    @property
    def dialect(self) -> Dialect:
        return self._dialect

    @property
    def begun(self) -> bool:
        """Whether anybody can have written to it: a file that is missing holds nothing, and a look need not make it."""
        if self._file is not None:
            try:
                self._file.stat()
            except FileNotFoundError:
                return False
            except OSError:  # whoever uses it is told what is wrong
                return True
        return True

    @property
    def trouble(self) -> Trouble | None:
        """What kept the last transaction that may write from succeeding; None after one that did."""
        return self._trouble

    @property
    def ready(self) -> bool:
        """Whether the schema has been brought up to date by this process."""
        return self._ready

    def transact(self, work: Callable[[Connection], T], *, read_only: bool = False) -> T:
        """Return what ``work`` returns, committed; whatever it raises, nothing of it is kept.

        Blocks the calling thread: for commands and worker threads. ``read_only`` waits for no writer.

        Raises:
            DatabaseUnavailable: the database cannot be reached or used.
            DatabaseConflict: a constraint forbids the change.
        """
        from ironleaf.foundation.database import transactions  # noqa: PLC0415  (loads SQLAlchemy: only when used)

        try:
            result = transactions.transact(self._open(), work, read_only=read_only)
        except DatabaseUnavailable as failure:
            self._trouble = failure.trouble
            raise
        if not read_only:
            self._trouble = None
        return result

    async def run(self, work: Callable[[Connection], T], *, read_only: bool = False) -> T:
        """Do the same on the database's own threads, which are bounded in number, queue and seconds.

        A caller that is cancelled may leave its transaction behind: it is committed or not, never half.

        Raises:
            DatabaseUnavailable, DatabaseConflict: as `transact`; also when too much waits or the time is over.
        """
        return await self._run(lambda: self.transact(work, read_only=read_only), wait_s=self._settings.wait_s)

    def alter(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` returns, which may change the schema: one at a time among all replicas.

        Raises:
            DatabaseUnavailable, DatabaseConflict: as `transact`.
        """
        from ironleaf.foundation.database import transactions  # noqa: PLC0415

        return transactions.alter(self._open(), work, wait_s=MIGRATION_WAIT_S)

    def migrate(self) -> None:
        """Bring the schema up to date. Safe when several replicas start at once: one does it, the others wait.

        Raises:
            DatabaseUnavailable: it cannot be done now, or the schema is a newer version's (trouble ``newer``).
        """
        from ironleaf.foundation.database import migrating  # noqa: PLC0415

        try:
            self.alter(migrating.upgrade)
        except DatabaseUnavailable as failure:
            self._trouble = failure.trouble
            raise
        self._trouble = None
        self._ready = True

    async def migrate_until_done(self, on_failure: Callable[[DatabaseUnavailable, float], None]) -> None:
        """Migrate on the database's own threads; try again after growing waits for as long as it takes.

        ``on_failure`` hears of each failure and of the seconds until the next try.
        """
        wait_s = FIRST_WAIT_S
        while True:
            try:
                return await self._run(self.migrate, wait_s=MIGRATION_WAIT_S)
            except DatabaseUnavailable as failure:
                on_failure(failure, wait_s)
            await self._clock.sleep(wait_s)
            wait_s = min(2 * wait_s, WAIT_MAX_S)

    async def try_out(self) -> None:
        """Return if the database works. After a failure only a write proves that it is over; else reading is enough.

        Raises:
            DatabaseUnavailable: as `run`.
        """
        from ironleaf.foundation.database import looking  # noqa: PLC0415  (loads SQLAlchemy: only when used)

        if self._trouble is None:
            await self.run(looking.answer, read_only=True)
        else:
            await self.run(looking.touch)

    def close(self) -> None:
        """Take no more work, wait for what runs, and let go of the connections. Calling it twice does no harm."""
        with self._opening:
            self._closed = True
            threads, engine, self._threads, self._engine = self._threads, self._engine, None, None
        if threads is not None:
            threads.close()
        if engine is not None:
            engine.dispose()

    async def aclose(self) -> None:
        """Close without blocking the event loop, and without waiting longer than ``CLOSE_S`` for what hangs."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.to_thread(self.close)

    async def _run(self, call: Callable[[], T], *, wait_s: float) -> T:
        with self._opening:
            if self._closed:
                raise make_unavailable(Trouble.CLOSED)
            if self._threads is None:
                self._threads = WorkThreads(
                    threads=self._settings.threads, queue_max=self._settings.queue_max, name="database"
                )
            threads = self._threads
        return await threads.run(call, wait_s=wait_s)

    def _open(self) -> Engine:
        from ironleaf.foundation.database.engines import make_engine  # noqa: PLC0415

        with self._opening:
            if self._closed:
                raise make_unavailable(Trouble.CLOSED)
            if self._engine is None:
                self._engine = make_engine(self._settings)
            return self._engine
