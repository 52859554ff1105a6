"""Where things are on a PDF page: its size, its visible part, and the way from points to pixels."""

from __future__ import annotations

import ctypes
import math
from typing import TYPE_CHECKING, Any, Final

import pypdfium2.raw as pdfium

from ironleaf.document import Region

if TYPE_CHECKING:
    from collections.abc import Callable

LETTER_POINTS: Final = (612.0, 792.0)
"""What a page gets whose own size is no size."""
SIDE_POINTS_MIN: Final = 1.0
SIDE_POINTS_MAX: Final = 1_000_000.0
"""14 km: beyond this a size is nonsense, and floats lose their grip."""
FINE_GRID: Final = 1_000_000
"""The page's side in which PDFium, which answers in whole pixels, is asked for places."""


def clamp_points(width: float, height: float) -> tuple[float, float]:
    """Return a page's sides in points as something that can be drawn."""
    if not (math.isfinite(width) and math.isfinite(height)) or min(width, height) < SIDE_POINTS_MIN:
        return LETTER_POINTS
    return min(width, SIDE_POINTS_MAX), min(height, SIDE_POINTS_MAX)


def visible_box(page: Any) -> Region:
    """Return the page's visible part in its own space, in points."""
    box = pdfium.FS_RECTF()
    if not pdfium.FPDF_GetPageBoundingBox(page, box):
        return Region(0.0, 0.0, *LETTER_POINTS)
    return Region(
        min(box.left, box.right), min(box.bottom, box.top), max(box.left, box.right), max(box.bottom, box.top)
    )


def make_projection(page: Any, size: tuple[int, int]) -> Callable[[Region], Region]:
    """Return the way from places in the page's own space to pixels of its upright picture."""
    far = 1_000.0
    x0, y0 = _to_grid(page, 0.0, 0.0)
    along_x, along_y = _to_grid(page, far, 0.0), _to_grid(page, 0.0, far)
    to_px = (size[0] / FINE_GRID, size[1] / FINE_GRID)

    def point(x: float, y: float) -> tuple[float, float]:
        grid_x = x0 + (along_x[0] - x0) * x / far + (along_y[0] - x0) * y / far
        grid_y = y0 + (along_x[1] - y0) * x / far + (along_y[1] - y0) * y / far
        return (
            round(min(max(grid_x * to_px[0], 0.0), size[0]), 1),
            round(min(max(grid_y * to_px[1], 0.0), size[1]), 1),
        )

    def project(place: Region) -> Region:
        (ax, ay), (bx, by) = point(place.x0, place.y0), point(place.x1, place.y1)
        return Region(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))

    return project


def _to_grid(page: Any, x: float, y: float) -> tuple[int, int]:
    grid_x, grid_y = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, FINE_GRID, FINE_GRID, 0, x, y, grid_x, grid_y)
    return grid_x.value, grid_y.value
