"""Pictures on their way out of a worker: size, ink, and the file they are written to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from ironleaf.document import ImageEncoding, PageImage, RenderSpec
from ironleaf.services.files import errors
from ironleaf.services.files.enhance.decide import enhance

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ironleaf.services.files.formats.base import DecodeLimits

INK_SIDE_CELLS: Final = 512
"""The longer side is divided into this many cells: at A4 a cell is 0.6 mm, a pen stroke."""
INK_CONTRAST: Final = 48
"""Grey levels by which ink differs from paper: JPEG noise and paper grain stay under 30, pencil is above 60."""
INK_GREY_BINS: Final = 32
"""The paper's grey is the fullest of so many bins, so that an uneven scan still has one."""

_Turn = Image.Transpose
TURNS_CLOCKWISE: Final[dict[int, _Turn]] = {90: _Turn.ROTATE_270, 180: _Turn.ROTATE_180, 270: _Turn.ROTATE_90}


def fit_size(size: tuple[int, int], spec: RenderSpec, *, pixels_max: int) -> tuple[int, int]:
    """Return the size at which a picture of ``size`` is handed on: never enlarged, never below one pixel."""
    width, height = size
    pixels_allowed = min(pixels_max, spec.pixels_max or pixels_max)
    scale = min(1.0, math.sqrt(pixels_allowed / (width * height)))
    if spec.side_px_max is not None:
        scale = min(scale, spec.side_px_max / max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def measure_ink(grey: NDArray[np.uint8]) -> float:
    """Return the share of small cells that hold something clearly unlike the paper, 0-1.

    Cells and not pixels: a thin stroke counts like a thick one, and a single short
    line on a page does not vanish.
    """
    cell = max(1, math.ceil(max(grey.shape) / INK_SIDE_CELLS))
    step = 256 // INK_GREY_BINS
    shades: NDArray[np.uint8] = (grey // np.uint8(step)).ravel()
    paper = int(np.bincount(shades, minlength=INK_GREY_BINS).argmax()) * step + step // 2
    darker = paper - _reduce_cells(grey, cell, np.minimum).astype(np.int16)
    lighter = _reduce_cells(grey, cell, np.maximum).astype(np.int16) - paper
    return int(np.count_nonzero(np.maximum(darker, lighter) >= INK_CONTRAST)) / darker.size


def _reduce_cells(grey: NDArray[np.uint8], cell: int, pick: np.ufunc) -> NDArray[np.uint8]:
    """Return one pixel for each cell; rows first, since they lie one after another in memory."""
    rows = list(range(0, grey.shape[0], cell))
    columns = list(range(0, grey.shape[1], cell))
    return pick.reduceat(pick.reduceat(grey, rows, axis=0), columns, axis=1)


def prepare_picture(
    picture: Image.Image, spec: RenderSpec, limits: DecodeLimits, notices: list[str], *, row_factor: float = 1.0
) -> Image.Image:
    """Return the RGB picture as its reader needs it: repaired for the embedded engine, left alone for all others."""
    if spec.encoding is not ImageEncoding.RAW_RGB or not limits.enhance:
        return picture
    pixels_max = min(limits.raster_pixels_max, spec.pixels_max or limits.raster_pixels_max)
    enhanced = enhance(picture, row_factor=row_factor, pixels_max=pixels_max)
    if enhanced is not picture:
        notices.append(errors.PAGE_ENHANCED.reason)
    return enhanced


def write_picture(picture: Image.Image, target: Path, spec: RenderSpec) -> PageImage:
    """Turn the RGB picture as asked, write it to ``target`` and say what was written."""
    if turn := TURNS_CLOCKWISE.get(spec.rotation_deg % 360):
        picture = picture.transpose(turn)
    ink_share = measure_ink(np.asarray(picture.convert("L")))
    if spec.encoding is ImageEncoding.RAW_RGB:
        with target.open("wb") as file:
            np.save(file, np.asarray(picture), allow_pickle=False)
    elif spec.encoding is ImageEncoding.JPEG:
        picture.save(target, format="JPEG", quality=spec.jpeg_quality, optimize=False)
    else:
        picture.save(target, format="PNG", compress_level=1)
    return PageImage(
        path=target,
        encoding=spec.encoding,
        width_px=picture.width,
        height_px=picture.height,
        bytes=target.stat().st_size,
        ink_share=ink_share,
    )
