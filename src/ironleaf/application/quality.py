"""The last two touches on an engine's reading: its text cleaned, its quality put in a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from ironleaf.document import EngineName, Grade, PageResult, Quality
from ironleaf.services.cleaning import clean_page


def clean_result(result: PageResult) -> PageResult:
    """Return the reading with its text and its blocks' texts cleaned."""
    generated = result.engine is EngineName.VL  # only such a text may come with words around it
    blocks = tuple(replace(block, text=clean_page(block.text)) for block in result.blocks)
    return replace(result, text=clean_page(result.text, generated=generated), blocks=blocks)


class GradeConfidence(Protocol):
    """Turns the embedded engine's confidence into a grade."""

    def __call__(self, confidence: float | None, *, warnings: Sequence[str] = ()) -> Grade: ...


def grade_result(result: PageResult, *, grade_confidence: GradeConfidence) -> Quality:
    """Return how far the reading may be trusted.

    Text that the file itself carries has passed its own trust test, so it is
    excellent; the embedded engine says how sure it is. A VL model says nothing
    of the kind: until its readings are cross-checked, they count as good.
    """
    if result.engine is EngineName.EMBEDDED:
        grade = grade_confidence(result.confidence, warnings=result.warnings)
    elif result.engine is EngineName.VL:
        grade = Grade.GOOD
    else:
        grade = Grade.EXCELLENT
    return Quality(grade=grade, confidence=result.confidence)
