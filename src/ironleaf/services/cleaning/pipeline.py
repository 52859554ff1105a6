"""The steps in their order."""

from __future__ import annotations

from typing import Final

from ironleaf.services.cleaning.hyphenation import join_hyphenated
from ironleaf.services.cleaning.unicode import normalise_unicode
from ironleaf.services.cleaning.whitespace import tidy_whitespace
from ironleaf.services.cleaning.wrapping import unwrap

ROUNDS_MAX: Final = 8
"""Taking one thing off may lay another bare; two rounds are the rule, more were never seen."""


def clean_page(text: str, *, generated: bool = False) -> str:
    """Return a page's text, cleaned. Cleaning it again changes nothing.

    ``generated`` says that a language model wrote it, so that what such models put
    around a page's text (fences, "Here is the text:") is taken off too; in a text
    that was read or carried by the file these words belong to the page.
    """
    for _ in range(ROUNDS_MAX):
        cleaned = _round(text, generated=generated)
        if cleaned == text:
            break
        text = cleaned
    return text


def _round(text: str, *, generated: bool) -> str:
    text = tidy_whitespace(normalise_unicode(text))
    if generated:
        text = unwrap(text)
    return tidy_whitespace(join_hyphenated(text))
