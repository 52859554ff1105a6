"""A line of text on a page: the currency between reading, ordering and judging. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ironleaf.document import Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One detected line, read."""

    text: str
    confidence: float
    """Mean over its characters, 0-1."""
    region: Region
    """In pixels of the upright page."""
    unread: float = 0.0
    """Share of its ink that no character accounts for, 0-1."""
    level: Region
    """The same once the page's slant is taken out: for ordering only."""
