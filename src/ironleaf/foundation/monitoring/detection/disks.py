"""A disk is nearly full, or fills so that it soon will be."""

from __future__ import annotations

from collections import deque
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import DISK_FILLING
from ironleaf.foundation.monitoring.signals import Urgency

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.foundation.monitoring.detection.tick import DiskFigures, Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

LOW_PART: Final = 2.0
"""Times the reserve below which work is refused: a page of a person's time before that."""
FREE_PART: Final = 3.0
"""Times the reserve: well again."""
FULL_IN_S: Final = 4 * 3600.0
"""A disk that reaches its reserve within half a working day is a ticket ..."""
FULL_SOON_S: Final = 3600.0
"""... and within the hour a page."""
SLOT_S: Final = 300.0
"""Of each five minutes only the emptiest moment counts: files come and go, what stays is the trend."""
SLOTS: Final = 12
SLOTS_MIN: Final = 6
HOLD_S: Final = 600.0
LOW_HOLD_S: Final = 30.0
CLEAR_S: Final = 600.0


class Disks:
    """Free room and its trend, for each file system."""

    def __init__(self, *, full_in_s: float = FULL_IN_S) -> None:
        self._horizon_s = full_in_s
        self._disks: dict[str, _Disk] = {}

    def feed(self, tick: Tick) -> Iterator[Signal]:
        for figures in tick.disks:
            disk = self._disks.setdefault(figures.name, _Disk(figures.name, self._horizon_s))
            yield from disk.feed(tick, figures)

    def forget(self, identity: Identity) -> None:
        for disk in self._disks.values():
            disk.low.forget(identity)
            disk.trend.forget(identity)


class _Disk:
    """One file system."""

    def __init__(self, name: str, horizon_s: float) -> None:
        self._horizon_s = horizon_s
        self.low = Condition(DISK_FILLING, "disk", f"{name}-full", hold_s=LOW_HOLD_S, clear_s=CLEAR_S)
        self.trend = Condition(DISK_FILLING, "disk", f"{name}-filling", hold_s=HOLD_S, clear_s=CLEAR_S)
        self._slots: deque[tuple[int, float]] = deque(maxlen=SLOTS)

    def feed(self, tick: Tick, figures: DiskFigures) -> Iterator[Signal]:
        """Take one look at the disk into account."""
        self._note(int(tick.now_s // SLOT_S), figures.free_bytes)
        evidence: dict[str, float | str] = {"free_bytes": figures.free_bytes, "reserve_bytes": figures.reserve_bytes}
        low = figures.free_bytes < LOW_PART * figures.reserve_bytes
        roomy = figures.free_bytes > FREE_PART * figures.reserve_bytes
        yield from self.low.tell(tick, bad=low, good=roomy, evidence=evidence)
        full_in_s = self._full_in_s(figures)
        filling = full_in_s is not None and full_in_s < self._horizon_s
        if full_in_s is not None:
            evidence["full_in_s"] = round(full_in_s)
        soon = full_in_s is not None and full_in_s < FULL_SOON_S
        calm = full_in_s is None or full_in_s > 2 * self._horizon_s
        urgency = Urgency.PAGE if soon else Urgency.TICKET
        yield from self.trend.tell(tick, bad=filling, good=calm, evidence=evidence, urgency=urgency)

    def _note(self, slot: int, free_bytes: float) -> None:
        if self._slots and self._slots[-1][0] == slot:
            free_bytes = max(free_bytes, self._slots.pop()[1])
        self._slots.append((slot, free_bytes))

    def _full_in_s(self, figures: DiskFigures) -> float | None:
        """Return when the reserve is reached if it goes on like this; None if it does not fill."""
        if len(self._slots) < SLOTS_MIN:
            return None
        # Theil-Sen: the median of all slopes, which one large file does not bend.
        slope = median(
            (later - earlier) / (SLOT_S * (last - first))
            for (first, earlier), (last, later) in combinations(self._slots, 2)
        )
        if slope >= 0:
            return None
        return max(0.0, self._slots[-1][1] - figures.reserve_bytes) / -slope
