"""The windows that are asked for, and the periods that answer them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Window(StrEnum):
    """How far back a question looks."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"


RESOLUTIONS_S: Final = (5, 60, 900, 7_200)
"""Lengths of the periods. Each is a multiple of the one before, so that a period lies in one of the next length."""
FINEST_S: Final = RESOLUTIONS_S[0]
_LENGTHS: Final[dict[Window, tuple[int, int]]] = {
    Window.MINUTE: (60, 5),
    Window.FIVE_MINUTES: (300, 5),
    Window.HOUR: (3_600, 60),
    Window.DAY: (86_400, 900),
    Window.WEEK: (604_800, 7_200),
}
"""Length and resolution: a window is never shorter than it says by more than one period (8, 2, 2, 1, 1 %)."""
PERIODS_KEPT: Final[dict[int, int]] = {5: 64, 60: 64, 900: 100, 7_200: 88}
"""Of each resolution: what its longest window needs and a few more, for hosts whose clocks differ."""
FUTURE_S_MAX: Final = 3_600
"""How far ahead of us another host's clock may be; what claims to be later is thrown away."""
ROWS_MAX: Final = sum(PERIODS_KEPT[each] + FUTURE_S_MAX // each + 1 for each in RESOLUTIONS_S)
"""Periods that exist at most at one time, however much happens: 1,104."""


@dataclass(frozen=True, slots=True)
class Span:
    """The periods that answer a question: their starts, from ``first_s`` to ``last_s`` in seconds of the epoch."""

    resolution_s: int
    first_s: int
    last_s: int
    covered_s: float
    """From the start of the first period until now: what a frequency is divided by."""


def find_span(window: Window, now_s: float) -> Span:
    """Return the periods of ``window`` that ends now: the present one, which is not over, and those before it."""
    length_s, resolution_s = _LENGTHS[window]
    last_s = start_of(now_s, resolution_s)
    first_s = last_s - length_s + resolution_s
    return Span(resolution_s, first_s, last_s, covered_s=max(now_s - first_s, 1.0))


def start_of(at_s: float, resolution_s: int) -> int:
    """Return when the period of a moment began."""
    return int(at_s // resolution_s) * resolution_s


def find_kept(resolution_s: int, now_s: float) -> tuple[int, int]:
    """Return the earliest and the latest start of a period that is worth keeping."""
    present_s = start_of(now_s, resolution_s)
    return present_s - (PERIODS_KEPT[resolution_s] - 1) * resolution_s, present_s + FUTURE_S_MAX
