"""``ironleaf errors stats`` and ``ironleaf performance``: what is in the database, as tables."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeVar

from pydantic import TypeAdapter

from ironleaf.application.catalogue import build_catalogue
from ironleaf.application.cli.exits import find_language
from ironleaf.application.cli.tables import print_rows
from ironleaf.application.settings import Settings
from ironleaf.application.statistics_desk import ErrorStatistics, PerformanceStatistics, StatisticsDesk, View
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database
from ironleaf.foundation.errors import Language, Text
from ironleaf.foundation.monitoring import Dimension, Measured, Window, WorkLine
from ironleaf.foundation.monitoring.recorder import Recorder

T = TypeVar("T", ErrorStatistics, PerformanceStatistics)

_READER: Final = "reader"
"""This process writes nothing, so it needs no name of its own."""
_HEADS: Final = {
    "errors": {
        "en": ("what", "count", "share", "per minute", "first seen", "last seen"),
        "zh": ("内容", "次数", "占比", "每分钟", "首次出现", "最近出现"),
    },
    "causes": {
        "en": ("root cause", "reason", "component", "count", "known since", "last seen"),
        "zh": ("根本原因", "错误", "组件", "次数", "首次发现", "最近出现"),
    },
    "work": {
        "en": ("kind", "what", "count", "failed", "mean", "p50", "p95", "p99", "most", "queue", "pages/s"),
        "zh": ("类别", "对象", "次数", "失败", "平均", "p50", "p95", "p99", "最长", "排队", "页/秒"),
    },
}

_KINDS: Final = {
    Measured.STAGE: Text(en="stage", zh="阶段"),
    Measured.ENGINE: Text(en="engine", zh="引擎"),
    Measured.BACKEND: Text(en="backend", zh="后端"),
    Measured.ROUTE: Text(en="route", zh="接口"),
}
_UNITS: Final = Text(
    en="Times are in seconds; queue is the 95th percentile of waiting for a turn.",
    zh="时间单位为秒；“排队”为等待时间的第 95 百分位数。",
)


def show_errors(settings: Settings, window: Window, by: Dimension, *, as_json: bool) -> None:
    """Write how often errors came in the window that ends now.

    Raises:
        DatabaseUnavailable: the database cannot be read.
    """
    found = asyncio.run(_ask(settings, lambda desk, view: desk.errors(window, by, view)))
    if as_json:
        _write_json(ErrorStatistics, found)
        return
    language = find_language()
    sys.stdout.write("  ".join(f"{line.window.value}: {line.count}" for line in found.frequency) + "\n\n")
    kinds = [
        (
            f"{line.value} {line.reason or ''}".rstrip(),
            str(line.count),
            f"{line.share:.1%}",
            f"{line.per_minute:.2f}",
            _say_time(line.first_seen),
            _say_time(line.last_seen),
        )
        for line in found.distribution
    ]
    print_rows(_HEADS["errors"][language], kinds, language=language, folds=(0,), spare=(2, 3, 4))
    sys.stdout.write("\n")
    causes = [
        (
            cause.cause,
            cause.reason,
            cause.component,
            str(cause.count),
            _say_time(cause.first_seen),
            _say_time(cause.last_seen),
        )
        for cause in found.causes
    ]
    print_rows(_HEADS["causes"][language], causes, language=language, folds=(1, 2), spare=(4,))


def show_performance(settings: Settings, window: Window, *, as_json: bool) -> None:
    """Write how long work took in the window that ends now.

    Raises:
        DatabaseUnavailable: the database cannot be read.
    """
    found = asyncio.run(_ask(settings, lambda desk, view: desk.performance(window, view)))
    if as_json:
        _write_json(PerformanceStatistics, found)
        return
    language = find_language()
    lines = [_list_cells(line, language) for line in found.work]
    print_rows(_HEADS["work"][language], lines, language=language, folds=(1,), spare=(9, 5, 4, 10, 7, 3))
    sys.stdout.write(f"\n{_UNITS.in_language(language)}\n")


def _list_cells(line: WorkLine, language: Language) -> tuple[str, ...]:
    seconds = (line.average_s, line.p50_s, line.p95_s, line.p99_s, line.max_s, line.queue_p95_s)
    return (
        _KINDS[line.measured].in_language(language),
        line.name,
        str(line.count),
        str(line.failed),
        *(f"{each:.3f}" for each in seconds),
        f"{line.pages_per_second:.2f}",
    )


def _say_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


async def _ask(settings: Settings, ask: Callable[[StatisticsDesk, View], Awaitable[T]]) -> T:
    """Return what everybody has written; where there is no database yet, what this process has heard: nothing."""
    clock = SystemClock()
    database = Database(settings.database, clock=clock)
    try:
        recorder = Recorder(database, writer=_READER, clock=clock)
        desk = StatisticsDesk(recorder, catalogue=build_catalogue(), clock=clock)
        return await ask(desk, View.ALL if database.begun else View.REPLICA)
    finally:
        await database.aclose()


def _write_json(kind: type[T], found: T) -> None:
    sys.stdout.write(f"{TypeAdapter(kind).dump_json(found, indent=2).decode()}\n")
