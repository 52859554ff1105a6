"""Telling the end of an outage from a lucky hour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ironleaf.foundation.resilience.cusum import CusumOptions

WELL_AGAIN: Final = 8.0
"""In nats: some 36 clean calls. A part that still fails one call in five seems well for so long once in days."""
CLEAN_S: Final = 60.0
"""At least; a burst of good calls within a second proves one second."""
QUIET_S: Final = 1800.0
"""Nothing failed and too little came to judge by: half an hour of that, and there is no outage that hurts anyone."""


class Recovery:
    """Sums up the evidence that failures of one kind have ended: the onset's evidence, backwards."""

    def __init__(self, options: CusumOptions, now_s: float) -> None:
        self._good_step = math.log((1.0 - options.healthy_share) / (1.0 - options.sick_share))
        self._failed_step = -math.log(options.sick_share / options.healthy_share)
        self._score = 0.0
        self._failed_at_s = now_s

    def add(self, *, good: int, failed: int, now_s: float) -> None:
        """Take the calls of one tick into account."""
        if failed:
            self._failed_at_s = now_s
        self._score = max(0.0, self._score + good * self._good_step + failed * self._failed_step)

    def is_over(self, now_s: float, *, silenced: bool, seen_well_s: float | None = None) -> bool:
        """Tell whether it is over.

        ``silenced``: the part is not asked at present, so that silence proves nothing. ``seen_well_s``: something else
        than callers' work shows that it works; a silence of so many seconds is enough then.
        """
        clean_s = now_s - self._failed_at_s
        proven = self._score >= WELL_AGAIN and clean_s >= CLEAN_S
        seen = seen_well_s is not None and clean_s >= seen_well_s
        return proven or seen or (clean_s >= QUIET_S and not silenced)
