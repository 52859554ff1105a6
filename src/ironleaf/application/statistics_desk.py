"""Answers questions about errors and speed: of all replicas, from the database they share, or of this process alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import Catalogue
from ironleaf.foundation.monitoring import (
    Dimension,
    Frequency,
    Measured,
    Tally,
    Window,
    WorkLine,
    list_frequencies,
    list_work,
)
from ironleaf.foundation.monitoring.causes import Cause
from ironleaf.foundation.monitoring.recorder import Recorder
from ironleaf.foundation.monitoring.statistics import list_errors
from ironleaf.foundation.monitoring.tally import WorkTally
from ironleaf.foundation.monitoring.windows import find_span
from ironleaf.foundation.monitoring.work import WorkKey

CAUSES_SHOWN_MAX: Final = 50
"""Root causes in one answer, those seen last."""


class View(StrEnum):
    """Whose statistics."""

    ALL = "all"
    """Everybody's who shares the database: needs it."""
    REPLICA = "replica"
    """This process's since its start: needs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShare:
    """Errors that share one value of the dimension that was asked for."""

    value: str
    """`none` where an error has no value here; `other` beyond what is told apart."""
    reason: str | None
    """What a code means."""
    count: int
    share: float
    """Of all errors of the window, 0-1."""
    per_minute: float
    first_seen: datetime
    """Within the window."""
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStatistics:
    """How often errors came, of which kind, and why."""

    window: Window
    by: Dimension
    view: View
    covered_s: float
    """The seconds that the window really covers: its last period is not over yet."""
    count: int
    per_minute: float
    distribution: tuple[ErrorShare, ...]
    frequency: tuple[Frequency, ...]
    """In every window, for comparison."""
    causes: tuple[Cause, ...]
    """Root causes, those seen last first: since when they are known and how often they came, beyond every window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceStatistics:
    """How long work took."""

    window: Window
    view: View
    covered_s: float
    work: tuple[WorkLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSeries:
    """How long one kind of work took, minute by minute; None where there was none."""

    measured: Measured
    name: str
    p50_s: tuple[float | None, ...]
    p95_s: tuple[float | None, ...]
    p99_s: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The last hour of this process, minute by minute. All lists are equally long."""

    at: tuple[int, ...]
    """Starts of the minutes, in seconds of the epoch."""
    errors: tuple[int, ...]
    work: tuple[WorkSeries, ...]
    """For each stage, engine, backend and route that had work, in this order."""


@dataclass(frozen=True, slots=True)
class _Trace:
    count: int
    p50_s: float
    p95_s: float
    p99_s: float

    @classmethod
    def of(cls, work: WorkTally) -> _Trace:
        p50_s, p95_s, p99_s = (work.duration.quantile_s(share) for share in (0.50, 0.95, 0.99))
        return cls(work.duration.count, p50_s, p95_s, p99_s)


class StatisticsDesk:
    """Reads what the recorder has kept."""

    def __init__(self, recorder: Recorder, *, catalogue: Catalogue, clock: Clock) -> None:
        self._recorder = recorder
        self._catalogue = catalogue
        self._clock = clock
        self._traced: dict[WorkKey, dict[int, _Trace]] = {}
        """Percentiles of minutes that were asked for before: nearly all are over, and change no more."""

    async def errors(self, window: Window, by: Dimension, view: View) -> ErrorStatistics:
        """Return how often errors came in the window that ends now.

        Raises:
            DatabaseUnavailable: everybody's are asked for, and the database is away.
        """
        now_s = self._clock.now().timestamp()
        if view is View.ALL:
            tallies, causes = await self._recorder.read_all(tuple(Window)), await self._recorder.read_causes()
        else:
            tallies, causes = {each: self._recorder.read(each) for each in Window}, self._recorder.causes
        tally, covered_s = tallies[window], find_span(window, now_s).covered_s
        return ErrorStatistics(
            window=window,
            by=by,
            view=view,
            covered_s=covered_s,
            count=tally.error_count,
            per_minute=tally.error_count * 60 / covered_s,
            distribution=self._distribute(tally, by, covered_s),
            frequency=list_frequencies(tallies, now_s),
            causes=_latest(causes.values()),
        )

    async def performance(self, window: Window, view: View) -> PerformanceStatistics:
        """Return how long work took in the window that ends now.

        Raises:
            DatabaseUnavailable: everybody's is asked for, and the database is away.
        """
        covered_s = find_span(window, self._clock.now().timestamp()).covered_s
        tallies = await self._recorder.read_all((window,)) if view is View.ALL else None
        tally = tallies[window] if tallies else self._recorder.read(window)
        return PerformanceStatistics(window=window, view=view, covered_s=covered_s, work=list_work(tally, covered_s))

    def timeline(self) -> Timeline:
        """Return the last hour of this process: errors, and how long work took."""
        minutes = self._recorder.split(Window.HOUR)
        order = list(Measured)
        keys = sorted(
            {key for _, tally in minutes for key in tally.work}, key=lambda key: (order.index(key[0]), key[1])
        )
        return Timeline(
            at=tuple(start_s for start_s, _ in minutes),
            errors=tuple(tally.error_count for _, tally in minutes),
            work=tuple(self._trace(key, minutes) for key in keys),
        )

    def _trace(self, key: WorkKey, minutes: Sequence[tuple[int, Tally]]) -> WorkSeries:
        known = self._traced.get(key, {})
        fresh: dict[int, _Trace] = {}
        for start_s, tally in minutes:
            work = tally.work.get(key)
            if work is None:
                continue
            trace = known.get(start_s)
            fresh[start_s] = trace if trace is not None and trace.count == work.duration.count else _Trace.of(work)
        self._traced[key] = fresh
        traces = [fresh.get(start_s) for start_s, _ in minutes]
        return WorkSeries(
            measured=key[0],
            name=key[1],
            p50_s=tuple(None if each is None else each.p50_s for each in traces),
            p95_s=tuple(None if each is None else each.p95_s for each in traces),
            p99_s=tuple(None if each is None else each.p99_s for each in traces),
        )

    def _distribute(self, tally: Tally, by: Dimension, covered_s: float) -> tuple[ErrorShare, ...]:
        return tuple(
            ErrorShare(
                value=line.value,
                reason=self._find_reason(line.value) if by is Dimension.CODE else None,
                count=line.count,
                share=line.share,
                per_minute=line.per_minute,
                first_seen=line.first_seen,
                last_seen=line.last_seen,
            )
            for line in list_errors(tally, by, covered_s)
        )

    def _find_reason(self, code: str) -> str | None:
        entry = self._catalogue.find_code(int(code)) if code.isdigit() else None
        return None if entry is None else entry.reason


def _latest(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    return tuple(sorted(causes, key=lambda cause: cause.last_seen, reverse=True)[:CAUSES_SHOWN_MAX])
