"""Whether a page is written in a script that the engine knows. Pure.

The engine knows Latin, Han, kana and digits, and plain Greek letters. Shown anything
else it answers with little or nothing, and is certain of it; what tells the truth is
the ink that no character accounts for (`recognition.measure_unread`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ironleaf.services.engines.embedded.lines import Line

SCRIPTS_READ: Final = frozenset({"Latn", "Hans", "Hant", "Jpan"})
"""ISO 15924."""
# fmt: off
LANGUAGES_UNREAD: Final = frozenset({
    "ab", "am", "ar", "as", "be", "bg", "bn", "ckb", "dv", "el", "fa", "gu", "he", "hi", "hy",
    "ka", "kk", "km", "kn", "ko", "ky", "lo", "mk", "ml", "mn", "mr", "my", "ne", "or", "pa",
    "ps", "ru", "sa", "sd", "si", "sr", "ta", "te", "tg", "th", "ti", "uk", "ur", "yi",
})
# fmt: on
"""Languages (BCP-47, first part) whose usual script the engine does not know."""
UNREAD_MAX: Final = 0.15
"""Share of a page's ink left over. Measured: at most 0.05 on pages of known scripts, from 0.36 on others."""
UNREAD_HINTED_MAX: Final = 0.06
"""The same where the caller named such a language."""
LENGTH_MIN: Final = 3.0
"""Unread ink must be this many line heights long; less is a stamp or an ornament."""
GREEK_MAX: Final = 0.5
"""Share of Greek letters: the engine lacks the accented ones, so whole Greek pages lose a tenth to a quarter."""
GREEK_LETTERS_MIN: Final = 10
EAST_ASIAN_MIN: Final = 0.3
"""Share of Han and kana among the characters, from which a page counts as Chinese or Japanese."""
KANA_MIN: Final = 0.05
"""Japanese has far more; Chinese pages show kana in brand names only."""


def is_unsupported(lines: Sequence[Line], *, languages: Sequence[str] = ()) -> bool:
    """Tell whether too much of the page's writing was left over, given all lines, also the unreadable ones."""
    hinted = any(language.lower().split("-")[0] in LANGUAGES_UNREAD for language in languages)
    limit = UNREAD_HINTED_MAX if hinted else UNREAD_MAX
    unread = sum(line.unread * _measure_length(line) for line in lines)
    if unread >= LENGTH_MIN and measure_leftover(lines) > limit:
        return True
    return _is_greek("".join(line.text for line in lines))


def measure_leftover(lines: Sequence[Line]) -> float:
    """Return the share of the page's writing that no character accounts for, 0-1."""
    total = sum(_measure_length(line) for line in lines)
    return sum(line.unread * _measure_length(line) for line in lines) / total if total else 0.0


def guess_language(lines: Sequence[Line]) -> str | None:
    """Return ``ja`` or ``zh`` where the writing alone tells it, else None: Latin letters do not."""
    text = "".join(line.text for line in lines)
    kana = sum("\u3041" <= character <= "\u30ff" for character in text)
    han = sum("\u4e00" <= character <= "\u9fff" for character in text)
    if kana + han <= EAST_ASIAN_MIN * len(text):
        return None
    return "ja" if kana > KANA_MIN * (kana + han) else "zh"


def _measure_length(line: Line) -> float:
    return line.level.width / max(1.0, line.level.height)


def _is_greek(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    greek = sum("\u0370" <= character <= "\u03ff" for character in letters)
    return greek >= GREEK_LETTERS_MIN and greek > GREEK_MAX * len(letters)
