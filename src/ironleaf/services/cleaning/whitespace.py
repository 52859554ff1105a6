"""Space that means nothing."""

from __future__ import annotations

import re
from typing import Final

BLANK_LINES_MAX: Final = 2
"""More blank lines in a row say no more than these."""

_TRAILING = re.compile(r"(?<![^\S\n])[^\S\n]+(?=\n|\Z)")
_MANY_LINES = re.compile(rf"\n{{{BLANK_LINES_MAX + 2},}}")


def tidy_whitespace(text: str) -> str:
    """Return ``text`` without space at line ends, without blank lines at both ends, and with few in between."""
    text = _TRAILING.sub("", text)
    return _MANY_LINES.sub("\n" * (BLANK_LINES_MAX + 1), text).strip("\n")
