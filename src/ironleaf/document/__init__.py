"""The vocabulary that every tier above the foundation shares: frozen values, no input or output."""

from ironleaf.document.document import Document, DocumentStatus, Timing
from ironleaf.document.geometry import Region
from ironleaf.document.image import ImageEncoding, PageImage, RenderSpec
from ironleaf.document.inspection import InspectedPage, Inspection, LimitUse, TextLayerState
from ironleaf.document.page import (
    Attempt,
    AttemptOutcome,
    Block,
    BlockKind,
    Grade,
    Notice,
    Page,
    PageStatus,
    Quality,
)
from ironleaf.document.result import EngineName, PageResult
from ironleaf.document.source import PageSource, TextLayer

__all__ = [
    "Attempt",
    "AttemptOutcome",
    "Block",
    "BlockKind",
    "Document",
    "DocumentStatus",
    "EngineName",
    "Grade",
    "ImageEncoding",
    "InspectedPage",
    "Inspection",
    "LimitUse",
    "Notice",
    "Page",
    "PageImage",
    "PageResult",
    "PageSource",
    "PageStatus",
    "Quality",
    "Region",
    "RenderSpec",
    "TextLayer",
    "TextLayerState",
    "Timing",
]
