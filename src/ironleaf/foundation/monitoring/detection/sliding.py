"""Sums over the last hours, in bounded memory."""

from __future__ import annotations

from collections import deque
from typing import Final

SLOTS: Final = 60
"""A window is this exact: it forgets a sixtieth at a time."""


class SlidingPair:
    """How many of how many, over a window that moves on."""

    def __init__(self, span_s: float) -> None:
        self.span_s = span_s
        self._slot_s = span_s / SLOTS
        self._slots: deque[tuple[int, int, int]] = deque()
        self.bad = 0
        self.total = 0

    def add(self, now_s: float, *, bad: int, total: int) -> None:
        """Note what happened now, and forget what has left the window."""
        place = int(now_s // self._slot_s)
        if bad or total:
            if self._slots and self._slots[-1][0] == place:
                _, old_bad, old_total = self._slots.pop()
                self._slots.append((place, old_bad + bad, old_total + total))
            else:
                self._slots.append((place, bad, total))
            self.bad += bad
            self.total += total
        while self._slots and self._slots[0][0] <= place - SLOTS:
            _, gone_bad, gone_total = self._slots.popleft()
            self.bad -= gone_bad
            self.total -= gone_total

    @property
    def share(self) -> float:
        """The bad among all; zero of nothing."""
        return self.bad / self.total if self.total else 0.0
