"""All verdicts on one answer, in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.services.verification.echo import judge_echo, judge_wrapping
from ironleaf.services.verification.empty import judge_empty
from ironleaf.services.verification.error_text import judge_error_text
from ironleaf.services.verification.finish_reason import judge_finish_reason
from ironleaf.services.verification.image_ignored import judge_image_ignored, judge_image_missed
from ironleaf.services.verification.inkless import judge_inkless
from ironleaf.services.verification.no_text import judge_no_text_claim
from ironleaf.services.verification.refusal import judge_refusal
from ironleaf.services.verification.repetition import judge_repetition

if TYPE_CHECKING:
    from collections.abc import Callable

    from ironleaf.services.verification.base import Answer, Verdict

CHECKS: Final[tuple[Callable[[Answer], Verdict | None], ...]] = (
    # What the server itself says comes first, then what the text shows, then what is only repaired.
    judge_image_ignored,
    judge_repetition,
    judge_finish_reason,
    judge_empty,
    judge_error_text,
    judge_refusal,
    judge_image_missed,
    judge_echo,
    judge_inkless,
    judge_no_text_claim,
    judge_wrapping,
)


def judge(answer: Answer) -> tuple[Verdict, ...]:
    """Return every verdict on ``answer``, the most telling first; empty if nothing is wrong with it."""
    return tuple(verdict for check in CHECKS if (verdict := check(answer)) is not None)
