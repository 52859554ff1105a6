"""Reading order of placed lines. The order in which a file writes them is kept unless it is plainly not one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ironleaf.document import Region

BACKWARD_SHARE: Final = 0.15
"""Of the steps from line to line that go up within their column, from which the file's order is given up.
Headers and footers that are written last make one or two such steps."""
BACKWARD_STEPS_MIN: Final = 3
GUTTER_LINES: Final = 0.8
"""Width of the white space between columns, in line heights."""
DEPTH_MAX: Final = 24


class Placed(Protocol):
    """Something with a place on the page."""

    @property
    def region(self) -> Region: ...


P = TypeVar("P", bound=Placed)


def order_lines(lines: Sequence[P]) -> list[P]:
    """Return the lines in reading order.

    Promises: the same lines, each once.
    """
    backward = sum(_goes_back(before.region, after.region) for before, after in pairwise(lines))
    if backward < BACKWARD_STEPS_MIN or backward < BACKWARD_SHARE * len(lines):
        return list(lines)
    return _cut(list(lines), DEPTH_MAX)


def _goes_back(before: Region, after: Region) -> bool:
    height = max(1.0, min(before.height, after.height))
    overlaps = after.x0 < before.x1 and before.x0 < after.x1
    return overlaps and after.y0 < before.y0 - height / 2


def _cut(lines: list[P], depth: int) -> list[P]:
    """Part the lines at the widest white band, rows first unless a column's gutter runs through all of them."""
    if len(lines) < 2 or depth == 0:  # noqa: PLR2004
        return sorted(lines, key=lambda line: (line.region.y0, line.region.x0))
    height = sorted(line.region.height for line in lines)[len(lines) // 2]
    for axis, least in ((0, height * GUTTER_LINES), (1, 0.0)):
        place = _find_band(lines, axis, least)
        if place is not None:
            first = [line for line in lines if line.region[axis + 2] <= place]
            rest = [line for line in lines if line.region[axis + 2] > place]
            return _cut(first, depth - 1) + _cut(rest, depth - 1)
    return sorted(lines, key=lambda line: (line.region.y0, line.region.x0))


def _find_band(lines: list[P], axis: int, least: float) -> float | None:
    """Return where the widest band without any line along the axis begins, if it is wider than ``least``."""
    widest, place = least, None
    edge = None
    for start, end in sorted((line.region[axis], line.region[axis + 2]) for line in lines):
        if edge is not None and start - edge > widest:
            widest, place = start - edge, edge
        edge = end if edge is None else max(edge, end)
    return place
