"""How the parts that every answer needs are doing: cheap looks, no work."""

from __future__ import annotations

from typing import Any

from ironleaf.foundation.health import HealthStatus, ProbeResult
from ironleaf.foundation.processes import WorkerPool


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
