"""Memory is nearly used up, and stays so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import MEMORY_PRESSURE

if TYPE_CHECKING:
    from ironleaf.foundation.monitoring.detection.tick import Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

FULL_SHARE: Final = 0.92
"""Of the limit, page cache left out. A worker's peak is a few per cent of a usual machine: the next may be the last."""
CALM_SHARE: Final = 0.85
HOLD_S: Final = 60.0
"""Longer than the peak of one dense page."""
CLEAR_S: Final = 120.0


class Memory:
    """The control group's memory, or the machine's, against its limit."""

    def __init__(self, *, full_share: float = FULL_SHARE) -> None:
        self._full_share = full_share
        self._condition = Condition(MEMORY_PRESSURE, "memory", "full", hold_s=HOLD_S, clear_s=CLEAR_S)

    def feed(self, tick: Tick) -> tuple[Signal, ...]:
        figures = tick.memory
        if figures is None or figures.limit_bytes <= 0:
            return ()
        share = figures.used_bytes / figures.limit_bytes
        return self._condition.tell(
            tick,
            bad=share >= self._full_share,
            good=share <= min(CALM_SHARE, self._full_share),
            evidence={
                "used_share": round(share, 3),
                "limit_bytes": figures.limit_bytes,
                "tree_bytes": figures.tree_bytes,
            },
        )

    def forget(self, identity: Identity) -> None:
        self._condition.forget(identity)
