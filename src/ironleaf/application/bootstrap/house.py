"""Everything that runs, under one roof."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ironleaf.application.access.desk import Access
from ironleaf.application.alerting import Alerting
from ironleaf.application.conversions import Conversions
from ironleaf.application.detection import Detection
from ironleaf.application.engine_desk import EngineDesk
from ironleaf.application.options import EngineChoice
from ironleaf.application.oversight import recall_past
from ironleaf.application.progress import ProgressBoard
from ironleaf.application.settings import Settings
from ironleaf.application.subscriptions import (
    log_database,
)
from ironleaf.application.watching import Watching
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.database import Database
from ironleaf.foundation.database.exchange import Exchange
from ironleaf.foundation.errors import Catalogue, NoticeEntry
from ironleaf.foundation.health import HealthBoard
from ironleaf.foundation.monitoring.recorder import Recorder
from ironleaf.foundation.processes import WorkerPool
from ironleaf.services.engines.base import Engine
from ironleaf.services.engines.guarded import GuardedEngine
from ironleaf.services.engines.healing import ReplaceableModel
from ironleaf.services.engines.probe import BackendWatch
from ironleaf.services.files.quarantine import Quarantine
from ironleaf.services.files.spool import SpoolRoot

if TYPE_CHECKING:
    from ironleaf.application.tracing.spans import Tracing

SCHEMA_WAIT_S: Final = 5.0
"""How long incidents and keys wait for the schema at start; with the database away they do without."""


@dataclass(slots=True, kw_only=True)
class House:
    """Everything that runs. Made by `build_house`; `start` it before use, `aclose` it after."""

    settings: Settings
    clock: Clock
    catalogue: Catalogue
    notices: tuple[NoticeEntry, ...]
    health: HealthBoard
    database: Database
    exchanges: tuple[Exchange[Any, Any], ...]
    """The traffic of the stores with the database; none in a command, which keeps its records in files."""
    access: Access
    conversions: Conversions
    engines: dict[EngineChoice, Engine]
    pools: tuple[WorkerPool[Any, Any], ...]
    """Those who open files, then those who recognise."""
    readers: tuple[ReplaceableModel, ...]
    """The model servers without their guards, for the doctor."""
    watches: tuple[BackendWatch, ...]
    desk: EngineDesk
    quarantine: Quarantine
    alerting: Alerting
    detection: Detection
    progress: ProgressBoard
    backends: tuple[GuardedEngine, ...]
    """The model servers with their guards."""
    watching: Watching
    """Makes statistics of what the house tells; whoever wants to hear too joins by its ``listen``."""
    recorder: Recorder
    """The statistics of this process, and its part of those in the database."""
    tracing: Tracing | None
    """Writes traces, if somebody wants them."""
    spools: SpoolRoot = field(repr=False)
    _schema: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]], repr=False)

    async def start(self, *, look_at_once: bool = True, reads: bool = True) -> None:
        """Start the worker processes, then the watches over the backends.

        ``look_at_once`` shows each backend the canary page now, and not only after a quiet minute.
        Without ``reads`` files can be opened, and no page recognised.

        Raises:
            ExceptionGroup: of WorkerLost, a worker does not start; of SandboxMissing, a
                sandbox is required and the kernel has none.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for pool in self.pools if reads else self.pools[:1]:
                    group.create_task(pool.start())
        except BaseException:
            await self.aclose()
            raise
        if self.exchanges:
            self._tasks += [asyncio.create_task(self._keep_records()), asyncio.create_task(self.recorder.run())]
        self._tasks += [asyncio.create_task(watch.run(look_at_once=look_at_once)) for watch in self.watches]

    async def _keep_records(self) -> None:
        """Bring the schema up to date, however long that takes, and then what the stores hold to the database."""
        await self.database.migrate_until_done(log_database)
        self._schema.set()
        await recall_past(self.detection, self.recorder)
        async with asyncio.TaskGroup() as group:
            for exchange in self.exchanges:
                group.create_task(exchange.run())

    def oversee(self) -> None:
        """Begin to look for trouble, to tell people of it, and to know keys: for a service."""
        self._tasks.append(asyncio.create_task(self.detection.run()))
        self._tasks += [
            asyncio.create_task(self._after_schema(run)) for run in (self.alerting.run, self.access.ring.run)
        ]

    async def _after_schema(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do the work; a database that is not up to date is waited for, but only for a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SCHEMA_WAIT_S):
                await self._schema.wait()
        await work()

    async def aclose(self) -> None:
        """Stop taking work, end the workers, delete the spools. Calling it twice does no harm."""
        self.health.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for engine in self.engines.values():
            await engine.aclose()
        for pool in self.pools:
            await pool.aclose()
        if self.database.ready:
            for store in (*self.exchanges, self.recorder):
                await store.aclose()
        await self.access.ring.aclose()
        if self.tracing is not None:
            await self.tracing.aclose()
        await self.database.aclose()
        self.spools.close()
