"""What would happen to a file: its type, its pages and who would read them, before anything is converted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ironleaf.document.page import Notice
from ironleaf.foundation.errors import Problem, Unit


class TextLayerState(StrEnum):
    """Whether a page brings its own text."""

    NONE = "none"
    TRUSTED = "trusted"
    DISTRUSTED = "distrusted"
    """There is one, and it is not what the page shows: the page would be read from its pixels."""
    NATIVE = "native"
    """The format is text: nothing has to be recognised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedPage:
    """One page, as far as it is known without drawing it."""

    number: int
    width_px: int | None
    height_px: int | None
    rotation_deg: int
    """The clockwise turn that would make the page upright."""
    text_layer: TextLayerState
    engine: str
    """Who would be asked first; ``none`` where nobody could read it."""
    warnings: tuple[Notice, ...] = ()
    error: Problem | None = None
    """Why the page could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """How near a file comes to one of the service's limits."""

    name: str
    """The setting, in the section ``files.limits``."""
    limit: int
    actual: int
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The answer about one file. A file that would be refused is refused here, too, with the same error."""

    id: str
    filename: str | None
    """The caller's label, cleaned; never a path."""
    format: str
    media_type: str
    """Of the content, not of the claim."""
    bytes: int
    page_count: int
    pages_requested: int
    pages: tuple[InspectedPage, ...]
    """The pages that were asked for, at most the first hundred of them."""
    engines: tuple[str, ...]
    """Who would read these pages, from the most to the least trusted."""
    limits: tuple[LimitUse, ...]
    warnings: tuple[Notice, ...]
