"""How the parts that every answer needs are doing: cheap looks, no work."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from ironleaf.application.figures import DISK, SPOOL, DiskPlace, read_disks
from ironleaf.foundation.database import Database, DatabaseUnavailable, Trouble
from ironleaf.foundation.errors import Text
from ironleaf.foundation.health import HealthStatus, ProbeResult
from ironleaf.foundation.monitoring.detection import DiskFigures
from ironleaf.foundation.processes import WorkerPool

ANSWER_S: Final = 0.7
"""Less than the health board gives a probe: what is slow is degraded here, and not unhealthy there."""
MEBIBYTE: Final = 1024**2

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


class _PatientProbe(ABC):
    """Asks what may take its time. While one question has not been answered, no second one is asked."""

    def __init__(self, name: str, silent: ProbeResult) -> None:
        self._name = name
        self._silent = silent
        self._asking: asyncio.Task[ProbeResult] | None = None

    @property
    def name(self) -> str:
        return self._name

    async def check(self) -> ProbeResult:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        await asyncio.wait({self._asking}, timeout=ANSWER_S)
        return self._asking.result() if self._asking.done() else self._silent

    @abstractmethod
    async def _ask(self) -> ProbeResult: ...


class DatabaseProbe(_PatientProbe):
    """Degraded while the database is away, unwritable or without its tables: files are converted all the same."""

    def __init__(self, database: Database) -> None:
        super().__init__("database", _degraded(database.dialect, _NO_ANSWER))
        self._database = database

    async def _ask(self) -> ProbeResult:
        dialect = self._database.dialect
        try:
            await self._database.try_out()
        except DatabaseUnavailable as failure:
            return _degraded(dialect, TROUBLES[failure.trouble])
        if not self._database.ready:
            return _degraded(dialect, _NOT_READY)
        return ProbeResult(status=HealthStatus.HEALTHY, detail=dialect)


class DiskProbe(_PatientProbe):
    """Unhealthy while the spool's disk has no room for an upload, degraded while another one lacks its reserve."""

    def __init__(self, places: Sequence[DiskPlace]) -> None:
        silent = ProbeResult(status=HealthStatus.DEGRADED, detail=_NO_ANSWER.en, detail_zh=_NO_ANSWER.zh)
        super().__init__(DISK, silent)
        self._places = tuple(places)

    async def _ask(self) -> ProbeResult:
        disks = await asyncio.to_thread(read_disks, self._places)
        short = {each.name for each in disks if each.free_bytes < each.reserve_bytes}
        worst = HealthStatus.DEGRADED if short else HealthStatus.HEALTHY
        words = tuple(map(_describe, disks))
        return ProbeResult(
            status=HealthStatus.UNHEALTHY if SPOOL in short else worst,
            detail="; ".join(each.en for each in words),
            detail_zh="；".join(each.zh for each in words),
        )


def _describe(disk: DiskFigures) -> Text:
    free, reserve = int(disk.free_bytes // MEBIBYTE), int(disk.reserve_bytes // MEBIBYTE)
    return Text(
        f"{disk.name}: {free} MiB free, {reserve} MiB in reserve",
        f"{disk.name}：剩余 {free} MiB，需预留 {reserve} MiB",
    )


def _degraded(dialect: str, words: Text) -> ProbeResult:
    return ProbeResult(
        status=HealthStatus.DEGRADED, detail=f"{dialect}: {words.en}", detail_zh=f"{dialect}：{words.zh}"
    )
