"""From the engine's own confidence to a grade. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.document import Grade
from ironleaf.services.engines.errors import SCRIPT_NOT_SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Sequence

EXCELLENT_MIN: Final = 0.98
"""Measured on English and Chinese lines, blurred and noised: error 0 at the median, under 2 % at the most."""
GOOD_MIN: Final = 0.94
"""Error 6 % at the median there, 10 % in nine of ten; clean small screenshots reach it too, with under 3 %."""
FAIR_MIN: Final = 0.85
"""Below, an error of a fifth of the characters and more."""


def grade_confidence(confidence: float | None, *, warnings: Sequence[str] = ()) -> Grade:
    """Return the grade of a page that the embedded engine read.

    A page in an unknown script is poor whatever its confidence; one without any
    (nothing was read) is poor too, unless the caller knows that it is blank.
    """
    if confidence is None or SCRIPT_NOT_SUPPORTED.reason in warnings:
        return Grade.POOR
    if confidence >= EXCELLENT_MIN:
        grade = Grade.EXCELLENT
    elif confidence >= GOOD_MIN:
        grade = Grade.GOOD
    elif confidence >= FAIR_MIN:
        grade = Grade.FAIR
    else:
        grade = Grade.POOR
    return grade
