"""Pictures: JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC, AVIF. Every frame is a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pillow_heif
from PIL import Image, ImageFile, UnidentifiedImageError

from ironleaf.foundation.errors import Unit
from ironleaf.services.files import errors
from ironleaf.services.files.formats.base import (
    DecodeLimits,
    OpenedFile,
    OpenedInfo,
    OpenRequest,
    PageInfo,
    RenderedPage,
)
from ironleaf.services.files.formats.failures import damaged, page_too_large, too_many
from ironleaf.services.files.formats.image_colours import make_rgb, shrink
from ironleaf.services.files.formats.image_headers import (
    count_tiff_frames,
    read_gif_head,
    read_webp_size,
)
from ironleaf.services.files.formats.image_orientation import TURNS, is_sideways, read_orientation
from ironleaf.services.files.formats.image_spacing import read_row_factor
from ironleaf.services.files.formats.image_unusual import OpenedUnusualTiff
from ironleaf.services.files.formats.pixels import fit_size, prepare_picture, write_picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ironleaf.document import RenderSpec

_PILLOW_FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "jpeg": ("JPEG",),
    "png": ("PNG",),
    "webp": ("WEBP",),
    "tiff": ("TIFF",),
    "bmp": ("BMP",),
    "gif": ("GIF",),
    "heif": ("HEIF",),
    "heic": ("HEIF",),
    "avif": ("AVIF",),
}
"""Our name of a format: the only plug-ins that may touch such a file."""
_SEQUENCES: Final = frozenset({"webp", "heif", "heic", "avif"})
"""Formats whose frames a decoder counts from the head. A PNG's further frames are an animation,
which is told; an MPO's are previews and depth maps of one photograph."""

_Rows: TypeAlias = "NDArray[np.bool_]"

ROWS_SHARE_MIN: Final = 0.5
"""A picture that ends early is read if at least this share of its rows came: with less, most of the page
would be missing from a text that looks complete."""
SIDE_READABLE_MIN: Final = 10
"""Pixels of a side below which no letter fits."""


class ImageDecoder:
    """Opens pictures with Pillow."""

    def __init__(self) -> None:
        pillow_heif.register_heif_opener(thumbnails=False)  # pyright: ignore[reportUnknownMemberType]

    @property
    def formats(self) -> frozenset[str]:
        return frozenset(_PILLOW_FORMATS)

    def open(self, request: OpenRequest, limits: DecodeLimits) -> OpenedFile:
        """Return the open picture.

        Raises:
            LimitReached: too many frames, or the only frame is too large.
        """
        frames, canvas = _read_head(request.path, request.format)
        if canvas is not None:
            check_size(canvas, limits, page=1)
        try:
            first = _open_picture(request, limits)
        except UnidentifiedImageError:
            if request.format != "tiff":
                raise
            return OpenedUnusualTiff(request.path, limits, frames=max(1, frames))
        try:
            if request.format in _SEQUENCES:
                frames = int(getattr(first, "n_frames", 1))
            _check_frames(request, limits, first=first, frames=frames)
        except BaseException:
            first.close()
            raise
        return OpenedImage(request, limits, first=first, frames=max(1, frames))


def _check_frames(request: OpenRequest, limits: DecodeLimits, *, first: Image.Image, frames: int) -> None:
    if request.whole and frames > limits.frames_max:
        raise too_many(errors.TOO_MANY_FRAMES, limit=limits.frames_max, actual=frames, unit=Unit.FRAMES)
    if frames <= 1:
        check_size(first.size, limits, page=1)
    pixels = first.width * first.height * frames
    if request.whole and pixels > limits.files.document_pixels_max:
        raise too_many(
            errors.DOCUMENT_TOO_LARGE, limit=limits.files.document_pixels_max, actual=pixels, unit=Unit.PIXELS
        )


def check_size(size: tuple[int, int], limits: DecodeLimits, *, page: int) -> None:
    """Refuse a page by its declared size.

    Raises:
        LimitReached: too many pixels, or a side too long; with limit and actual value.
    """
    width, height = size
    if width * height > limits.page_pixels_max:
        raise page_too_large(errors.PAGE_TOO_LARGE, page=page, limit=limits.page_pixels_max, actual=width * height)
    if max(width, height) > limits.side_pixels_max:
        raise page_too_large(errors.SIDE_TOO_LONG, page=page, limit=limits.side_pixels_max, actual=max(width, height))


def _read_head(path: Path, file_format: str) -> tuple[int, tuple[int, int] | None]:
    """Return the number of frames and the canvas, as far as they must be known before a library opens the file."""
    with path.open("rb") as file:
        if file_format == "tiff":
            return count_tiff_frames(file), None
        if file_format == "gif":
            head = read_gif_head(file)
            return head.frames, (head.width_px, head.height_px)
        return 1, read_webp_size(file) if file_format == "webp" else None


def _open_picture(request: OpenRequest, limits: DecodeLimits) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # sizes are checked against our own limit, which can name them
    picture = Image.open(request.path, formats=_PILLOW_FORMATS[request.format])
    Image.MAX_IMAGE_PIXELS = limits.page_pixels_max  # for what a frame may grow to while it is decoded
    return picture


class OpenedImage:
    """A picture file; frames are decoded one at a time."""

    def __init__(self, request: OpenRequest, limits: DecodeLimits, *, first: Image.Image, frames: int) -> None:
        self._request = request
        self._limits = limits
        self._picture: Image.Image | None = first
        self._canvas = first.size
        self._frames = frames
        still = request.format == "png" and int(getattr(first, "n_frames", 1)) > 1
        self._notices = (errors.FRAMES_SKIPPED.reason,) if still else ()

    @property
    def info(self) -> OpenedInfo:
        return OpenedInfo(page_count=self._frames, notices=self._notices)

    def describe(self, number: int) -> PageInfo:
        if self._request.format in {"tiff", "jpeg", "png", "bmp"}:
            picture = self._frame(number)
            size, orientation = picture.size, read_orientation(picture)
            if is_sideways(orientation) and self._request.format != "tiff":
                size = (size[1], size[0])
        else:
            # Animations share one canvas, and going to a frame means decoding all before it.
            size, orientation = self._upright_canvas()
        check_size(size, self._limits, page=number)
        notices = [errors.EXIF_ORIENTATION_APPLIED.reason] if orientation != 1 else []
        if min(size) < SIDE_READABLE_MIN:
            notices.append(errors.PAGE_IMAGE_TOO_SMALL.reason)
        return PageInfo(
            number=number,
            width_px=size[0],
            height_px=size[1],
            rotation_deg=TURNS[orientation][1] if orientation in TURNS else 0,
            notices=tuple(notices),
        )

    def render(self, number: int, spec: RenderSpec, target: Path) -> RenderedPage:
        picture = self._frame(number)
        check_size(picture.size, self._limits, page=number)
        notices: list[str] = []
        orientation = read_orientation(picture)
        # Pillow turns TIFF frames while it loads them; the size it names is the upright one already.
        turn = None if self._request.format == "tiff" else TURNS.get(orientation)
        size = (picture.height, picture.width) if turn and is_sideways(orientation) else picture.size
        goal = fit_size(size, spec, pixels_max=self._limits.raster_pixels_max)
        if size[0] * size[1] > self._limits.raster_pixels_max:
            notices.append(errors.IMAGE_DOWNSCALED.reason)
        profile = picture.info.get("icc_profile")
        row_factor = 1.0 if is_sideways(orientation) else read_row_factor(picture)
        stored_goal = (goal[1], goal[0]) if turn and is_sideways(orientation) else goal
        work = self._load(picture, number, stored_goal, notices)
        if turn:
            work = work.transpose(turn[0])
        rgb = make_rgb(work, profile if isinstance(profile, bytes) else None, notices)
        rgb = prepare_picture(rgb, spec, self._limits, notices, row_factor=row_factor)
        image = write_picture(rgb, target, spec)
        if self._frames == 1:
            self.close()  # a loaded picture is large, and can be loaded once only
        return RenderedPage(image=image, notices=tuple(notices))

    def close(self) -> None:
        if self._picture is not None:
            self._picture.close()
            self._picture = None

    def _frame(self, number: int) -> Image.Image:
        if not 1 <= number <= self._frames:
            raise damaged(errors.DAMAGED_IMAGE, page=number, why="no such frame")
        if self._picture is None:
            self._picture = _open_picture(self._request, self._limits)
        if self._frames > 1:
            self._picture.seek(number - 1)
        return self._picture

    def _upright_canvas(self) -> tuple[tuple[int, int], int]:
        picture = self._picture or self._frame(1)
        orientation = read_orientation(picture)
        width, height = self._canvas
        return ((height, width) if is_sideways(orientation) else (width, height)), orientation

    def _load(self, picture: Image.Image, number: int, goal: tuple[int, int], notices: list[str]) -> Image.Image:
        """Return the frame's pixels in the size of ``goal``; a JPEG is shrunk while it is decoded."""
        if self._request.format == "jpeg":
            picture.draft(None, goal)  # pyright: ignore[reportArgumentType]  # None keeps the colours: documented
        if _is_deep(picture):
            notices.append(errors.DEPTH_REDUCED.reason)
        try:
            picture.load()
        except (OSError, IndexError) as error:
            if "truncated" not in str(error).lower():
                raise
            self.close()
            picture = self._load_what_came(number, goal)
            notices.append(errors.IMAGE_TRUNCATED.reason)
        return shrink(picture, goal, notices)

    def _load_what_came(self, number: int, goal: tuple[int, int]) -> Image.Image:
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            picture = self._frame(number)
            if self._request.format == "jpeg":
                picture.draft(None, goal)  # pyright: ignore[reportArgumentType]
            picture.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        came = _find_written_rows(picture)
        if float(came.mean()) < ROWS_SHARE_MIN:
            raise damaged(errors.DAMAGED_IMAGE, page=number, why="ends early")
        return _whiten_missing(picture, came)


def _is_deep(picture: Image.Image) -> bool:
    """Tell whether Pillow will drop the low byte of 16-bit colours while it loads."""
    tiles = getattr(picture, "tile", [])
    return picture.mode in {"RGB", "RGBA", "CMYK", "LA", "L"} and any(";16" in str(tile) for tile in tiles)


def _find_written_rows(picture: Image.Image) -> _Rows:
    """Return which rows came: the others were left at zero, or filled up with one grey to the end (JPEG)."""
    samples = np.asarray(picture)
    rows = samples.reshape(samples.shape[0], -1)
    came: _Rows = np.any(rows != 0, axis=1)
    last = samples[-1].reshape(samples.shape[1], -1)
    if bool((last == last[0]).all()):
        unlike = np.flatnonzero((rows != rows[-1]).any(axis=1))
        came[(int(unlike[-1]) + 1 if unlike.size else 0) :] = False
    return came


def _whiten_missing(picture: Image.Image, came: _Rows) -> Image.Image:
    if picture.mode not in {"1", "L", "RGB"} or bool(came.all()):
        return picture
    for top, bottom in _runs(~came):
        picture.paste("white", (0, top, picture.width, bottom))
    return picture


def _runs(flags: _Rows) -> Iterator[tuple[int, int]]:
    """Yield the first and the past-the-last index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
