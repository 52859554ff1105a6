"""The last two touches on an engine's reading: its text cleaned, its quality put in a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from ironleaf.document import EngineName, Grade, PageResult, Quality
from ironleaf.services.cleaning import clean_page
from ironleaf.services.engines.errors import LINES_LEFT_OUT
from ironleaf.services.files.errors import CHARACTERS_REPLACED, IMAGE_TRUNCATED, OFFICE_REPAIRED, TEXT_TRUNCATED
from ironleaf.services.verification import says_blank

GRADE_MOST: Final = {
    LINES_LEFT_OUT.reason: Grade.FAIR,
    TEXT_TRUNCATED.reason: Grade.FAIR,
    IMAGE_TRUNCATED.reason: Grade.FAIR,
    OFFICE_REPAIRED.reason: Grade.FAIR,
    CHARACTERS_REPLACED.reason: Grade.GOOD,
}
"""What a page may be graded at most that says so of itself. However well the rest was read, some of the text is
missing, and nobody knows how much: it must be looked at. A character that could not be decoded can at least be seen."""
_FROM_BEST: Final = tuple(Grade)


def clean_result(result: PageResult) -> PageResult:
    """Return the reading with its text and its blocks' texts cleaned."""
    generated = result.engine is EngineName.VL  # only such a text may come with words around it
    blocks = tuple(replace(block, text=clean_page(block.text)) for block in result.blocks)
    if generated and says_blank(result.text, result.ink_share):
        return replace(result, text="", blocks=())
    return replace(result, text=clean_page(result.text, generated=generated), blocks=blocks)


class GradeConfidence(Protocol):
    """Turns the embedded engine's confidence into a grade."""

    def __call__(self, confidence: float | None, *, warnings: Sequence[str] = ()) -> Grade: ...


def grade_result(result: PageResult, *, warnings: Sequence[str] = (), grade_confidence: GradeConfidence) -> Quality:
    """Return how far the reading may be trusted; ``warnings`` are those of the page's source.

    Text that the file itself carries has passed its own trust test, so it is
    excellent; the embedded engine says how sure it is. A VL model says nothing
    of the kind: until its readings are cross-checked, they count as good. A page
    that lacks some of its text is graded no higher than `GRADE_MOST` says.
    """
    if result.engine is EngineName.EMBEDDED:
        grade = grade_confidence(result.confidence, warnings=result.warnings)
    elif result.engine is EngineName.VL:
        grade = Grade.GOOD
    else:
        grade = Grade.EXCELLENT
    bounds = (GRADE_MOST[reason] for reason in (*warnings, *result.warnings) if reason in GRADE_MOST)
    return Quality(grade=max((grade, *bounds), key=_FROM_BEST.index), confidence=result.confidence)
