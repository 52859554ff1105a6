"""What detection looks for: the objective and the thresholds that an operator may want to move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ironleaf.foundation.monitoring.detection.burn import AVAILABILITY_TARGET, FAILURES_MIN
from ironleaf.foundation.monitoring.detection.disks import FULL_IN_S
from ironleaf.foundation.monitoring.detection.memory import FULL_SHARE as MEMORY_FULL_SHARE
from ironleaf.foundation.monitoring.detection.onset import HEALTHY_SHARE
from ironleaf.foundation.monitoring.detection.queues import FULL_SHARE as QUEUE_FULL_SHARE
from ironleaf.foundation.monitoring.detection.rules import RULES
from ironleaf.foundation.monitoring.detection.silence import MISSED_MIN
from ironleaf.foundation.monitoring.detection.slowness import FACTOR as SLOW_FACTOR
from ironleaf.foundation.monitoring.detection.surge import FACTOR as SURGE_FACTOR
from ironleaf.foundation.monitoring.detection.surge import USUAL_MIN_PER_MINUTE

RANGES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "availability_target": (0.5, 0.99999),
        "budget_failures_min": (1, 1_000_000),
        "healthy_failing_share": (0.0001, 0.15),
        "surge_factor": (1.5, 100),
        "surge_min_per_minute": (0.1, 10_000),
        "slow_factor": (1.2, 100),
        "queue_full_share": (0.4, 1),
        "disk_full_in_s": (600, 604_800),
        "memory_full_share": (0.5, 1),
        "missed_requests_min": (10, 1_000_000),
    }
)
"""What makes sense: outside of it a rule would never speak, or always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionSettings:
    """When monitoring says something. What each rule sees and how often it errs: docs/reference/detection.md."""

    rules_off: tuple[str, ...] = ()
    """Rules that say nothing, by name."""
    availability_target: float = AVAILABILITY_TARGET
    """Part of the requests over 30 days that must not fail by our fault: the service level objective."""
    budget_failures_min: int = FAILURES_MIN
    """Failed requests in a long window before the error budget is spoken of, so that one failure at night is none."""
    healthy_failing_share: float = HEALTHY_SHARE
    """Part of a component's calls that may fail for ever without an onset."""
    surge_factor: float = SURGE_FACTOR
    """How many times as many refusals of one kind as usual are a surge."""
    surge_min_per_minute: float = USUAL_MIN_PER_MINUTE
    """Refusals a minute that count as usual even if there never were any."""
    slow_factor: float = SLOW_FACTOR
    """How many times the usual 95th percentile is slow, if the usual scatter does not ask for more."""
    queue_full_share: float = QUEUE_FULL_SHARE
    """Part of a queue's places that must stay taken for minutes."""
    disk_full_in_s: float = FULL_IN_S
    """A disk whose trend reaches the reserve within this time is spoken of."""
    memory_full_share: float = MEMORY_FULL_SHARE
    """Part of the memory limit that must stay used for a minute."""
    missed_requests_min: float = MISSED_MIN
    """Requests that must be missing within an hour of the last one."""

    def __post_init__(self) -> None:
        if not set(self.rules_off) <= RULES.keys():
            raise ValueError(f"rules_off: must be names of rules: {', '.join(sorted(RULES))}")
        for name, (least, most) in RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name}: must be from {least:g} to {most:g}")
