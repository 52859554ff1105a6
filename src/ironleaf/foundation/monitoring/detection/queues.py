"""A waiting queue stays full, or grows so that it soon will be."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import QUEUE_GROWTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.foundation.monitoring.detection.tick import QueueFigures, Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

FULL_SHARE: Final = 0.8
"""Of its places taken, on average over the minutes below: nearly full."""
GROWING_SHARE: Final = 0.4
"""Less than this may grow as it likes: a batch that arrives is no trend."""
FULL_IN_S: Final = 300.0
"""A queue that will be full within this time at its present growth is as good as full."""
MINUTES: Final = 6
"""Looked at together. A batch that fits the queue drains visibly within them; peaks of a few minutes are normal."""
CLEAR_SHARE: Final = 0.3
CLEAR_S: Final = 300.0
MINUTE_S: Final = 60.0


class Queues:
    """Growth of each queue; a queue without places is none."""

    def __init__(self, *, full_share: float = FULL_SHARE) -> None:
        self._full_share = full_share
        self._queues: dict[str, _Queue] = {}

    def feed(self, tick: Tick) -> Iterator[Signal]:
        for figures in tick.queues:
            if figures.waiting_max > 0:
                queue = self._queues.setdefault(figures.name, _Queue(figures.name, self._full_share))
                yield from queue.feed(tick, figures)

    def forget(self, identity: Identity) -> None:
        for queue in self._queues.values():
            queue.forget(identity)


class _Queue:
    """One queue, minute by minute."""

    def __init__(self, name: str, full_share: float) -> None:
        self._full_share = full_share
        self._condition = Condition(QUEUE_GROWTH, "queue", name, clear_s=CLEAR_S)
        self._minute: int | None = None
        self._sum, self._count = 0.0, 0
        self._means: deque[float] = deque(maxlen=MINUTES)

    def feed(self, tick: Tick, figures: QueueFigures) -> tuple[Signal, ...]:
        """Take one look at the queue into account."""
        minute = int(tick.now_s // MINUTE_S)
        if self._minute is not None and minute != self._minute and self._count:
            self._means.append(self._sum / self._count)
            self._sum, self._count = 0.0, 0
        self._minute = minute
        self._sum += min(1.0, figures.waiting / figures.waiting_max)
        self._count += 1
        if len(self._means) < MINUTES:
            return ()
        growth = self._growth_per_s()
        full_in_s = (1.0 - self._means[-1]) / growth if growth > 0 else None
        near = all(each >= self._full_share for each in self._means)
        growing = full_in_s is not None and full_in_s <= FULL_IN_S and self._means[-1] >= GROWING_SHARE
        evidence: dict[str, float | str] = {"waiting": figures.waiting, "waiting_max": figures.waiting_max}
        if growing and full_in_s is not None:
            evidence["full_in_s"] = round(full_in_s)
        calm = self._means[-1] <= CLEAR_SHARE
        return self._condition.tell(
            tick,
            bad=near or growing,
            good=calm and not growing,
            evidence=evidence,
            looks_back_s=MINUTES * MINUTE_S,
        )

    def forget(self, identity: Identity) -> None:
        """Begin its minutes anew, if it is this queue."""
        if self._condition.forget(identity):
            self._means.clear()

    def _growth_per_s(self) -> float:
        """Return by what part of its places the queue grows in a second; 0 unless it grew in every minute."""
        if any(later <= earlier for earlier, later in pairwise(self._means)):
            return 0.0
        return (self._means[-1] - self._means[0]) / ((len(self._means) - 1) * MINUTE_S)
