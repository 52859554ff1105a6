"""How far a page's own text may be trusted. Pure: measures in, a warning's reason or nothing out.

Shares were taken from public garbled and sound layers: private-use and unmapped
glyphs 0.3 and more against 0.00-0.02; words that look like words 0.05-0.30
against 0.75-1.0.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from ironleaf.services.files import errors

BAD_GLYPHS_SHARE: Final = 0.3
"""Private-use, unmapped or replacement characters and odd signs, of all that are not white space. Formulas reach 0.2 of
odd signs."""
HIGH_LATIN_SHARE: Final = 0.5
"""Accented Latin letters of all Latin letters: Vietnamese, the densest, has 0.35; Chinese read as Latin-1 has 0.9."""
WORD_LIKE_SHARE_MIN: Final = 0.35
"""Of Latin-script tokens; parts lists stay above it, shifted alphabets fall below."""
VOWELS_SHARE_MIN: Final = 0.2
"""Of Latin letters; languages have 0.35 to 0.5, a shifted alphabet about 0.15."""
VOWELS_LETTERS_MIN: Final = 60
"""With fewer letters a share of vowels means nothing: abbreviations have hardly any."""
HIDDEN_WORD_LIKE_SHARE_MIN: Final = 0.6
"""An invisible layer is somebody's recognition: it must read like language to be worth more than ours."""
LONG_TOKENS_SHARE: Final = 0.3
"""Tokens of more than `LONG_TOKEN_CHARACTERS`: spaces are missing. 0.03 is usual, German legal text has 0.08."""
LONG_TOKEN_CHARACTERS: Final = 24
TOKENS_MIN: Final = 12
"""With fewer tokens no share of words means anything."""
LETTERS_MIN: Final = 20
PICTURE_SHARE: Final = 0.5
"""Of the page under pictures, from which a little text beside them is only a stamp or a footer."""
STAMP_COVER_SHARE: Final = 0.1
"""Of the page under visible text: a page number covers 0.001, a slide's five points 0.12."""
OUTLINES_MIN: Final = 400
OUTLINES_TEXT_MAX: Final = 200
"""So many drawn shapes with so few characters: the text itself was turned into shapes."""

_TOKEN: Final = re.compile(r"\S+")
_VOWELS: Final = frozenset("aeiouyAEIOUYæøœÆØŒ")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’\-‐/.][^\W\d_]+)*")
_USUAL_SIGNS: Final = frozenset("‐‑–—―‘’“”•·…€£¥©®™°§«»¿¡→−×÷±≤≥²³µ")
_WESTERN_SIGN: Final = re.compile(r"[\u00a1-\u036f\u2000-\u24ff\u2600-\u2bff]")
"""Other scripts have signs of their own that parts of their texts are full of; lines and boxes make tables."""
_EDGES: Final = "\"'“”‘’«»()[]{}<>.,;:!?…*·•-–—/|"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMeasures:
    """What the page looks like around its text."""

    unmapped_share: float = 0.0
    """Of the characters: the font names no Unicode for them."""
    hidden: bool = False
    """Most of the text is invisible: laid under a scan by an earlier recognition."""
    picture_share: float = 0.0
    """Of the page's area under pictures, at most 1."""
    cover_share: float = 0.0
    """Of the page's area under lines of text."""
    outlines: int = 0
    """Drawn shapes on the page."""


def judge_text_layer(text: str, measures: LayerMeasures) -> str | None:
    """Return the reason why the text is not to be trusted, or None.

    Promises: ``text-layer-garbled``, ``text-layer-incomplete`` or None; never raises.
    """
    if is_garbled(text, unmapped_share=measures.unmapped_share, hidden=measures.hidden):
        return errors.TEXT_LAYER_GARBLED.reason
    if is_incomplete(text, measures):
        return errors.TEXT_LAYER_INCOMPLETE.reason
    return None


def is_incomplete(text: str, measures: LayerMeasures) -> bool:
    """Tell whether the page shows much that its text does not hold."""
    if not measures.hidden and measures.picture_share >= PICTURE_SHARE and measures.cover_share < STAMP_COVER_SHARE:
        return True
    return measures.outlines >= OUTLINES_MIN and len(text) <= OUTLINES_TEXT_MAX


def is_garbled(text: str, *, unmapped_share: float = 0.0, hidden: bool = False) -> bool:
    """Tell whether the characters do not say what the page shows."""
    glyphs = [character for character in text if not character.isspace()]
    if not glyphs:
        return False
    bad = sum(map(_is_bad, glyphs)) / len(glyphs)
    if len(glyphs) >= LETTERS_MIN:
        bad += sum(map(_is_odd_sign, glyphs)) / len(glyphs)
    if max(bad, unmapped_share) >= BAD_GLYPHS_SHARE or _reads_as_mojibake(glyphs):
        return True
    tokens = [token for token in _TOKEN.findall(text) if _is_latin(token)]
    if len(tokens) < TOKENS_MIN:
        return False
    long_share = sum(len(token) > LONG_TOKEN_CHARACTERS for token in tokens) / len(tokens)
    least = HIDDEN_WORD_LIKE_SHARE_MIN if hidden else WORD_LIKE_SHARE_MIN
    if long_share >= LONG_TOKENS_SHARE or _lacks_vowels(tokens):
        return True
    return measure_word_likeness(tokens) < least


def measure_word_likeness(tokens: list[str]) -> float:
    """Return the share of Latin-script tokens that are built like words, 0-1; 1 where there is nothing to judge."""
    judged = [bare for token in tokens if len(bare := token.strip(_EDGES)) > 1 and not _is_number(bare)]
    if len(judged) < TOKENS_MIN:
        return 1.0
    return sum(map(_is_word_like, judged)) / len(judged)


def _lacks_vowels(tokens: list[str]) -> bool:
    letters = [letter for letter in unicodedata.normalize("NFD", "".join(tokens)) if letter.isalpha()]
    if len(letters) < VOWELS_LETTERS_MIN:
        return False
    return sum(letter in _VOWELS for letter in letters) / len(letters) < VOWELS_SHARE_MIN


def _is_bad(character: str) -> bool:
    return character == "\ufffd" or unicodedata.category(character) in {"Co", "Cn", "Cc", "Cs"}


def _is_odd_sign(character: str) -> bool:
    """Tell whether it is a sign that texts use now and then: an alphabet that was shifted onto signs has many."""
    return (
        bool(_WESTERN_SIGN.match(character))
        and character not in _USUAL_SIGNS
        and unicodedata.category(character)[0] in "PS"
    )


def _is_latin(token: str) -> bool:
    return all(
        character < "\u0250" or character in "‐–—‘’“”…•€™" or "\u1e00" <= character < "\u1f00" for character in token
    )


def _is_number(token: str) -> bool:
    return not any(character.isalpha() for character in token)


def _is_word_like(token: str) -> bool:
    if not _WORD.fullmatch(token):
        return False
    plain = unicodedata.normalize("NFD", token)
    cased = token.islower() or token.isupper() or token.istitle() or token[1:].islower() or "-" in token
    return cased and (len(token) < 4 or any(character in _VOWELS for character in plain))  # noqa: PLR2004


def _reads_as_mojibake(glyphs: list[str]) -> bool:
    """Tell whether double-byte text was taken for accented Latin letters and signs."""
    latin = [glyph for glyph in glyphs if glyph.isalpha() and glyph < "\u0250"]
    high = sum("\u00a1" <= glyph < "\u0250" for glyph in glyphs)
    return (
        len(latin) >= LETTERS_MIN and high / (high + sum(glyph < "\u0080" for glyph in latin) or 1) > HIGH_LATIN_SHARE
    )
