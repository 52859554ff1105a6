"""TIFF pictures that Pillow does not know (CIELAB, odd sample layouts): a second decoder, one frame at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from ironleaf.services.files import errors
from ironleaf.services.files.formats.base import DecodeLimits, OpenedInfo, PageInfo, RenderedPage
from ironleaf.services.files.formats.failures import damaged, page_too_large
from ironleaf.services.files.formats.image_headers import read_tiff_size
from ironleaf.services.files.formats.pixels import fit_size, prepare_picture, write_picture

if TYPE_CHECKING:
    from pathlib import Path

    from ironleaf.document import RenderSpec

_COLOUR_8_BIT: Final = 1
"""OpenCV's IMREAD_COLOR."""


class OpenedUnusualTiff:
    """The first frame of a TIFF file, read by OpenCV.

    Raises:
        LimitReached: the declared size is over a limit.
        BusinessError: no size is declared.
    """

    def __init__(self, path: Path, limits: DecodeLimits, *, frames: int) -> None:
        with path.open("rb") as file:
            size = read_tiff_size(file)
        if size is None or min(size) < 1:
            raise damaged(errors.DAMAGED_IMAGE, why="no size")
        if size[0] * size[1] > limits.page_pixels_max:
            raise page_too_large(errors.PAGE_TOO_LARGE, page=1, limit=limits.page_pixels_max, actual=size[0] * size[1])
        self._path = path
        self._limits = limits
        self._size = size
        self._skipped = frames > 1

    @property
    def info(self) -> OpenedInfo:
        return OpenedInfo(page_count=1, notices=(errors.FRAMES_SKIPPED.reason,) if self._skipped else ())

    def describe(self, number: int) -> PageInfo:
        # The decoder itself must agree before anything is promised: Pillow has refused this file already.
        self._decode()
        return PageInfo(number=number, width_px=self._size[0], height_px=self._size[1])

    def render(self, number: int, spec: RenderSpec, target: Path) -> RenderedPage:
        if number != 1:
            raise damaged(errors.DAMAGED_IMAGE, page=number, why="no such frame")
        picture = self._decode()
        goal = fit_size(picture.size, spec, pixels_max=self._limits.raster_pixels_max)
        if goal != picture.size:
            picture = picture.resize(goal, Image.Resampling.LANCZOS, reducing_gap=2.0)
        notices = [errors.COLOUR_CONVERTED.reason]
        picture = prepare_picture(picture, spec, self._limits, notices)
        return RenderedPage(image=write_picture(picture, target, spec), notices=tuple(notices))

    def close(self) -> None:
        """Nothing is kept open."""

    def _decode(self) -> Image.Image:
        import cv2  # noqa: PLC0415  # 50 MB and a thread pool, for a rare kind of file

        cv2.setNumThreads(1)
        data = np.fromfile(self._path, np.uint8)
        pixels = cv2.imdecode(data, _COLOUR_8_BIT)
        # Of a compression that it does not know it says nothing, and hands out an empty picture.
        if pixels is None or int(pixels.min()) == int(pixels.max()):
            raise damaged(errors.DAMAGED_IMAGE, page=1, why="second decoder gave up")
        return Image.fromarray(np.ascontiguousarray(pixels[:, :, ::-1]))
