"""What can be told of a page's picture without reading it. Pure; a bounded cost at any size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    Grey = NDArray[np.uint8]

SMALL_SIDE_PX: Final = 800
"""Grain averages out at this size, while print stays: an A4 page's letters are 8 pixels high."""
SMALL_TAIL_PIXELS: Final = 30
"""So many of its pixels at either end may be dust: less than a word."""
ROWS_TAIL_PIXELS: Final = 10
"""The same of the full-size rows: less than a letter, so that a sparse clean page is not taken for a faint one."""
BANDS: Final = 8
"""Full-size rows are looked at in so many bands from top to bottom: specks do not survive shrinking."""
BAND_ROWS_MAX: Final = 48
"""Rows of a band: together under 1.5 megapixels, 10 ms, for the widest pages that are read."""
SPECK_CONTRAST: Final = 60
"""Grey levels by which a speck differs from every pixel around it. Grain of 20 levels and JPEG's rings do not."""
ROWS_STEP: Final = 4
"""Every fourth row is looked at: no line of print hides between them."""
STEEP_PIXELS: Final = 100
"""So many pixels must be as steep: a few letters have as many."""
EXTREME_GREY: Final = 16
"""A pixel this close to black or white is one of a bilevel picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMeasures:
    """A page's picture in figures."""

    width_px: int
    height_px: int
    darkest: int
    lightest: int
    """Grey levels that all but a few pixels lie between, grain averaged out: one word is enough to reach them."""
    full_range: int
    """Grey levels between them as the picture stands, grain and the finest print included."""
    grain: float
    """Standard deviation of the grain that is left at that size, in grey levels."""
    speck_share: float
    """Share of single pixels that stand out from all around them, 0-1."""
    between_share: float
    """Pixels that are neither black nor white, as a share of the rarer of those two, 0-1: 0 for a bilevel scan."""
    steepness: float
    """The page's steepest edges: their change from one pixel to the next as a share of the range of greys."""

    @property
    def grey_range(self) -> int:
        return self.lightest - self.darkest


def measure_page(picture: Image.Image) -> PageMeasures:
    """Return the measures of an RGB or grey picture."""
    factor = max(1, math.ceil(max(picture.size) / SMALL_SIDE_PX))
    small = np.asarray(picture.reduce(factor).convert("L"))
    rows = np.asarray(picture.convert("L"))[::ROWS_STEP]
    darkest, lightest = _find_ends(small, tail_pixels=SMALL_TAIL_PIXELS)
    full_darkest, full_lightest = _find_ends(rows, tail_pixels=ROWS_TAIL_PIXELS)
    bands = cut_bands(picture)
    return PageMeasures(
        width_px=picture.width,
        height_px=picture.height,
        darkest=darkest,
        lightest=lightest,
        full_range=full_lightest - full_darkest,
        grain=measure_grain(small),
        speck_share=sum(map(count_specks, bands)) / sum(band.size for band in bands),
        between_share=measure_between(rows),
        steepness=_find_steepest(rows) / max(1, lightest - darkest),
    )


def cut_bands(picture: Image.Image) -> list[Grey]:
    """Return full-size rows from places spread over the height, as grey."""
    rows = min(BAND_ROWS_MAX, max(1, picture.height // BANDS))
    tops = [number * (picture.height - rows) // max(1, BANDS - 1) for number in range(BANDS)]
    return [np.asarray(picture.crop((0, top, picture.width, top + rows)).convert("L")) for top in tops]


def measure_grain(grey: Grey) -> float:
    """Return the standard deviation of the grain, from such differences of neighbours as are no print."""
    if grey.shape[1] < 2:  # noqa: PLR2004
        return 0.0
    steps = np.abs(np.diff(grey.astype(np.int16), axis=1))
    return float(np.mean(np.minimum(steps, np.median(steps) * 3 + 1))) / 1.13


def count_specks(grey: Grey) -> int:
    """Return how many pixels are clearly darker than all eight around them, or lighter than all."""
    if min(grey.shape) < 3:  # noqa: PLR2004
        return 0
    around = [
        grey[1 + down : grey.shape[0] - 1 + down, 1 + right : grey.shape[1] - 1 + right]
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
        if down or right
    ]
    middle = grey[1:-1, 1:-1].astype(np.int16)
    darkest, lightest = around[0], around[0]
    for neighbour in around[1:]:
        darkest, lightest = np.minimum(darkest, neighbour), np.maximum(lightest, neighbour)
    apart = np.maximum(darkest.astype(np.int16) - middle, middle - lightest)
    return int(np.count_nonzero(apart >= SPECK_CONTRAST))


def measure_between(rows: Grey) -> float:
    """Return how many pixels are neither black nor white, as a share of the rarer of the two; 1.0 where one lacks."""
    counts = np.bincount(rows.ravel(), minlength=256)
    black, white = int(counts[:EXTREME_GREY].sum()), int(counts[-EXTREME_GREY:].sum())
    rarer = min(black, white)
    return min(1.0, (rows.size - black - white) / rarer) if rarer >= STEEP_PIXELS else 1.0


def _find_ends(grey: Grey, *, tail_pixels: int) -> tuple[int, int]:
    """Return the darkest and the lightest grey, but for so many pixels at either end."""
    counts = np.bincount(grey.ravel(), minlength=256)
    darkest = int(np.searchsorted(np.cumsum(counts), tail_pixels, side="right"))
    lightest = 255 - int(np.searchsorted(np.cumsum(counts[::-1]), tail_pixels, side="right"))
    return (darkest, lightest) if darkest <= lightest else (darkest, darkest)


def _find_steepest(rows: Grey) -> int:
    """Return the change from one pixel to the next that `STEEP_PIXELS` pixels reach, in grey levels."""
    counts = np.bincount(np.abs(np.diff(rows.astype(np.int16), axis=1)).ravel(), minlength=256)
    reached = np.flatnonzero(np.cumsum(counts[::-1]) >= STEEP_PIXELS)
    return 255 - int(reached[0]) if reached.size else 0
