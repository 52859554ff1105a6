"""Answers for people: how often, by which side, since when, how long it took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.events import Measured
from ironleaf.foundation.monitoring.windows import Window, find_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ironleaf.foundation.monitoring.tally import Dimension, Tally, WorkTally

HOUR_S: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency:
    """How often errors came in one window."""

    window: Window
    count: int
    per_minute: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorLine:
    """Errors that share one value of a dimension."""

    value: str
    """`none` where an error has no value here; `other` beyond what is told apart."""
    count: int
    share: float
    """Of all errors of the window, 0-1."""
    per_minute: float
    first_seen: datetime
    """Within the window."""
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLine:
    """Work of one kind in one window. Counts, sums, least and most are exact, percentiles within 2 %."""

    measured: Measured
    name: str
    count: int
    failed: int
    average_s: float
    min_s: float
    max_s: float
    p50_s: float
    p95_s: float
    p99_s: float
    per_second: float
    """Throughput: pieces that ended, over the seconds of the window."""
    queue_average_s: float
    """Of the duration, waiting for a turn."""
    queue_p95_s: float
    queue_max_s: float
    pages: int
    pages_per_second: float
    """Pages over the seconds that this work took without its waiting: how fast one of its kind is."""


def spread_requests(periods: Iterable[tuple[int, Tally]]) -> dict[datetime, int]:
    """Return the requests by the beginning of their hour; ``periods`` are those of a week, two hours each.

    Which of the two hours a request came in is no longer known: each gets half.
    """
    hours: dict[datetime, int] = {}
    for start_s, tally in periods:
        both = sum(work.duration.count for (measured, _), work in tally.work.items() if measured is Measured.ROUTE)
        hours[_moment(start_s * 1000)], hours[_moment((start_s + HOUR_S) * 1000)] = both - both // 2, both // 2
    return hours


def list_errors(tally: Tally, dimension: Dimension, covered_s: float) -> tuple[ErrorLine, ...]:
    """Return the distribution over one dimension, the most frequent value first."""
    total = tally.error_count
    lines = [
        ErrorLine(
            value=value,
            count=count,
            share=count / total if total else 0.0,
            per_minute=count * 60 / covered_s,
            first_seen=_moment(first_ms),
            last_seen=_moment(last_ms),
        )
        for value, (count, first_ms, last_ms) in tally.errors.get(dimension, {}).items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.count, line.value)))


def list_frequencies(tallies: Mapping[Window, Tally], now_s: float) -> tuple[Frequency, ...]:
    """Return how often errors came in each of the windows that end now."""
    return tuple(
        Frequency(
            window=window,
            count=tally.error_count,
            per_minute=tally.error_count * 60 / find_span(window, now_s).covered_s,
        )
        for window, tally in tallies.items()
    )


def list_work(tally: Tally, covered_s: float) -> tuple[WorkLine, ...]:
    """Return a line for each stage, engine, backend and route, in this order."""
    order = list(Measured)
    keys = sorted(tally.work, key=lambda key: (order.index(key[0]), key[1]))
    return tuple(_describe(measured, name, tally.work[measured, name], covered_s) for measured, name in keys)


def _describe(measured: Measured, name: str, work: WorkTally, covered_s: float) -> WorkLine:
    duration, wait = work.duration, work.wait
    busy_s = duration.sum_s - wait.sum_s
    return WorkLine(
        measured=measured,
        name=name,
        count=duration.count,
        failed=work.failed,
        average_s=duration.average_s,
        min_s=duration.min_s,
        max_s=duration.max_s,
        p50_s=duration.quantile_s(0.50),
        p95_s=duration.quantile_s(0.95),
        p99_s=duration.quantile_s(0.99),
        per_second=duration.count / covered_s,
        queue_average_s=wait.average_s,
        queue_p95_s=wait.quantile_s(0.95),
        queue_max_s=wait.max_s,
        pages=work.pages,
        pages_per_second=work.pages / busy_s if busy_s > 0 else 0.0,
    )


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
