"""A page before anybody has read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ironleaf.document.image import PageImage, RenderSpec
from ironleaf.document.page import Block

Render = Callable[[RenderSpec], Awaitable[PageImage]]
"""Draws the page into the flow's spool. Raises the files' catalogue errors."""


async def _no_image(spec: RenderSpec) -> PageImage:
    raise NotImplementedError("this page has no image")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLayer:
    """Text that the file itself carries for a page, with what is needed to judge it."""

    text: str
    blocks: tuple[Block, ...] = ()
    """Regions in the page's own pixels (`PageSource.width_px`)."""
    trustworthy: bool = True
    distrust_reason: str | None = None
    """A warning reason when it is not: for example ``text-layer-garbled``."""
    native: bool = False
    """True for formats whose text needs no recognition (Office, HTML, plain text)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSource:
    """One page: its number, its size, its text layer if any, and its image on demand."""

    number: int
    """From 1, as in the file."""
    width_px: int | None
    height_px: int | None
    """Of the upright page: an image's own pixels; for a PDF page its size at the rendering resolution."""
    rotation_deg: int = 0
    """The clockwise turn that rendering applies (EXIF, PDF /Rotate)."""
    text_layer: TextLayer | None = None
    has_image: bool = True
    warnings: tuple[str, ...] = ()
    render: Render = field(default=_no_image, repr=False, compare=False)
