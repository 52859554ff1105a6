"""The whole answer to one file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ironleaf.document.page import Notice, Page


class DocumentStatus(StrEnum):
    SUCCEEDED = "succeeded"
    PARTIALLY_SUCCEEDED = "partially_succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds of wall time per stage; ``total_ms`` is all of them together."""

    receive_ms: int
    open_ms: int
    recognise_ms: int
    total_ms: int
    """From the first byte to the finished document."""
    wait_ms: int = 0
    """Waiting for a turn."""
    assemble_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's text, page by page, in the one format that was asked for."""

    id: str
    filename: str | None
    """The caller's label, cleaned; never a path."""
    media_type: str
    status: DocumentStatus
    page_count: int
    pages_requested: int
    pages: tuple[Page, ...]
    degraded: bool
    warnings: tuple[Notice, ...]
    timing: Timing
    text: str | None = None
    markdown: str | None = None
    html: str | None = None
