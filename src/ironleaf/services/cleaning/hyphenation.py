"""Words that a line's end cut in two."""

from __future__ import annotations

import re
from typing import Final

_LETTERS: Final = "a-zà-öø-ÿ"
_ANY_CASE: Final = "A-Za-zÀ-ÖØ-öø-ÿ"
_CUT = re.compile(
    rf"(?<![{_ANY_CASE}])([{_ANY_CASE}]*[{_LETTERS}]{{2}})[-\u2010]\n[ \t]*([{_LETTERS}]{{2,}})([^\s|]*)[ \t]*\n?"
)
# After these a hyphen belongs to the word more often than not: well-known, self-made, twenty-one.
_KEPT: Final = frozenset(
    {"well", "self", "non", "ex", "co", "semi", "anti", "multi", "all", "cross", "high", "low", "long", "short", "half"}
    | {
        "full",
        "part",
        "time",
        "first",
        "second",
        "third",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
    }
    | {"nine", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "so", "on", "off"}
    | {"up", "over", "under", "mid", "post", "state", "user", "end", "open", "close", "real", "large", "small", "new"}
)
CUTS_MAX: Final = 8
"""Times that one word is cut: the narrowest column cuts three times. A chain of thousands would take a round each."""
_FENCE = re.compile(r"^(?:```|~~~)", re.MULTILINE)


def join_hyphenated(text: str) -> str:
    """Return ``text`` with words joined that a hyphen at a line's end cuts.

    Only lower-case Latin letters on both sides count; the rest of the line stays
    where it was. Texts with code are left alone.
    """
    if "-\n" not in text and "\u2010\n" not in text:
        return text
    if _FENCE.search(text):
        return text
    for _ in range(CUTS_MAX):  # a word may be cut more than once; each round takes at least one hyphen away
        joined = _CUT.sub(_join, text)
        if joined == text:
            break
        text = joined
    return text


def _join(match: re.Match[str]) -> str:
    start, rest, after = match.groups()
    return match[0] if start.lower() in _KEPT else f"{start}{rest}{after}\n"
