"""A page's picture: what may be asked for, and what comes back. Pixels travel as files, not in memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class ImageEncoding(StrEnum):
    """How the pixels lie in the file."""

    RAW_RGB = "raw_rgb"
    """A NumPy ``.npy`` file, uint8, shape (height, width, 3), RGB: for engines in this house."""
    JPEG = "jpeg"
    PNG = "png"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSpec:
    """Which picture of the page is wanted."""

    encoding: ImageEncoding = ImageEncoding.RAW_RGB
    side_px_max: int | None = None
    """The longer side is shrunk to this, never enlarged; None leaves the decoder's own limit."""
    pixels_max: int | None = None
    jpeg_quality: int = 90
    rotation_deg: int = 0
    """An extra clockwise turn: 0, 90, 180 or 270."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageImage:
    """One picture of a page in the flow's spool: upright, opaque, 8-bit RGB."""

    path: Path
    encoding: ImageEncoding
    width_px: int
    height_px: int
    bytes: int
    """The file's size."""
    ink_share: float
    """Share of pixels that differ clearly from the background, 0-1: tells a blank page."""
    spooled: bool = False
    """Drawn for one reading: whoever read it deletes it. Any other picture is not his to delete."""
