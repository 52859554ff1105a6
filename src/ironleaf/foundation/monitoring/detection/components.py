"""A component of the health report does not work, or works with less than it should have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.foundation.health import HealthStatus
from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import COMPONENT_DEGRADED, COMPONENT_UNHEALTHY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.foundation.monitoring.detection.tick import Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

UNHEALTHY_HOLD_S: Final = 10.0
"""The health board has forgiven one blip already; a worker under replacement is back within a second."""
DEGRADED_HOLD_S: Final = 120.0
"""A breaker that opened in vain is closed again after five seconds, a failed canary page is repeated within half a
minute, a database that restarts takes one."""
CLEAR_S: Final = 60.0


class Components:
    """Health, component by component."""

    def __init__(self) -> None:
        self._pairs: dict[str, tuple[Condition, Condition]] = {}

    def feed(self, tick: Tick) -> Iterator[Signal]:
        for name, status in tick.health.items():
            unhealthy, degraded = self._pairs.setdefault(name, _make_pair(name))
            well = status is HealthStatus.HEALTHY
            down = status is HealthStatus.UNHEALTHY
            yield from unhealthy.tell(tick, bad=down, good=not down)
            yield from degraded.tell(tick, bad=not well and not down, good=well)

    def forget(self, identity: Identity) -> None:
        for condition in self._pairs.get(identity.component, ()):
            condition.forget(identity)


def _make_pair(name: str) -> tuple[Condition, Condition]:
    return (
        Condition(COMPONENT_UNHEALTHY, name, "unhealthy", hold_s=UNHEALTHY_HOLD_S, clear_s=CLEAR_S),
        Condition(COMPONENT_DEGRADED, name, "degraded", hold_s=DEGRADED_HOLD_S, clear_s=CLEAR_S),
    )
