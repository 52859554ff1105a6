"""In which of the encodings of Chinese, Japanese and Korean a text was written: that in which its letters are common.

The bytes of one are often valid in the others too, and turn into other characters there,
rare ones mostly: two Korean syllables of three are among the 250 commonest, of what a Chinese
text turns into one in five. A few words are enough to tell.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ironleaf.services.files.formats import east_asian_letters as letters

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMON_WEIGHT: Final = 1.0
USUAL_WEIGHT: Final = 0.7
KNOWN_WEIGHT: Final = 0.2
"""Of a character that is taught at school, as the order of its character set says."""
RARE_WEIGHT: Final = -0.3
SIGN_WEIGHT: Final = 0.6
WIDE_WEIGHT: Final = 0.5
"""Of a Latin letter or digit as wide as a Chinese character."""
NARROW_KANA_WEIGHT: Final = 0.15
"""They are written with one byte each, and many another text turns into them."""
FOREIGN_WEIGHT: Final = -1.0
"""Of a letter of another script."""

_SIGNS: Final = frozenset("、。，：；！？「」『』《》（）“”‘’·…—　％￥～．・ー【】〈〉〔〕－／＋")
_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class _Script:
    """A language as its encodings write it."""

    encodings: tuple[str, ...]
    weights: dict[str, float]
    kana: bool = False
    syllables: bool = False
    level_encoding: str = ""
    """A character set whose order parts characters that are taught from rare ones."""
    level: tuple[int, int] = (0, 0)
    """First bytes of those that are taught."""


def _weigh(common: str, usual: str) -> dict[str, float]:
    return dict.fromkeys(usual, USUAL_WEIGHT) | dict.fromkeys(common, COMMON_WEIGHT)


# Where two fit equally well the earlier one is taken.
_SCRIPTS: Final = (
    _Script(
        ("gb18030",),
        _weigh(letters.SIMPLIFIED_COMMON, letters.SIMPLIFIED_USUAL),
        level_encoding="gb18030",
        level=(0xB0, 0xD7),
    ),
    _Script(
        ("big5",),
        _weigh(letters.TRADITIONAL_COMMON, letters.TRADITIONAL_USUAL),
        level_encoding="big5",
        level=(0xA4, 0xC6),
    ),
    _Script(
        ("cp932", "euc_jp"),
        _weigh(letters.JAPANESE_COMMON, letters.JAPANESE_USUAL),
        kana=True,
        level_encoding="euc_jp",
        level=(0xB0, 0xCF),
    ),
    _Script(("euc_kr", "cp949"), _weigh(letters.KOREAN_COMMON, letters.KOREAN_USUAL), syllables=True),
)


def guess_double_byte(sample: bytes) -> tuple[str, float]:
    """Return the encoding that fits best and how well, at most 1; "" and 0 where the bytes are valid in none."""
    best, best_score = "", 0.0
    for script, encoding, text in _try_all(sample):
        score = _score(text, script)
        if score > best_score:
            best, best_score = encoding, score
    return best, best_score


def _try_all(sample: bytes) -> Iterable[tuple[_Script, str, str]]:
    for script in _SCRIPTS:
        for encoding in script.encodings:
            decoder = codecs.getincrementaldecoder(encoding)()
            try:
                yield script, encoding, decoder.decode(sample)  # the sample may end within a character
            except UnicodeDecodeError:
                continue


def _score(text: str, script: _Script) -> float:
    """Return how much the characters beyond ASCII look like the language, at most 1."""
    beyond = [character for character in text if character > "\x7f"]
    return sum(_weigh_character(character, script) for character in beyond) / len(beyond) if beyond else 0.0


def _weigh_character(character: str, script: _Script) -> float:
    known = script.weights.get(character)
    if known is not None:
        return known
    if character in _SIGNS:
        return SIGN_WEIGHT
    for first, last, weight in (
        ("\u3041", "\u30ff", COMMON_WEIGHT if script.kana else RARE_WEIGHT),
        ("\uff01", "\uff5e", WIDE_WEIGHT),
        ("\uff61", "\uff9f", NARROW_KANA_WEIGHT if script.kana else FOREIGN_WEIGHT),
        ("\uac00", "\ud7a3", RARE_WEIGHT if script.syllables else FOREIGN_WEIGHT),
        ("\u4e00", "\u9fff", _weigh_level(character, script)),
    ):
        if first <= character <= last:
            return weight
    return FOREIGN_WEIGHT


def _weigh_level(character: str, script: _Script) -> float:
    if not script.level_encoding:
        return RARE_WEIGHT
    written = character.encode(script.level_encoding, "replace")
    first, last = script.level
    return KNOWN_WEIGHT if len(written) == _PAIR and first <= written[0] <= last else RARE_WEIGHT
