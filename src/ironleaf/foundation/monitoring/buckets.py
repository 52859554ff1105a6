"""Many measurements in little room: exact count, sum, minimum and maximum, percentiles within a known error."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from functools import partial
from math import ceil, floor, inf, isnan, log, nextafter
from typing import TYPE_CHECKING, Final, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RELATIVE_ERROR: Final = 0.015
"""Of a percentile, at most: half a percent is left for rounding under the promised two."""
DURATION_S_MAX: Final = 3_600.0
"""A longer one counts as this: nothing of ours may run for an hour, and sums stay within 64 bits."""
DURATION_S_MIN: Final = 1e-9
"""A shorter one counts as zero: the unit of the sums."""
NANOSECONDS: Final = 1_000_000_000

_GAMMA: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GAMMA: Final = log(_GAMMA)
_MIDDLE: Final = 2 / (_GAMMA + 1)
_OFFSET: Final = 1 - floor(log(DURATION_S_MIN) / _LOG_GAMMA)
BUCKETS_MAX: Final = ceil(log(DURATION_S_MAX) / _LOG_GAMMA) + _OFFSET + 1
"""Under a thousand, whatever is measured: a bucket's bounds are a factor of 1.03 apart."""


BUCKET_ENDS_S: Final = (
    nextafter(DURATION_S_MIN, 0.0),
    *[_GAMMA ** (each - _OFFSET) for each in range(1, BUCKETS_MAX + 1)],
)
"""The longest duration in each bucket: the first is for nothing, each further one ends 3 % above the one before."""
BOUNDS_S: Final = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""From a stage that takes nothing to the longest deadline: thirteen, since each is a time series for each label."""
CELL_ENDS_S: Final = sorted({*BUCKET_ENDS_S, *BOUNDS_S})
"""Both kinds of bounds together, so that each duration is looked up once."""
_BUCKET_OF_CELL: Final = [bisect_left(BUCKET_ENDS_S, each) for each in CELL_ENDS_S]
_PLACE_OF_CELL: Final = [bisect_left(BOUNDS_S, each) for each in CELL_ENDS_S]
_find_cell = partial(bisect_left, CELL_ENDS_S)


def estimate_s(bucket: int) -> float:
    """Return the seconds that stand for a bucket: no value in it is further away than the relative error."""
    return 0.0 if bucket == 0 else _MIDDLE * _GAMMA ** (bucket - _OFFSET)


def bound_all(durations_s: Sequence[float]) -> Sequence[float]:
    """Return durations as they are counted: no number counts as 0, and nothing is shorter than 0 or too long."""
    total_s = sum(durations_s)
    is_number = total_s == total_s  # noqa: PLR0124 - one that is none makes a sum that is none, and equals nothing
    if is_number and min(durations_s, default=0.0) >= 0.0 and max(durations_s, default=0.0) <= DURATION_S_MAX:
        return durations_s
    return [0.0 if isnan(each) else min(max(each, 0.0), DURATION_S_MAX) for each in durations_s]


class Heap(NamedTuple):
    """Durations that were looked at together: what sketches and histograms take up in one go."""

    size: int
    sum_ns: int
    """Whole nanoseconds are added up, so that no order and no rounding changes a sum."""
    min_ns: int
    max_ns: int
    cells: Mapping[int, int]
    """How many lie in each cell."""


def heap_up(durations_s: Sequence[float]) -> Heap:
    """Return durations as they are counted."""
    if not any(durations_s):  # most waits are none
        return Heap(len(durations_s), 0, 0, 0, {0: len(durations_s)} if durations_s else {})
    bounded = bound_all(durations_s)
    nanoseconds = [round(each * NANOSECONDS) for each in bounded]
    cells = Counter(map(_find_cell, bounded))
    return Heap(len(nanoseconds), sum(nanoseconds), min(nanoseconds), max(nanoseconds), cells)


class Sketch:
    """Durations, folded. Merging two is the same as having seen all of both, in any order."""

    __slots__ = ("_buckets", "_max_ns", "_min_ns", "_sum_ns", "count")

    def __init__(self) -> None:
        self.count = 0
        self._sum_ns = 0
        self._min_ns = 0
        self._max_ns = 0
        self._buckets: dict[int, int] = {}

    def add(self, heap: Heap) -> None:
        """Count durations."""
        self._note(heap.size, heap.sum_ns, heap.min_ns, heap.max_ns)
        buckets = self._buckets
        for cell, count in heap.cells.items():
            bucket = _BUCKET_OF_CELL[cell]
            buckets[bucket] = buckets.get(bucket, 0) + count

    def _note(self, count: int, sum_ns: int, min_ns: int, max_ns: int) -> None:
        if min_ns < self._min_ns or self.count == 0:
            self._min_ns = min_ns
        self._max_ns = max(self._max_ns, max_ns)
        self.count += count
        self._sum_ns += sum_ns

    def merge(self, other: Sketch) -> None:
        """Count everything that ``other`` has counted."""
        if other.count == 0:
            return
        self._note(other.count, other._sum_ns, other._min_ns, other._max_ns)
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count

    @property
    def sum_s(self) -> float:
        return self._sum_ns / NANOSECONDS

    @property
    def average_s(self) -> float:
        """The mean; 0 of nothing."""
        return self.sum_s / self.count if self.count else 0.0

    @property
    def min_s(self) -> float:
        return self._min_ns / NANOSECONDS

    @property
    def max_s(self) -> float:
        return self._max_ns / NANOSECONDS

    def quantile_s(self, share: float) -> float:
        """Return the duration below which ``share`` (0-1) of all lie; 0 of nothing.

        Between two neighbours as NumPy does it. At most ``RELATIVE_ERROR`` off, or a nanosecond.
        """
        if self.count == 0:
            return 0.0
        rank = min(max(share, 0.0), 1.0) * (self.count - 1)
        below, above = self._at_rank(floor(rank)), self._at_rank(ceil(rank))
        return below + (above - below) * (rank - floor(rank))

    def _at_rank(self, rank: int) -> float:
        if rank == 0:
            return self.min_s
        if rank == self.count - 1:
            return self.max_s
        passed = 0
        for bucket in sorted(self._buckets):
            passed += self._buckets[bucket]
            if passed > rank:
                return min(max(estimate_s(bucket), self.min_s), self.max_s)
        return self.max_s

    def pack(self) -> list[int | list[int]]:
        """Return everything as numbers that JSON can carry."""
        pairs = [number for pair in sorted(self._buckets.items()) for number in pair]
        return [self.count, self._sum_ns, self._min_ns, self._max_ns, pairs]

    @classmethod
    def unpack(cls, packed: Sequence[int | list[int]]) -> Sketch:
        """Return what `pack` described."""
        sketch = cls()
        sketch.count, sketch._sum_ns, sketch._min_ns, sketch._max_ns = cast("list[int]", packed[:4])
        pairs = cast("list[int]", packed[4])
        sketch._buckets = dict(zip(pairs[::2], pairs[1::2], strict=True))
        return sketch


class Histogram:
    """Durations counted exactly against fixed bounds, as Prometheus wants them."""

    __slots__ = ("_counts", "_sum_ns", "count")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self.count = 0
        self._sum_ns = 0

    def add(self, heap: Heap) -> None:
        """Count durations."""
        self.count += heap.size
        self._sum_ns += heap.sum_ns
        for cell, count in heap.cells.items():
            self._counts[_PLACE_OF_CELL[cell]] += count

    @property
    def sum_s(self) -> float:
        return self._sum_ns / NANOSECONDS

    def cumulative(self) -> list[tuple[float, int]]:
        """Return (bound in seconds, how many are not above it), the last bound being infinite."""
        passed, lines = 0, list[tuple[float, int]]()
        for bound, count in zip((*BOUNDS_S, inf), self._counts, strict=True):
            passed += count
            lines.append((bound, passed))
        return lines
