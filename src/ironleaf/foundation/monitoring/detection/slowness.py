"""A stage, an engine or a backend takes longer for the same work than it used to.

Times come divided by the work (megapixels, pages), so that a large file is not a
slow service. The 95th percentile of each window is held against the band of the
windows before it: their median, and their usual scatter around it (the median
absolute deviation), both on a logarithmic scale. Medians shrug off the outage of
last night; what lasts for half of the memory has become the new usual.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import SLOW_DOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ironleaf.foundation.monitoring.detection.tick import Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

FACTOR: Final = 2.0
"""Slower than twice the usual at least: less is not worth a person's time."""
SCATTER_MAX: Final = 5.0
"""And further from the usual than so many standard deviations of the windows before."""
MAD_TO_SIGMA: Final = 1.4826
"""Of a normal distribution."""
WINDOW_S: Final = 300.0
SAMPLES_MIN: Final = 60
"""For a percentile that three of them lie above."""
SAMPLES_MAX: Final = 2000
"""Kept of one window; more make the percentile no better."""
WINDOWS_IN_A_ROW: Final = 3
"""One file of dense pages makes one window slow, perhaps two."""
CLEAR_WINDOWS: Final = 2
HISTORY_MIN: Final = 288
"""Windows before anything is said: a day of steady work. Callers send now this kind of file, now that one, for hours:
three hours tell no scatter, and one week in two had a false alarm."""
HISTORY_MAX: Final = 2016
"""A week of steady work."""
PERCENTILE: Final = 0.95


class Slowness:
    """Slow-downs, for each component and kind of work by itself."""

    def __init__(self, *, factor: float = FACTOR) -> None:
        self._factor = factor
        self._works: dict[tuple[str, str], _Work] = {}

    def feed(self, tick: Tick) -> Iterator[Signal]:
        for key, paces in tick.paces.items():
            work = self._works.get(key)
            if work is None:
                work = self._works[key] = _Work(key, self._factor, tick.now_s)
            yield from work.feed(tick, paces)

    def forget(self, identity: Identity) -> None:
        for work in self._works.values():
            work.forget(identity)


class _Work:
    """One kind of work."""

    def __init__(self, key: tuple[str, str], factor: float, now_s: float) -> None:
        self._condition = Condition(SLOW_DOWN, *key)
        self._factor_log = math.log(factor)
        self._opened_s = now_s
        self._samples: list[float] = []
        self._history: deque[float] = deque(maxlen=HISTORY_MAX)
        self._slow_since_s: float | None = None
        self._slow = 0
        self._calm = 0

    def feed(self, tick: Tick, paces: Sequence[float]) -> tuple[Signal, ...]:
        """Take the times of one tick into account."""
        room = SAMPLES_MAX - len(self._samples)
        self._samples.extend(paces[:room])
        if len(self._samples) < SAMPLES_MIN or tick.now_s - self._opened_s < WINDOW_S:
            return ()
        height = math.log(max(find_percentile(self._samples), 1e-6))
        opened_s, self._opened_s = self._opened_s, tick.now_s
        self._samples.clear()
        said = self._judge(tick, height, opened_s) if len(self._history) >= HISTORY_MIN else ()
        self._history.append(height)
        return said

    def forget(self, identity: Identity) -> None:
        """Count slow windows anew, if it is this work."""
        if self._condition.forget(identity):
            self._slow = self._calm = 0

    def _judge(self, tick: Tick, height: float, opened_s: float) -> tuple[Signal, ...]:
        usual = median(self._history)
        sigma = MAD_TO_SIGMA * median(abs(each - usual) for each in self._history)
        band = max(self._factor_log, SCATTER_MAX * sigma)
        above = height - usual
        self._slow = self._slow + 1 if above > band else 0
        self._calm = self._calm + 1 if above <= band / 2 else 0
        if self._slow == 1:
            self._slow_since_s = opened_s
        if self._condition.firing:
            return (self._condition.end(tick),) if self._calm >= CLEAR_WINDOWS else ()
        if self._slow < WINDOWS_IN_A_ROW:
            return ()
        evidence = {"p95_s_per_unit": round(math.exp(height), 4), "usual_p95_s_per_unit": round(math.exp(usual), 4)}
        return (self._condition.begin(tick, began_s=self._slow_since_s, evidence=evidence),)


def find_percentile(samples: Sequence[float], share: float = PERCENTILE) -> float:
    """Return the sample below which ``share`` of them lie."""
    ranked = sorted(samples)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
