"""Text for a page that is as good as blank.

Why: models invent text for blank pages, 848 to 30,354 characters of it where it was
measured, while such pages have an ink share of 0.000 %. Ink is measured on the very
image that was sent.
"""

from __future__ import annotations

from typing import Final

from ironleaf.services.verification.base import Answer, Verdict

INK_SHARE_MIN: Final = 0.004
"""Genuine pages of text lie far above; specks, borders and a page number below."""
CHARACTERS_PER_INK: Final = 120_000
"""A full page has about 3,000 characters on 5 % of ink; twice that many may be genuine."""


def judge_inkless(answer: Answer) -> Verdict | None:
    """Reject more text than so little ink can be; doubt the rest of it."""
    if answer.ink_share is None or answer.ink_share >= INK_SHARE_MIN:
        return None
    characters = sum(map(str.isalnum, answer.text))
    if not characters:
        return None
    hard = characters > answer.ink_share * CHARACTERS_PER_INK
    return Verdict(reason="text-on-inkless-page", severity="hard" if hard else "soft")
