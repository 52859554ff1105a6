"""Text for a page that is as good as blank.

Why: models invent text for blank pages, 848 to 30,354 characters of it where it was
measured, while such pages have an ink share of 0.000 %. Ink is measured on the very
image that was sent.
"""

from __future__ import annotations

from typing import Final

from ironleaf.services.verification.base import INK_SHARE_MIN, Answer, Verdict
from ironleaf.services.verification.no_text import claims_no_text

CHARACTERS_PER_INK: Final = 120_000
"""A full page has about 3,000 characters on 5 % of ink; twice that many may be genuine."""


def judge_inkless(answer: Answer) -> Verdict | None:
    """Reject more text than so little ink can be, unless it says so itself; doubt the rest of it."""
    if answer.ink_share is None or answer.ink_share >= INK_SHARE_MIN or not any(map(str.isalnum, answer.text)):
        return None
    if not _exceeds_ink(answer.text, answer.ink_share):
        return Verdict(reason="text-on-inkless-page", severity="soft")
    return None if claims_no_text(answer.text) else Verdict(reason="text-on-inkless-page")


def says_blank(text: str, ink_share: float | None) -> bool:
    """Tell whether ``text`` is no text of the page but a model's true word that the page has none."""
    return (
        ink_share is not None and _exceeds_ink(text, ink_share) and ink_share < INK_SHARE_MIN and claims_no_text(text)
    )


def _exceeds_ink(text: str, ink_share: float) -> bool:
    return sum(map(str.isalnum, text)) > ink_share * CHARACTERS_PER_INK
