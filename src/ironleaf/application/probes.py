"""How the parts that every answer needs are doing: cheap looks, no work."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ironleaf.foundation.database import Database, DatabaseUnavailable, Trouble
from ironleaf.foundation.errors import Text
from ironleaf.foundation.health import HealthStatus, ProbeResult
from ironleaf.foundation.processes import WorkerPool

DATABASE_ANSWER_S: Final = 0.7
"""Less than the health board gives a probe: what is slow is degraded here, and not unhealthy there."""

_NO_ANSWER: Final = Text("no answer yet", "尚无响应")
_NOT_READY: Final = Text("the schema is not up to date yet", "数据表结构尚未更新")
TROUBLES: Final[Mapping[Trouble, Text]] = MappingProxyType(
    {
        trouble: Text(trouble.value, words)
        for trouble, words in {
            Trouble.UNREACHABLE: "无法连接",
            Trouble.REFUSED: "拒绝访问",
            Trouble.MISSING: "数据库不存在",
            Trouble.BUSY: "繁忙",
            Trouble.TIMEOUT: "超时",
            Trouble.OVERLOADED: "排队过多",
            Trouble.FULL: "磁盘已满",
            Trouble.READ_ONLY: "只读",
            Trouble.DISK: "磁盘故障",
            Trouble.CORRUPT: "文件已损坏",
            Trouble.SCHEMA: "数据表缺失或版本过旧",
            Trouble.NEWER: "由更新版本的程序创建",
            Trouble.STATEMENT: "语句有误",
            Trouble.CLOSED: "已关闭",
        }.items()
    }
)
"""What keeps the database from working, as operators are told."""


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
        return ProbeResult(
            status=HealthStatus.HEALTHY if status.ready else HealthStatus.UNHEALTHY,
            detail=f"{status.alive} of {status.size} workers, {status.busy} busy, {status.queued} queued",
            detail_zh=f"工作进程 {status.alive}/{status.size}，忙碌 {status.busy}，排队任务 {status.queued}",
        )


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
            return _degraded(self._database.dialect, _NO_ANSWER)
        return self._asking.result()

    async def _ask(self) -> ProbeResult:
        dialect = self._database.dialect
        try:
            await self._database.try_out()
        except DatabaseUnavailable as failure:
            return _degraded(dialect, TROUBLES[failure.trouble])
        if not self._database.ready:
            return _degraded(dialect, _NOT_READY)
        return ProbeResult(status=HealthStatus.HEALTHY, detail=dialect)


def _degraded(dialect: str, words: Text) -> ProbeResult:
    return ProbeResult(
        status=HealthStatus.DEGRADED, detail=f"{dialect}: {words.en}", detail_zh=f"{dialect}：{words.zh}"
    )
