"""How the parts that every answer needs are doing: cheap looks, no work."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ironleaf.foundation.database import Database, DatabaseUnavailable
from ironleaf.foundation.health import HealthStatus, ProbeResult
from ironleaf.foundation.processes import WorkerPool

DATABASE_ANSWER_S: Final = 0.7
"""Less than the health board gives a probe: what is slow is degraded here, and not unhealthy there."""


class PoolProbe:
    """Healthy while a worker can take a job, unhealthy without any: one under replacement is back within a second."""

    def __init__(self, name: str, pool: WorkerPool[Any, Any]) -> None:
        self._name = name
        self._pool = pool

    @property
    def name(self) -> str:
        return self._name

    async def check(self) -> ProbeResult:
        status = self._pool.status()
        detail = f"{status.alive} of {status.size} workers, {status.busy} busy, {status.queued} queued"
        if not status.ready:
            return ProbeResult(status=HealthStatus.UNHEALTHY, detail=detail)
        return ProbeResult(status=HealthStatus.HEALTHY, detail=detail)


class DatabaseProbe:
    """Degraded while the database is away, unwritable or without its tables: files are converted all the same.

    While one question has not been answered, no second one is asked.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asking: asyncio.Task[ProbeResult] | None = None

    @property
    def name(self) -> str:
        return "database"

    async def check(self) -> ProbeResult:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        await asyncio.wait({self._asking}, timeout=DATABASE_ANSWER_S)
        if not self._asking.done():
            return ProbeResult(status=HealthStatus.DEGRADED, detail=f"{self._database.dialect}: no answer yet")
        return self._asking.result()

    async def _ask(self) -> ProbeResult:
        dialect = self._database.dialect
        try:
            await self._database.try_out()
        except DatabaseUnavailable as failure:
            return ProbeResult(status=HealthStatus.DEGRADED, detail=f"{dialect}: {failure.trouble.value}")
        if not self._database.ready:
            return ProbeResult(status=HealthStatus.DEGRADED, detail=f"{dialect}: the schema is not up to date yet")
        return ProbeResult(status=HealthStatus.HEALTHY, detail=dialect)
