"""Tallies by time: one per period and resolution, so that every window is answered in bounded room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ironleaf.foundation.monitoring.tally import Tally
from ironleaf.foundation.monitoring.windows import (
    FUTURE_S_MAX,
    PERIODS_KEPT,
    RESOLUTIONS_S,
    find_kept,
    find_span,
    start_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.foundation.monitoring.windows import Window


class Rollups:
    """The past of one process, or a part of it on its way to the database. Pure."""

    def __init__(self) -> None:
        self._periods: dict[int, dict[int, Tally]] = {each: {} for each in RESOLUTIONS_S}

    @property
    def empty(self) -> bool:
        return not any(self._periods.values())

    def fold(self, start_s: int, tally: Tally) -> None:
        """Add what happened in one period of the finest length, to this and to the longer ones around it."""
        for resolution_s, periods in self._periods.items():
            periods.setdefault(start_of(start_s, resolution_s), Tally()).merge(tally)

    def prune(self, now_s: float) -> None:
        """Drop the periods that no window reaches any more, and those that claim to lie ahead."""
        for resolution_s, periods in self._periods.items():
            earliest_s, latest_s = find_kept(resolution_s, now_s)
            for start_s in [each for each in periods if not earliest_s <= each <= latest_s]:
                del periods[start_s]

    def bound(self, now_s: float) -> None:
        """Drop what lies furthest from now, should a clock that jumps have made more periods than there can be."""
        for resolution_s, periods in self._periods.items():
            over = len(periods) - PERIODS_KEPT[resolution_s] - FUTURE_S_MAX // resolution_s - 1
            if over > 0:
                for start_s in sorted(periods, key=lambda each: -abs(each - now_s))[:over]:
                    del periods[start_s]

    def read(self, window: Window, now_s: float) -> Tally:
        """Return what happened in the window that ends now."""
        span = find_span(window, now_s)
        total = Tally()
        for start_s, tally in self._periods[span.resolution_s].items():
            if span.first_s <= start_s <= span.last_s:
                total.merge(tally)
        return total

    def split(self, window: Window, now_s: float) -> tuple[tuple[int, Tally], ...]:
        """Return start and tally of every period of the window that ends now; an empty one where nothing was."""
        span = find_span(window, now_s)
        periods = self._periods[span.resolution_s]
        starts = range(span.first_s, span.last_s + 1, span.resolution_s)
        return tuple((start_s, periods.get(start_s, Tally())) for start_s in starts)

    def __iter__(self) -> Iterator[tuple[int, int, Tally]]:
        """Yield resolution, start and tally of every period."""
        for resolution_s, periods in self._periods.items():
            for start_s, tally in periods.items():
                yield resolution_s, start_s, tally
