"""``ironleaf errors stats`` and ``ironleaf performance``: what is in the database, as tables."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from ironleaf.application.catalogue import build_catalogue
from ironleaf.application.cli.exits import find_language
from ironleaf.application.settings import Settings
from ironleaf.application.statistics_desk import ErrorStatistics, PerformanceStatistics, StatisticsDesk, View
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database
from ironleaf.foundation.errors import Language
from ironleaf.foundation.monitoring import Dimension, Window
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
        "en": ("", "what", "count", "failed", "average", "p50", "p95", "p99", "most", "queue p95", "pages/s"),
        "zh": ("", "对象", "次数", "失败", "平均", "p50", "p95", "p99", "最长", "排队 p95", "页/秒"),
    },
}


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
    console = Console()
    console.print("  ".join(f"{line.window.value}: {line.count}" for line in found.frequency))
    table = _make_table("errors", language)
    for line in found.distribution:
        name = f"{line.value} {line.reason}" if line.reason else line.value
        times = (line.first_seen, line.last_seen)
        moments = (f"{moment:%Y-%m-%d %H:%M:%S}" for moment in times)
        table.add_row(name, str(line.count), f"{line.share:.1%}", f"{line.per_minute:.2f}", *moments)
    console.print(table)
    causes = _make_table("causes", language)
    for cause in found.causes:
        moments = (f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (cause.first_seen, cause.last_seen))
        causes.add_row(cause.cause, cause.reason, cause.component, str(cause.count), *moments)
    console.print(causes)


def show_performance(settings: Settings, window: Window, *, as_json: bool) -> None:
    """Write how long work took in the window that ends now.

    Raises:
        DatabaseUnavailable: the database cannot be read.
    """
    found = asyncio.run(_ask(settings, lambda desk, view: desk.performance(window, view)))
    if as_json:
        _write_json(PerformanceStatistics, found)
        return
    table = _make_table("work", find_language())
    for line in found.work:
        seconds = (line.average_s, line.p50_s, line.p95_s, line.p99_s, line.max_s, line.queue_p95_s)
        table.add_row(
            line.measured.value,
            line.name,
            str(line.count),
            str(line.failed),
            *(f"{each:.3f} s" for each in seconds),
            f"{line.pages_per_second:.2f}",
        )
    Console().print(table)


def _make_table(what: str, language: Language) -> Table:
    table = Table()
    for head in _HEADS[what][language]:
        table.add_column(head, overflow="fold")  # nothing is cut on a narrow terminal
    return table


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
