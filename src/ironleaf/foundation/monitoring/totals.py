"""Counts since this process began, as a scraper wants them: they only grow, and a restart sets them to zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.buckets import Histogram
from ironleaf.foundation.monitoring.tally import OTHER, WORKERS_MAX

if TYPE_CHECKING:
    from ironleaf.foundation.monitoring.events import ErrorEvent
    from ironleaf.foundation.monitoring.tally import Bulk
    from ironleaf.foundation.monitoring.work import WorkKey

ERROR_SERIES_MAX: Final = 500
"""Combinations of reason, level, component and outcome that are told apart."""

ErrorKey = tuple[str, str, str, str]
"""Reason, level, component, outcome."""


class WorkTotal:
    """Pieces of work of one kind since the start."""

    __slots__ = ("duration", "failed", "pages", "wait")

    def __init__(self) -> None:
        self.duration = Histogram()
        self.wait = Histogram()
        self.failed = 0
        self.pages = 0

    def add(self, bulk: Bulk) -> None:
        """Count some."""
        self.duration.add(bulk.duration)
        self.wait.add(bulk.wait)
        self.pages += bulk.pages
        self.failed += bulk.failed


class Totals:
    """Everything since the start."""

    __slots__ = ("errors", "work")

    def __init__(self) -> None:
        self.errors: dict[ErrorKey, int] = {}
        self.work: dict[WorkKey, WorkTotal] = {}

    def add_error(self, event: ErrorEvent) -> None:
        """Count one error."""
        key = (event.reason, event.level.value, event.component, event.outcome.value)
        if key not in self.errors and len(self.errors) >= ERROR_SERIES_MAX:
            key = (OTHER, event.level.value, OTHER, event.outcome.value)
        self.errors[key] = self.errors.get(key, 0) + 1

    def add_work(self, key: WorkKey, bulk: Bulk) -> None:
        """Count pieces of work that ``key`` did."""
        total = self.work.get(key)
        if total is None:
            if len(self.work) >= WORKERS_MAX:
                key = (key[0], OTHER)
            total = self.work.setdefault(key, WorkTotal())
        total.add(bulk)
