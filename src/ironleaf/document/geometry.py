"""Places on a page."""

from __future__ import annotations

from typing import NamedTuple


class Region(NamedTuple):
    """A rectangle in pixels of the upright page, origin top left; a JSON array of four numbers."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    def scaled(self, factor_x: float, factor_y: float) -> Region:
        """Return the same place on a page whose sides are multiplied by the factors."""
        return Region(
            round(self.x0 * factor_x, 1),
            round(self.y0 * factor_y, 1),
            round(self.x1 * factor_x, 1),
            round(self.y1 * factor_y, 1),
        )
