"""Telling an outage from bad luck after a handful of calls."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ironleaf.foundation.resilience.base import require

REFERENCE_CALLS_PER_MINUTE = 6.0
"""The traffic for which the thresholds are chosen: one page in ten seconds."""
THRESHOLD_GROWTH = 1.1
"""Slightly above 1: false alarms a week fall a little with traffic instead of staying where they are."""
RATE_WINDOW_S = 600.0
"""Long enough that the estimate at 6 calls a minute is off by a tenth only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CusumOptions:
    """What one Bernoulli CUSUM looks for."""

    healthy_share: float = 0.02
    """Failures that are normal: a fiftieth of the calls."""
    sick_share: float
    """Failures that it is quickest to see."""
    threshold: float
    """In nats, for the reference traffic; chosen by benchmarks/breaker_simulation.py."""

    def __post_init__(self) -> None:
        require(0.0 < self.healthy_share < self.sick_share < 1.0, "need 0 < healthy_share < sick_share < 1")
        require(self.threshold > 0.0, "threshold must be above zero")


class Cusum:
    """Sums up the evidence for sick against healthy, and forgets evidence for healthy.

    It works at any traffic, since it counts calls and not time.
    """

    def __init__(self, options: CusumOptions) -> None:
        self._threshold = options.threshold
        self._failed_step = math.log(options.sick_share / options.healthy_share)
        self._good_step = math.log((1.0 - options.sick_share) / (1.0 - options.healthy_share))
        self.score = 0.0

    def add(self, *, failed: bool, calls: int = 1) -> None:
        """Take calls into account that ended alike: the same as one after the other."""
        self.score = max(0.0, self.score + calls * (self._failed_step if failed else self._good_step))

    def alarmed(self, calls_per_minute: float) -> bool:
        """Tell whether the evidence is enough, at this traffic."""
        return self.score >= self.threshold(calls_per_minute)

    def threshold(self, calls_per_minute: float) -> float:
        """Return the evidence that is enough: more traffic gives chance more chances a week."""
        busier = max(1.0, calls_per_minute / REFERENCE_CALLS_PER_MINUTE)
        return self._threshold + THRESHOLD_GROWTH * math.log(busier)

    def clear(self) -> None:
        """Forget everything."""
        self.score = 0.0


class CallRate:
    """Estimates calls per minute from an exponentially fading count.

    It begins at zero and grows to the truth within the window: caution comes with knowledge.
    """

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._count = 0.0
        self._counted_at_s = 0.0

    def count(self, now_s: float, *, calls: int = 1) -> None:
        """Note calls that ended now."""
        self._count = self._faded(now_s) + calls
        self._counted_at_s = now_s

    def per_minute(self, now_s: float) -> float:
        """Return the estimate."""
        return 60.0 * self._faded(now_s) / self._window_s

    def _faded(self, now_s: float) -> float:
        return self._count * math.exp((self._counted_at_s - now_s) / self._window_s)
