"""What an engine gives back for one page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ironleaf.document.page import Attempt, Block


class EngineName(StrEnum):
    """Who may have read a page; public."""

    TEXT_LAYER = "text_layer"
    VL = "vl"
    EMBEDDED = "embedded"
    NATIVE = "native"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResult:
    """The text of one page as one engine read it, before cleaning.

    Regions are in pixels of an image of ``width_px`` × ``height_px``; the flow
    scales them to the page's own size.
    """

    engine: EngineName
    model: str | None = None
    """The operator's public alias, or None."""
    text: str = ""
    blocks: tuple[Block, ...] = ()
    width_px: int | None = None
    height_px: int | None = None
    rotation_deg: int = 0
    """A clockwise turn that the engine applied beyond the page's own."""
    language: str | None = None
    confidence: float | None = None
    warnings: tuple[str, ...] = ()
    """Reasons from the closed list of warnings."""
    attempts: tuple[Attempt, ...] = ()
    degraded_reason: str | None = None
    """Set by the ladder when a higher rung failed or was skipped because of failure."""
    ink_share: float | None = None
    """Of the image that was read, where one was."""
