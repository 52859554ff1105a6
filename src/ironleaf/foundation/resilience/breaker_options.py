"""The breaker's numbers."""

from __future__ import annotations

from dataclasses import dataclass

from ironleaf.foundation.resilience.base import require
from ironleaf.foundation.resilience.cusum import CusumOptions

SUDDEN = CusumOptions(sick_share=0.5, threshold=12.6)
"""Sees a total outage in four calls."""
CREEPING = CusumOptions(sick_share=0.22, threshold=10.3)
"""Sees every fifth call failing in some thirty calls."""
REFUSED_IN_A_ROW = 3
"""A server that restarts refuses one or two; one that is gone refuses all."""
OPEN_FIRST_S = 5.0
"""Long enough for a worker to be replaced, short enough to go unnoticed."""
OPEN_MAX_S = 300.0
"""A model that comes back is found again within five minutes without any help."""
OPEN_GROWTH = 2.0
"""Doubling reaches the longest time after seven failed probes."""
OPEN_JITTER = 0.2
"""Up to a fifth shorter, so that replicas do not probe together."""
STABLE_S = 300.0
"""An opening within this time after a closing is the same trouble: the open time goes on growing."""
HALF_OPEN_RETRY_S = 1.0
"""A probe's verdict takes about a second or more."""
SLOW_FLOOR_S = 10.0
"""What any call may take, however small."""
SLOW_S_PER_COST = 20.0
"""On top, for each unit of cost (a megapixel): a slow model on a small card, with room to spare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOptions:
    failure_detectors: tuple[CusumOptions, ...] = (SUDDEN, CREEPING)
    """Any of them opens the breaker."""
    content_detectors: tuple[CusumOptions, ...] = (SUDDEN, CREEPING)
    """The same for answers whose content is no good."""
    refused_in_a_row: int = REFUSED_IN_A_ROW
    open_first_s: float = OPEN_FIRST_S
    open_max_s: float = OPEN_MAX_S
    open_growth: float = OPEN_GROWTH
    open_jitter: float = OPEN_JITTER
    """Largest part by which an open time is shortened at random, from 0 to below 1."""
    stable_s: float = STABLE_S
    half_open_retry_s: float = HALF_OPEN_RETRY_S
    slow_floor_s: float = SLOW_FLOOR_S
    slow_s_per_cost: float = SLOW_S_PER_COST

    def __post_init__(self) -> None:
        require(self.refused_in_a_row >= 1, "refused_in_a_row must be at least 1")
        require(self.open_first_s > 0.0, "open_first_s must be above zero")
        require(self.open_max_s >= self.open_first_s, "open_max_s must not be below open_first_s")
        require(self.open_growth >= 1.0, "open_growth must be at least 1")
        require(0.0 <= self.open_jitter < 1.0, "open_jitter must be from 0 to below 1")
        require(self.stable_s >= 0.0, "stable_s must not be below zero")
        require(self.half_open_retry_s > 0.0, "half_open_retry_s must be above zero")
        require(self.slow_floor_s > 0.0, "slow_floor_s must be above zero")
        require(self.slow_s_per_cost >= 0.0, "slow_s_per_cost must not be below zero")

    def slow_limit_s(self, cost: float) -> float:
        """Return the longest time that a healthy call of this cost may take."""
        return self.slow_floor_s + self.slow_s_per_cost * cost
