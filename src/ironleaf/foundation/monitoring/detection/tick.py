"""What detectors are fed with: the figures of one moment, counted since the moment before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.health import HealthStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ironleaf.foundation.errors import AlertRule, Level
    from ironleaf.foundation.monitoring.detection.rules import Rule

PROBED: Final = frozenset({"database", "disk"})
"""Components whose health is asked by doing what work does with them: if they are healthy, they work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Errors of one cause that one part met since the last tick."""

    component: str
    cause: str
    """A catalogue reason."""
    level: Level
    alert: AlertRule
    """The one in force: the entry's own, or its level's."""
    count: int
    fresh: int
    """Of them, those of requests that had not met this cause here before: fifty sick pages of one file are one."""
    files: int
    """Of the fresh ones, those that no file explains which failed so within the hour: sent again, it fails again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A failure's fingerprint that was seen."""

    component: str
    cause: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """One waiting queue."""

    name: str
    waiting: int
    waiting_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFigures:
    """One file system that the product writes to."""

    name: str
    """What lies on it: `spool`, `state`."""
    free_bytes: int
    reserve_bytes: int
    """Work is refused when less than this is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFigures:
    """Memory of whatever has the nearest limit: the control group, or else the machine."""

    used_bytes: int
    """What cannot be given back at once: without the page cache."""
    limit_bytes: int
    tree_bytes: int
    """Resident, of this process and the workers below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendFigures:
    """What is known of one model server."""

    alias: str
    trouble: str = ""
    """Why it does not read, from a closed list; empty if it reads or nothing is known."""
    definite: bool = False
    """The trouble cannot be bad luck: the model is gone, the key is refused."""
    reads: bool = False
    """The canary page, or a caller's, was read since it last failed."""
    proven: bool = False
    """Its breaker opened on callers' failures, and the canary page failed after that: nothing is left to wait for."""

    @property
    def component(self) -> str:
        """As in `Signal.component`."""
        return f"backend:{self.alias}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One moment. Names come from closed lists, and there are not many of them."""

    now_s: float
    """Monotonic."""
    at: datetime
    """Aware, UTC."""
    requests: int = 0
    """Answered, those of machines that look after us left out."""
    failed_requests: int = 0
    """Of them, those that failed by our fault."""
    attempts: Mapping[str, int] = field(default_factory=dict[str, int])
    """Work that ended, well or not, by component."""
    failures: tuple[Failures, ...] = ()
    sights: tuple[Sight, ...] = ()
    paces: Mapping[tuple[str, str], Sequence[float]] = field(
        default_factory=dict[tuple[str, str], "Sequence[float]"],
    )
    """Seconds for each unit of work that succeeded, by component and what was done."""
    queues: tuple[QueueFigures, ...] = ()
    disks: tuple[DiskFigures, ...] = ()
    memory: MemoryFigures | None = None
    health: Mapping[str, HealthStatus] = field(default_factory=dict[str, "HealthStatus"])
    backends: tuple[BackendFigures, ...] = ()

    def find_seen_well_s(self, rule: Rule, component: str) -> float | None:
        """Return the silence that ends a condition of a part that is known to work, not only not known to fail.

        None: nothing is seen of it, or the rule takes no such word.
        """
        return rule.seen_well_s if component in self.find_seen_well() else None

    def find_seen_well(self) -> frozenset[str]:
        """Return the parts that are seen to work without callers' work: servers that read, and what a probe uses."""
        probed = {name for name in PROBED if self.health.get(name) is HealthStatus.HEALTHY}
        return frozenset({each.component for each in self.backends if each.reads} | probed)

    def is_silenced(self, component: str) -> bool:
        """Tell whether the absence of failures means nothing, since the part is not asked at present."""
        return any(each.trouble and each.component == component for each in self.backends)
