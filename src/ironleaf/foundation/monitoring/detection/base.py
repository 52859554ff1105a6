"""What a detector is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ironleaf.foundation.monitoring.detection.tick import Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal


class Detector(Protocol):
    """Looks for one kind of condition. Pure: it knows no time but the tick's, and does nothing but remember."""

    def feed(self, tick: Tick) -> Iterable[Signal]:
        """Take the figures in and return what began, has news, or ended.

        Between a `FIRING` and the `CLEAR` of the same identity comes at most news of
        it: `FIRING` with another fingerprint, urgency or evidence.
        """
        ...

    def forget(self, identity: Identity) -> None:
        """Take a person's word that a condition is over: say nothing, and let only what comes from now on count."""
        ...
