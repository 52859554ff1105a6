"""What happened in one period: errors by each of their sides, work by who did it. Tallies add up."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from ironleaf.foundation.monitoring.buckets import Heap, Sketch, heap_up
from ironleaf.foundation.monitoring.events import Measured

if TYPE_CHECKING:
    from ironleaf.foundation.monitoring.events import ErrorEvent
    from ironleaf.foundation.monitoring.work import Work, WorkKey

VALUES_MAX: Final = 200
"""Values of one dimension that a tally tells apart; all further ones together are ``other``."""
WORKERS_MAX: Final = 150
"""Stages, engines, backends and routes that a tally tells apart; the house has some forty."""
OTHER: Final = "other"
NONE: Final = "none"
"""Stands where an error has no value: no backend took part, no file type was found."""


class Dimension(StrEnum):
    """The sides by which errors are told apart."""

    CODE = "code"
    LEVEL = "level"
    KIND = "kind"
    OUTCOME = "outcome"
    COMPONENT = "component"
    BACKEND = "backend"
    ENGINE = "engine"
    FILE_TYPE = "file_type"
    ROUTE = "route"
    CAUSE = "cause"


Seen = list[int]
"""How often, first and last: the times in milliseconds of the epoch."""


def name_cause(event: ErrorEvent) -> str:
    """Return what errors of one root cause share: the fingerprint, or without an exception the reason."""
    return event.fingerprint or event.reason


class Bulk(NamedTuple):
    """Pieces of work of one kind, folded once for all who count them."""

    duration: Heap
    wait: Heap
    pages: int
    failed: int


def fold_work(work: Work) -> Bulk:
    """Return pieces of work as they are counted."""
    return Bulk(heap_up(work.durations_s), heap_up(work.waits_s), sum(work.pages), len(work) - sum(work.oks))


class WorkTally:
    """Pieces of work of one kind."""

    __slots__ = ("duration", "failed", "pages", "wait")

    def __init__(self) -> None:
        self.duration = Sketch()
        self.wait = Sketch()
        self.failed = 0
        self.pages = 0

    def add(self, bulk: Bulk) -> None:
        """Count some."""
        self.duration.add(bulk.duration)
        self.wait.add(bulk.wait)
        self.pages += bulk.pages
        self.failed += bulk.failed

    def merge(self, other: WorkTally) -> None:
        """Count everything that ``other`` has counted."""
        self.duration.merge(other.duration)
        self.wait.merge(other.wait)
        self.failed += other.failed
        self.pages += other.pages


class Tally:
    """Errors and work of one period or of several together. Merging is the same as having heard all of both."""

    __slots__ = ("errors", "work")

    def __init__(self) -> None:
        self.errors: dict[Dimension, dict[str, Seen]] = {}
        self.work: dict[WorkKey, WorkTally] = {}

    @property
    def empty(self) -> bool:
        return not self.errors and not self.work

    @property
    def error_count(self) -> int:
        """All errors: each has exactly one level."""
        return sum(seen[0] for seen in self.errors.get(Dimension.LEVEL, {}).values())

    def add_error(self, event: ErrorEvent, at_ms: int) -> None:
        """Count one error on each of its sides."""
        for dimension, value in (
            (Dimension.CODE, str(event.code)),
            (Dimension.LEVEL, event.level.value),
            (Dimension.KIND, event.kind.value),
            (Dimension.OUTCOME, event.outcome.value),
            (Dimension.COMPONENT, event.component),
            (Dimension.BACKEND, event.backend),
            (Dimension.ENGINE, event.engine),
            (Dimension.FILE_TYPE, event.file_type),
            (Dimension.ROUTE, event.route),
            (Dimension.CAUSE, name_cause(event)),
        ):
            self._count(dimension, value or NONE, 1, at_ms, at_ms)

    def add_work(self, key: WorkKey, bulk: Bulk) -> None:
        """Count pieces of work that ``key`` did."""
        self._worker(key).add(bulk)

    def merge(self, other: Tally) -> None:
        """Count everything that ``other`` has counted."""
        for dimension, values in other.errors.items():
            for value, (count, first_ms, last_ms) in values.items():
                self._count(dimension, value, count, first_ms, last_ms)
        for key, work in other.work.items():
            self._worker(key).merge(work)

    def _count(self, dimension: Dimension, value: str, count: int, first_ms: int, last_ms: int) -> None:
        values = self.errors.setdefault(dimension, {})
        seen = values.get(value)
        if seen is None and len(values) >= VALUES_MAX:
            value, seen = OTHER, values.get(OTHER)
        if seen is None:
            values[value] = [count, first_ms, last_ms]
            return
        seen[0] += count
        seen[1] = min(seen[1], first_ms)
        seen[2] = max(seen[2], last_ms)

    def _worker(self, key: WorkKey) -> WorkTally:
        work = self.work.get(key)
        if work is None:
            if len(self.work) >= WORKERS_MAX:
                key = (key[0], OTHER)
            work = self.work.setdefault(key, WorkTally())
        return work


def pack_tally(tally: Tally) -> bytes:
    """Return a tally as JSON."""
    work = {
        f"{measured.value}/{name}": [each.failed, each.pages, each.duration.pack(), each.wait.pack()]
        for (measured, name), each in tally.work.items()
    }
    errors = {dimension.value: values for dimension, values in tally.errors.items()}
    return orjson.dumps({"errors": errors, "work": work})


def unpack_tally(body: bytes) -> Tally:
    """Return the tally that `pack_tally` wrote.

    Raises:
        ValueError: the bytes are not of ours.
    """
    tally = Tally()
    try:
        tree: dict[str, Any] = orjson.loads(body)
        tally.errors = {Dimension(name): values for name, values in tree["errors"].items()}
        for key, (failed, pages, duration, wait) in tree["work"].items():
            measured, _, name = key.partition("/")
            work = tally.work[Measured(measured), name] = WorkTally()
            work.failed, work.pages = failed, pages
            work.duration, work.wait = Sketch.unpack(duration), Sketch.unpack(wait)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError("not a tally") from error
    return tally
