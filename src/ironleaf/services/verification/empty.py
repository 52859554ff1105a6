"""No text at all."""

from __future__ import annotations

import re
from typing import Final

from ironleaf.services.verification.base import INK_SHARE_MIN, Answer, Verdict, bare

_SOMETHING: Final = re.compile(r"\w")


def judge_empty(answer: Answer) -> Verdict | None:
    """Reject an answer without any letter or digit, unless the page is known to be blank."""
    if _SOMETHING.search(bare(answer.text)):
        return None
    if answer.ink_share is not None and answer.ink_share < INK_SHARE_MIN:
        return None
    return Verdict(reason="answer-empty")
