"""The numbers of Word's numbered paragraphs: nobody wrote them into the text, and everybody sees them there."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ironleaf.services.files.formats.xml_parts import PART_FAILURES, Parts, attribute, children, local_name, parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

LEVELS: Final = 9
NUMBER_MAX: Final = 1_000_000
"""A list may claim to begin anywhere."""
LABEL_CHARACTERS_MAX: Final = 40
_PLACE: Final = re.compile(r"%([1-9])")
_ROMAN: Final = (
    (1_000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
)
_ROMAN_MAX: Final = 3_999
_DIGITS: Final = "〇一二三四五六七八九"
_CHINESE_MAX: Final = 99
_LETTERS: Final = 26
_LETTERS_MAX: Final = 780
"""As Word does: after z comes aa, after zz aaa; thirty letters are no number any more."""


def _letters(number: int) -> str:
    repeats, at = divmod(number - 1, _LETTERS)
    return chr(ord("a") + at) * (repeats + 1) if 1 <= number <= _LETTERS_MAX else str(number)


def _roman(number: int) -> str:
    if not 1 <= number <= _ROMAN_MAX:
        return str(number)
    pieces: list[str] = []
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        pieces.append(letters * count)
    return "".join(pieces)


def _chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    if not 1 <= number <= _CHINESE_MAX:
        return str(number)
    return ("" if tens < 2 else _DIGITS[tens]) + ("十" if tens else "") + (_DIGITS[ones] if ones else "")  # noqa: PLR2004


_WAYS: Final[dict[str, Callable[[int], str]]] = {
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "decimalZero": lambda number: f"{number:02d}",
    **dict.fromkeys(
        ("chineseCounting", "chineseCountingThousand", "taiwaneseCounting", "japaneseCounting", "ideographDigital"),
        _chinese,
    ),
}
_UNNUMBERED: Final = frozenset({"bullet", "none"})


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list is numbered."""

    way: str = "decimal"
    pattern: str = ""
    start: int = 1


@dataclass(slots=True)
class Numbering:
    """The lists of a document, and how far each has been counted."""

    lists: dict[str, tuple[str, dict[int, Level]]] = field(default_factory=dict[str, tuple[str, dict[int, Level]]])
    """By the number under which paragraphs refer to them: what they count in common, and their levels."""
    _counts: defaultdict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    def count(self, number: str, depth: int) -> str:
        """Return the label of the next paragraph of a list at a depth from 0; "" where a bullet stands, or nothing."""
        shared, levels = self.lists.get(number, ("", {}))
        level = levels.get(depth)
        if level is None:
            return ""
        counts = self._counts[shared]
        counts[depth] = min(NUMBER_MAX, counts.get(depth, level.start - 1) + 1)
        for deeper in range(depth + 1, LEVELS):
            counts.pop(deeper, None)
        if level.way in _UNNUMBERED:
            return ""

        def show(place: re.Match[str]) -> str:
            at = int(place[1]) - 1
            way = levels.get(at, level).way
            return _WAYS.get(way, str)(counts.get(at, levels.get(at, level).start))

        return _PLACE.sub(show, level.pattern).strip()[:LABEL_CHARACTERS_MAX]


def read_numbering(parts: Parts, main: str) -> Numbering:
    """Return the document's lists; none if it has none, or if their part is damaged."""
    try:
        root = parse(parts, f"{main.rpartition('/')[0]}/numbering.xml")
    except PART_FAILURES:
        return Numbering()
    kinds = {attribute(item, "abstractNumId") or "": _read_levels(item) for item in children(root, "abstractNum")}
    found = Numbering()
    for item in children(root, "num"):
        kind = next((attribute(inner, "val") or "" for inner in children(item, "abstractNumId")), "")
        changed = {
            depth: level
            for override in children(item, "lvlOverride")
            for depth, level in _read_override(override, kinds.get(kind, {})).items()
        }
        number = attribute(item, "numId") or ""
        # Lists of one kind go on counting together, unless one of them begins anew.
        found.lists[number] = (f"#{number}" if changed else kind, kinds.get(kind, {}) | changed)
    return found


def _read_levels(item: Element) -> dict[int, Level]:
    return {depth: _read_level(level) for level in children(item, "lvl") if (depth := _depth(level)) is not None}


def _read_level(item: Element) -> Level:
    said = {local_name(inner): attribute(inner, "val") or "" for inner in item}
    start = said.get("start", "1")
    return Level(
        way=said.get("numFmt", "decimal"),
        pattern=said.get("lvlText", "")[:LABEL_CHARACTERS_MAX],
        start=min(NUMBER_MAX, int(start)) if start.isdecimal() and len(start) < 8 else 1,  # noqa: PLR2004
    )


def _read_override(item: Element, levels: dict[int, Level]) -> dict[int, Level]:
    depth = _depth(item)
    if depth is None:
        return {}
    whole = next((_read_level(inner) for inner in children(item, "lvl")), levels.get(depth, Level()))
    start = next((attribute(inner, "val") or "" for inner in children(item, "startOverride")), "")
    begins = min(NUMBER_MAX, int(start)) if start.isdecimal() and len(start) < 8 else whole.start  # noqa: PLR2004
    return {depth: Level(way=whole.way, pattern=whole.pattern, start=begins)}


def _depth(item: Element) -> int | None:
    said = attribute(item, "ilvl") or ""
    return int(said) if said.isdecimal() and len(said) == 1 and int(said) < LEVELS else None
