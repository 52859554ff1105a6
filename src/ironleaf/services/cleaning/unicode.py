"""One spelling for every character, and none that cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")
_SPACES = re.compile("[\u00a0\u2007\u202f]")
# Controls, soft hyphens, zero-width spaces, byte order marks, direction marks and overrides, half surrogates.
# Overrides are the dangerous ones: they make a text look like another. Private use characters stay: fonts use them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\ud800-\udfff]"
)
_JOINERS: Final = "[\u200c\u200d]+"
# Joiners spell Persian and Indic words and combine emoji: they stay, but not at a word's edge.
_EDGE_JOINERS = re.compile(rf"(?:^|(?<=\s)){_JOINERS}|(?<![\u200c\u200d]){_JOINERS}(?=\s|$)")

MARKS_MAX: Final = 30
"""Combining marks on one character: UAX #15 (Stream-Safe Text Format) knows no language with more. Ordering a run of
them takes time that grows with its square: a few megabytes of accents would stop the process for hours."""


def normalise_unicode(text: str) -> str:
    """Return ``text`` in NFC, with plain line ends and spaces and without invisible characters or heaps of accents."""
    text = _LINE_ENDS.sub("\n", text)
    text = _SPACES.sub(" ", text)
    text = _UNSEEN.sub("", text)
    text = _EDGE_JOINERS.sub("", text)
    return unicodedata.normalize("NFC", _thin_marks(text))


def _thin_marks(text: str) -> str:
    marks = "".join(char for char in set(text) if unicodedata.combining(char))
    if not marks:
        return text
    one = f"[{re.escape(marks)}]"
    return re.sub(rf"({one}{{{MARKS_MAX}}}){one}+", r"\1", text)
