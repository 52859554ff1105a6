"""How often something happened lately."""

from __future__ import annotations

from collections import deque


class SlidingCount:
    """Counts over the last ``window_s`` seconds in buckets of a sixtieth of it.

    Memory is bounded whatever the rate; an event leaves at most one bucket late, never early.
    """

    BUCKETS = 60
    """A second each for a window of a minute."""

    def __init__(self, window_s: float) -> None:
        self._bucket_s = window_s / self.BUCKETS
        self._buckets: deque[tuple[int, int]] = deque()
        self._total = 0

    def add(self, now_s: float) -> None:
        """Count one event."""
        index = int(now_s // self._bucket_s)
        if self._buckets and self._buckets[-1][0] == index:
            self._buckets[-1] = (index, self._buckets[-1][1] + 1)
        else:
            self._buckets.append((index, 1))
        self._total += 1

    def total(self, now_s: float) -> int:
        """Return how many events the window holds."""
        oldest = int(now_s // self._bucket_s) - self.BUCKETS
        while self._buckets and self._buckets[0][0] < oldest:
            self._total -= self._buckets.popleft()[1]
        return self._total
