"""The formats' port: code that turns one kind of file into pages. It runs inside a worker process.

Jobs and results cross a pipe: frozen, small, picklable; pixels travel as files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ironleaf.services.files.settings import FileLimits

if TYPE_CHECKING:
    from pathlib import Path

    from ironleaf.document import PageImage, RenderSpec, TextLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLimits:
    """What a decoder may be asked to do; checked before the work it bounds."""

    pages_max: int = 500
    """Pages of a document, when all of them are asked for."""
    frames_max: int = 1_000
    """Frames of a picture file, when all of them are asked for."""
    page_pixels_max: int = 100_000_000
    """Pixels of one page as its file declares it."""
    side_pixels_max: int = 65_500
    """Pixels of a side: what the JPEG format can hold."""
    raster_pixels_max: int = 16_000_000
    """Pixels of a picture that is handed on: a square of 4,000, A4 at 400 dpi. No engine of the house
    looks at more, and as RGB it is 48 MB. Pixels, not a side: a strip keeps its short side readable."""
    resolution_dpi: int = 200
    """At which pages without pixels of their own are drawn: 10-point letters are 28 px high."""
    render_s_max: float = 10.0
    """Seconds for drawing a page, of which the rest is left undrawn: 500 times the usual; the kill stands behind it."""
    enhance: bool = True
    """Repair pictures for the embedded engine where their measures promise a better reading."""
    text_characters_max: int = 200_000
    """Characters of one page's text layer: fifty dense pages."""
    files: FileLimits = field(default_factory=FileLimits)
    """Limits of archives, and of the text of files that are text."""

    @classmethod
    def of(cls, limits: FileLimits) -> DecodeLimits:
        """Return what the files' limits mean for decoders."""
        return cls(
            pages_max=limits.pages_max,
            frames_max=limits.frames_max,
            page_pixels_max=limits.page_pixels_max,
            side_pixels_max=limits.side_pixels_max,
            files=limits,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """A page as its file describes it."""

    number: int
    width_px: int | None
    height_px: int | None
    """Upright; None where the page has no picture."""
    rotation_deg: int = 0
    text_layer: TextLayer | None = None
    has_image: bool = True
    notices: tuple[str, ...] = ()
    """Reasons from the closed list of warnings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPage:
    """A picture of a page, and what had to be mended to draw it."""

    image: PageImage
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """Which file to open, and how."""

    path: Path
    format: str
    password: str | None = field(default=None, repr=False)
    whole: bool = True
    """All pages are wanted: the limits on their number hold. Otherwise the flow counts those it asks for."""
    pictures: bool = False
    """Pictures inside a file of text are pages, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    """Open the file and count its pages."""

    file: OpenRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PageJob:
    """Describe one page, with its text layer."""

    file: OpenRequest
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderJob:
    """Draw one page into ``target``."""

    file: OpenRequest
    number: int
    spec: RenderSpec
    target: Path


Job = OpenJob | PageJob | RenderJob


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedInfo:
    """A file that can be read."""

    page_count: int
    notices: tuple[str, ...] = ()


Outcome = OpenedInfo | PageInfo | RenderedPage


class OpenedFile(Protocol):
    """One open file; page numbers count from 1.

    Foreign exceptions may leave its methods: the workshop translates them.
    """

    @property
    def info(self) -> OpenedInfo: ...

    def describe(self, number: int) -> PageInfo:
        """Return what the page is, from headers and text only: nothing is drawn."""
        ...

    def render(self, number: int, spec: RenderSpec, target: Path) -> RenderedPage:
        """Draw the page, upright and opaque, into the file ``target``."""
        ...

    def close(self) -> None: ...


class FormatDecoder(Protocol):
    """Opens files of the formats it names."""

    @property
    def formats(self) -> frozenset[str]:
        """Names of the formats, as identification gives them."""
        ...

    def open(self, request: OpenRequest, limits: DecodeLimits) -> OpenedFile:
        """Return the open file; limits that can be read from its head are checked."""
        ...
