"""Which encoding of one byte a letter a text was written in: that in which its words are words of some language.

Every such encoding turns every byte into something, so validity says nothing. What
tells is the letters: a language uses few beyond ASCII, some far more often than
others, never a capital within a word, and two scripts do not share one.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

WORDS_MAX: Final = 600
"""Words with letters beyond ASCII that are looked at: a page; more do not change the answer."""
RUN_MAX: Final = 3
"""Letters beyond ASCII that follow one another in the words of a Latin script."""
LEAST_WEIGHT: Final = 0.3
"""Of the rarest letter of a script that is all beyond ASCII; the commonest weighs 1."""
SIGN_WEIGHT: Final = 0.5
STRAY_WEIGHT: Final = -1.0
"""Of a letter that the language does not have, or that stands where none can."""

_WORD: Final = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_SIGNS: Final = frozenset(" «»°§·–—‘’‚“”„…•€£©®™±²³½¼¾×ªº´¨№‰†‡‹›¶µ¢¥\N{RIGHT-TO-LEFT MARK}\N{LEFT-TO-RIGHT MARK}")


class _Language(NamedTuple):
    """Small letters beyond ASCII, the commonest first."""

    letters: str
    encodings: tuple[str, ...]
    latin: bool = True


_WESTERN: Final = ("cp1252",)
_CENTRAL: Final = ("cp1250", "iso8859-2")
_CYRILLIC: Final = ("cp1251", "koi8-r", "iso8859-5", "cp866", "mac_cyrillic", "cp855")

_THAI: Final = "านรอกเง\u0e48มยลว\u0e49ดทสตะ\u0e31ปบคห\u0e35แ\u0e34จพช\u0e4cขใ\u0e37ไ\u0e38โผ\u0e39ถศษ\u0e47ณธซฐญภ"
"""Vowels and tone marks that stand above or below their letter are written as escapes."""

# Where two fit equally well the earlier one is taken.
_LANGUAGES: Final = (
    _Language("éèàêçâîôùûëïüœæÿ", _WESTERN),
    _Language("üäöß", _WESTERN),
    _Language("óíáéñúü¿¡", _WESTERN),
    _Language("áéöóőüúíű", _CENTRAL),
    _Language("ãçáéíóêõúâôàü", _WESTERN),
    _Language("àèéìòùóî", _WESTERN),
    _Language("åäöøæéüõšž", _WESTERN),
    _Language("ąęłóżśćńź", _CENTRAL),
    _Language("íáěéřčšýžůúťňďóľĺŕäô", _CENTRAL),
    _Language("čšžćđ", _CENTRAL),
    _Language("ăîşâţ", _CENTRAL),
    _Language("ıüşğçöİâîû", ("cp1254", "iso8859-9")),
    _Language("íáðþöéæúóý", _WESTERN),
    _Language("ėšąžūįųčę", ("cp1257",)),
    _Language("āīšēģņūļķžč", ("cp1257",)),
    _Language("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъіїєґ", _CYRILLIC, latin=False),
    _Language("аиоентрсвлкдпмзгяъубчщжцхйшюфью", _CYRILLIC, latin=False),
    _Language("ίόάέήύώαοιετσνηυρπκμλςγδωθφχβξζψϊϋ", ("cp1253", "iso8859-7"), latin=False),
    _Language("יוהלארתבםמנשדעחקפכגטןסזצךףץ", ("cp1255", "iso8859-8"), latin=False),
    _Language("الينمورتبهدعفسكقحجشطصخزءذثغضظىةأإئؤآ", ("cp1256", "iso8859-6"), latin=False),
    _Language(
        "านรอกเง่มยลว้ดทสตะ\u0e31ปบคห\u0e35แ\u0e34จพช\u0e4cขใ\u0e37ไ\u0e38โผ\u0e39ถศษ\u0e47ณธซฐญภ",
        ("cp874",),
        latin=False,
    ),
)


def guess_single_byte(sample: bytes) -> tuple[str, float]:
    """Return the encoding that fits best and how well, at most 1; Windows' Western one where nothing tells."""
    words = [match.group() for match, _ in zip(_WORD.finditer(sample), range(WORDS_MAX), strict=False)]
    best, best_score = "cp1252", 0.0
    for language in _LANGUAGES:
        for encoding in language.encodings:
            score = _score(words, encoding, language)
            if score > best_score:
                best, best_score = encoding, score
    return best, best_score


def _score(words: list[bytes], encoding: str, language: _Language) -> float:
    """Return the mean weight of the words' characters beyond ASCII, at most 1."""
    weights = _weigh_letters(language)
    total, count = 0.0, 0
    for word in words:
        text = word.decode(encoding, "replace")
        count += sum(character > "\x7f" for character in text)
        total += sum(_weigh_part(part, weights, latin=language.latin) for part in _PARTS.findall(text))
        total += SIGN_WEIGHT * sum(character in _SIGNS for character in text)
    return total / count if count else 0.0


_PARTS: Final = re.compile(f"[^{re.escape(''.join(sorted(_SIGNS)))}]+")


def _weigh_letters(language: _Language) -> dict[str, float]:
    step = 0.0 if language.latin else (1 - LEAST_WEIGHT) / len(language.letters)
    return {letter: 1 - step * rank for rank, letter in reversed(list(enumerate(language.letters)))}


def _weigh_part(part: str, weights: dict[str, float], *, latin: bool) -> float:
    beyond = [character for character in part if character > "\x7f"]
    mixed = len(beyond) < len(part)
    if (mixed and not latin) or (latin and _longest_run(part) > RUN_MAX):
        return STRAY_WEIGHT * len(beyond)
    capitals = part.isupper()
    return sum(
        _weigh(character, weights, capital_fits=capitals or at == 0)
        for at, character in enumerate(part)
        if character > "\x7f"
    )


def _weigh(character: str, weights: dict[str, float], *, capital_fits: bool) -> float:
    if character in weights:
        return weights[character]
    small = character.lower()
    return weights[small] / 2 if capital_fits and small in weights else STRAY_WEIGHT


def _longest_run(part: str) -> int:
    return max(map(len, re.split("[\x00-\x7f]+", part)))
