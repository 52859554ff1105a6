"""How many calls the other side can take at once, found out while it works."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ironleaf.foundation.resilience.base import require, size_of
from ironleaf.foundation.resilience.events import LimitCause

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_FLOOR = 1
"""A small model server takes one page at a time; the floors of 20 in other libraries drown it."""
LIMIT_START = 4
"""What one mid-sized card serves; a wrong guess is mended within some dozen calls."""
LIMIT_MAX = 32
"""More pages at once than one replica of this service can prepare."""
QUEUE_TOLERANCE = 2.0
"""A call may take twice its usual time: half of it then goes on waiting over there."""
QUEUE_BACKOFF = 0.9
"""Gentle, since waiting over there costs no throughput yet (Netflix's AIMD uses the same)."""
OVERLOAD_BACKOFF = 0.5
"""Strong, since every call that times out was work for nothing."""
SMOOTHING = 0.1
"""Some ten calls make up the present time of a call."""
BASELINE_DRIFT = 1.0002
"""The remembered best time grows by this for each call, so that one lucky time is forgotten in some thousand calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveLimitOptions:
    floor: int = LIMIT_FLOOR
    start: int = LIMIT_START
    max: int = LIMIT_MAX
    queue_tolerance: float = QUEUE_TOLERANCE
    queue_backoff: float = QUEUE_BACKOFF
    overload_backoff: float = OVERLOAD_BACKOFF

    def __post_init__(self) -> None:
        require(1 <= self.floor <= self.start <= self.max, "need 1 <= floor <= start <= max")
        require(self.queue_tolerance > 1.0, "queue_tolerance must be above 1")
        require(0.0 < self.queue_backoff < 1.0, "queue_backoff must be between 0 and 1")
        require(0.0 < self.overload_backoff < 1.0, "overload_backoff must be between 0 and 1")


@dataclass(slots=True, kw_only=True)
class _Pace:
    """Of calls of one size, in seconds for each unit of cost."""

    unit_s: float
    """At present."""
    baseline_s: float = math.inf
    """At the best."""


class AdaptiveLimit:
    """Additive increase while all permits are used, multiplicative decrease on queueing over there and on overload.

    Pure: it is told of calls and their times and waits for nothing. Calls that
    began before the last decrease tell about the limit before it and change
    nothing, so that there is one decrease for each round of calls. Calls are
    compared with those of their own size only.
    """

    def __init__(self, options: AdaptiveLimitOptions, *, on_change: Callable[[int, LimitCause], None]) -> None:
        self._options = options
        self._on_change = on_change
        self._limit = float(options.start)
        self._call_s: float | None = None
        self._paces: dict[int, _Pace] = {}
        self._cut_at_s = -math.inf

    @property
    def limit(self) -> int:
        """How many calls may run at once."""
        return int(self._limit)

    @property
    def call_s(self) -> float | None:
        """How long calls take at present, of whatever cost they are; nothing if none has been seen yet."""
        return self._call_s

    def expected_s(self, cost: float) -> float | None:
        """Return how long a call of this cost takes at present; nothing if none has been seen yet.

        A size that has not been seen yet is judged by the nearest one, in proportion.
        """
        if not self._paces:
            return None
        size = size_of(cost)
        return self._paces[min(self._paces, key=lambda known: abs(known - size))].unit_s * cost

    def too_long_s(self, cost: float) -> float:
        """Return the time beyond which a call of this cost speaks of overload; zero if none has been seen yet."""
        return self._options.queue_tolerance * (self.expected_s(cost) or 0.0)

    def succeeded(self, *, started_s: float, now_s: float, cost: float, all_used: bool) -> None:
        """Take an answered call into account; ``all_used`` tells whether its permit was the last one."""
        self._call_s = _smooth(self._call_s, now_s - started_s)
        pace = self._observe((now_s - started_s) / cost, size_of(cost))
        if started_s < self._cut_at_s:
            return
        if pace.unit_s > self._options.queue_tolerance * pace.baseline_s:
            self._cut(self._options.queue_backoff, LimitCause.QUEUE_TIME, now_s=now_s)
        elif all_used:
            self._set(self._limit + 1.0 / self._limit, LimitCause.DEMAND)

    def overloaded(self, *, started_s: float, now_s: float) -> None:
        """Take a call into account that timed out or was refused for overload."""
        if started_s >= self._cut_at_s:
            self._cut(self._options.overload_backoff, LimitCause.OVERLOAD, now_s=now_s)

    def _observe(self, unit_s: float, size: int) -> _Pace:
        pace = self._paces.setdefault(size, _Pace(unit_s=unit_s))
        pace.unit_s = _smooth(pace.unit_s, unit_s)
        # At the floor nobody of ours queues over there: if it is slow now, the model itself has become slower.
        at_floor = self.limit == self._options.floor
        pace.baseline_s = pace.unit_s if at_floor else min(pace.unit_s, pace.baseline_s * BASELINE_DRIFT)
        return pace

    def _cut(self, factor: float, cause: LimitCause, *, now_s: float) -> None:
        self._cut_at_s = now_s
        self._set(self._limit * factor, cause)

    def _set(self, limit: float, cause: LimitCause) -> None:
        before = self.limit
        self._limit = min(float(self._options.max), max(float(self._options.floor), limit))
        if self.limit != before:
            self._on_change(self.limit, cause)


def _smooth(before: float | None, now: float) -> float:
    return now if before is None else before + SMOOTHING * (now - before)
