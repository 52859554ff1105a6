"""An answer invented without a look at the image.

Why: two servers drop an image part that they do not know and answer 200. Only
the token count tells: it is no larger than the text's alone.
"""

from __future__ import annotations

from ironleaf.services.verification.base import Answer, Verdict


def judge_image_ignored(answer: Answer) -> Verdict | None:
    """Reject an answer whose prompt cost no more than its words alone."""
    if not answer.image_sent or answer.prompt_tokens is None or answer.text_only_tokens is None:
        return None
    if answer.prompt_tokens <= 0 or answer.prompt_tokens > answer.text_only_tokens:
        return None
    return Verdict(reason="image-ignored")
