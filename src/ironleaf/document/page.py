"""One page of the answer, with who read it and how far it may be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ironleaf.document.geometry import Region
from ironleaf.foundation.errors import Problem


class BlockKind(StrEnum):
    """What a block of text is."""

    PARAGRAPH = "paragraph"
    LINE = "line"
    HEADING = "heading"
    LIST_ITEM = "list_item"
    TABLE = "table"
    CODE = "code"
    PICTURE = "picture"
    HEADER = "header"
    """What stands above every page of a document."""
    FOOTER = "footer"
    NOTE = "note"
    """Foot- and endnotes, comments, what a speaker wants to say."""


class PageStatus(StrEnum):
    SUCCEEDED = "succeeded"
    DEGRADED = "degraded"
    """Read, but a configured higher rung of the ladder was tried or skipped because of failure."""
    BLANK = "blank"
    FAILED = "failed"
    SKIPPED = "skipped"


class Grade(StrEnum):
    """How far the text may be trusted."""

    EXCELLENT = "excellent"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


class AttemptOutcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    """The engine answered, and the answer was found wanting."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A warning: something was repaired, left out or doubtful. ``reason`` is one of a closed list."""

    reason: str
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of a page, in reading order."""

    kind: BlockKind
    text: str
    region: Region | None = None
    confidence: float | None = None
    """0-1."""
    level: int | None = None
    """Depth of a heading or list item, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One engine's try at a page."""

    engine: str
    """The engine's public name or the operator's public alias of a backend."""
    outcome: AttemptOutcome
    reason: str | None
    """From the catalogue or the closed list of verdicts; None when it succeeded."""
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    grade: Grade
    confidence: float | None = None
    """0-1; None where the reader gives none."""
    agreement: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the answer. Entries out = pages requested, always."""

    number: int
    status: PageStatus
    engine: str
    model: str | None
    degraded: bool
    degraded_reason: str | None
    error: Problem | None
    text: str
    blocks: tuple[Block, ...]
    width_px: int | None
    height_px: int | None
    rotation_deg: int
    """The clockwise turn that was applied to make the page upright."""
    language: str | None
    quality: Quality | None
    warnings: tuple[Notice, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    image: str | None = None
    """A bounded JPEG data URI, when asked for."""
