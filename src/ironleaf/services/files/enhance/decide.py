"""Which repairs a page gets: by its measures alone. A clean page gets none, and costs its measuring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ironleaf.services.files.enhance import steps
from ironleaf.services.files.enhance.measure import PageMeasures, measure_page

if TYPE_CHECKING:
    from PIL import Image

FAINT_RANGE_MAX: Final = 60
"""Grey levels between ink and paper: at 16 of them, up to all characters of a page were lost, at 32 none."""
FAINT_FULL_RANGE_MAX: Final = 90
"""The same with grain of three levels; clean fine print, which shrinking pales, has over 150."""
FAINT_GRAIN_RATIO_MIN: Final = 10.0
"""A blank page's range is 8 times its grain: spread out, the grain would be read as writing."""
FAINT_RANGE_MIN: Final = 8
"""Less than JPEG leaves on blank paper is no writing."""
SPECK_SHARE_MIN: Final = 0.005
"""Drawn clean pages have under 0.0004 at any resolution, the 27 real ones up to 0.003; two specks in a hundred
pixels measure 0.009."""
BETWEEN_SHARE_MAX: Final = 0.01
"""Of bilevel scans: smooth print has as many greys as blacks."""
FAX_SIDE_PX_MIN: Final = 1600
FAX_SIDE_PX_MAX: Final = 2600
"""Longer side of bilevel pages that are softened: a fax has 2,200. On coarser ones it would blur the letters,
and scans at 300 dpi read no better (0.73 to 0.71 and 0.25 to 0.39 % on two magazine pages)."""
STEEPNESS_MIN: Final = 0.03
"""Flatter ones are no letters."""
STEEPNESS_MAX: Final = 0.1
"""Edges less steep are 10 pixels wide: 0.08 lost half of the characters, 0.13 one in a hundred."""
SMALL_SIDE_PX_MIN: Final = 380
SMALL_SIDE_PX_MAX: Final = 600
"""Shorter side of whole pages that are enlarged: A4 has 414 at 50 dpi and 595 at 72."""
PAGE_RATIO_MIN: Final = 1.2
PAGE_RATIO_MAX: Final = 1.6
"""Sides of a whole page; cuttings of a page have other shapes, and letters that are large enough."""
ENLARGEMENT: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairs:
    """What is done to a picture, in the order of the fields."""

    down: float = 1.0
    """Times as high: a fax's rows lie twice as far apart as its columns."""
    enlargement: float = 1.0
    soften: bool = False
    spread: tuple[int, int] | None = None
    """The greys that become black and white."""
    sharpen: bool = False

    @property
    def size_factor(self) -> float:
        return self.down * self.enlargement**2


NONE: Final = Repairs()


def choose_repairs(measures: PageMeasures, *, row_factor: float = 1.0) -> Repairs:
    """Return the repairs that promise a better reading.

    ``row_factor``: how much further apart the file says that rows lie than columns.
    """
    return Repairs(
        down=row_factor,
        enlargement=ENLARGEMENT if _is_small(measures) else 1.0,
        soften=measures.speck_share >= SPECK_SHARE_MIN or _is_fax(measures, row_factor),
        spread=(measures.darkest, measures.lightest) if _is_faint(measures) else None,
        sharpen=_is_blurred(measures),
    )


def _is_small(measures: PageMeasures) -> bool:
    short, long = sorted((measures.width_px, measures.height_px))
    return SMALL_SIDE_PX_MIN <= short <= SMALL_SIDE_PX_MAX and PAGE_RATIO_MIN <= long / short <= PAGE_RATIO_MAX


def _is_fax(measures: PageMeasures, row_factor: float) -> bool:
    side_px = max(measures.width_px, measures.height_px * row_factor)
    return measures.between_share <= BETWEEN_SHARE_MAX and FAX_SIDE_PX_MIN <= side_px <= FAX_SIDE_PX_MAX


def _is_blurred(measures: PageMeasures) -> bool:
    return STEEPNESS_MIN <= measures.steepness <= STEEPNESS_MAX and measures.grey_range > FAINT_RANGE_MAX


def _is_faint(measures: PageMeasures) -> bool:
    floor = max(FAINT_RANGE_MIN, FAINT_GRAIN_RATIO_MIN * measures.grain)
    pale = floor <= measures.grey_range <= FAINT_RANGE_MAX
    return pale and measures.full_range <= FAINT_FULL_RANGE_MAX and not _is_blurred(measures)


def enhance(picture: Image.Image, *, row_factor: float = 1.0, pixels_max: int) -> Image.Image:
    """Return the picture as it is read best: the same object where nothing is to be done.

    Its sides may grow, never beyond ``pixels_max`` pixels; all places on it keep their
    share of the width and of the height.
    """
    repairs = choose_repairs(measure_page(picture), row_factor=row_factor)
    if picture.width * picture.height * repairs.size_factor > pixels_max:
        repairs = replace(repairs, down=1.0, enlargement=1.0)
    return apply_repairs(picture, repairs)


def apply_repairs(picture: Image.Image, repairs: Repairs) -> Image.Image:
    """Return the repaired picture."""
    if repairs.size_factor != 1.0:
        across, down = repairs.enlargement, repairs.enlargement * repairs.down
        picture = steps.resize(picture, across=across, down=down)
    if repairs.soften:
        picture = steps.soften(picture)
    if repairs.spread:
        picture = steps.spread_greys(picture, darkest=repairs.spread[0], lightest=repairs.spread[1])
    return steps.sharpen(picture) if repairs.sharpen else picture
