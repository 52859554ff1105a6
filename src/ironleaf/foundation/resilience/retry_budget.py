"""How many retries all callers of one thing may make together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ironleaf.foundation.resilience.base import require
from ironleaf.foundation.resilience.sliding_count import SlidingCount

if TYPE_CHECKING:
    from ironleaf.foundation.clock import Clock

RETRY_SHARE = 0.2
"""failsafe-go and Envoy allow the same; an outage is amplified 1.2 times at most."""
BUDGET_WINDOW_S = 60.0
"""Longer than most calls, so that the calls that justify a retry are still in sight when it is due."""
FLOOR_INTERVAL_S = 10.0
"""At a few calls a minute a fifth of them is nothing; one retry in ten seconds harms nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudgetOptions:
    share: float = RETRY_SHARE
    """Retries allowed for each call, over the window."""
    window_s: float = BUDGET_WINDOW_S
    floor_interval_s: float = FLOOR_INTERVAL_S
    """One retry in so many seconds is allowed whatever the share says."""

    def __post_init__(self) -> None:
        require(0.0 <= self.share <= 1.0, "share must be between 0 and 1")
        require(self.window_s > 0.0, "window_s must be above zero")
        require(0.0 < self.floor_interval_s <= self.window_s, "floor_interval_s must be above 0, at most window_s")


class RetryBudget:
    """Shared by every retry policy in front of the same thing; calls are counted when they begin."""

    def __init__(self, *, options: RetryBudgetOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._calls = SlidingCount(options.window_s)
        self._retries = SlidingCount(options.window_s)
        self._last_retry_s = -math.inf

    def count_call(self) -> None:
        """Note that a call begins (its first attempt only)."""
        self._calls.add(self._clock.monotonic())

    def try_spend(self) -> bool:
        """Take one retry out of the budget, if it is in there."""
        now_s = self._clock.monotonic()
        if not (self._within_share(now_s) or self._within_floor(now_s)):
            return False
        self._retries.add(now_s)
        self._last_retry_s = now_s
        return True

    def _within_share(self, now_s: float) -> bool:
        return self._retries.total(now_s) + 1 <= self._options.share * self._calls.total(now_s)

    def _within_floor(self, now_s: float) -> bool:
        # Never on top of what the share has already given: else a full outage would be amplified by both.
        floor = self._options.window_s / self._options.floor_interval_s
        rested = now_s - self._last_retry_s >= self._options.floor_interval_s
        return rested and self._retries.total(now_s) + 1 <= floor
