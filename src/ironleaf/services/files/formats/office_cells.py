"""What a cell of a sheet shows: its value, as far as its number format changes what is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from ironleaf.services.files.formats.xml_parts import PART_FAILURES, Parts, children, descend, local_name, parse

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DATE_IDS: Final = frozenset({*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)})
_DURATION_ID: Final = 46
_PERCENT_IDS: Final = frozenset({9, 10})
_DURATION_CODE: Final = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_DATE_CODE: Final = re.compile(r"[ymdhs]", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"[^"]*"|\\.|_.|\*.')
_BRACKETS: Final = re.compile(r"\[[^\]]*\]")
_EPOCH_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # spreadsheets know no time zones
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_SERIAL_MAX: Final = 2_958_466
"""The end of the year 9999."""
_TYPED_CHARACTERS_MAX: Final = 12
"""Numbers that are written with fewer are as they were typed."""
_DAY_S: Final = 86_400


class Meaning(Enum):
    """What a number stands for."""

    NUMBER = auto()
    DATE = auto()
    DURATION = auto()
    PERCENT = auto()


@dataclass(frozen=True, slots=True)
class CellFormats:
    """What numbers mean in this file, by their cell's style, and from when its days count."""

    meanings: dict[int, Meaning]
    epoch: datetime = _EPOCH_1900

    def meaning(self, style: str) -> Meaning:
        return self.meanings.get(int(style), Meaning.NUMBER) if style.isdecimal() else Meaning.NUMBER


def read_formats(parts: Parts, styles: str, *, counts_from_1904: bool) -> CellFormats:
    """Return the formats of the part ``styles``; without it every number is a plain one."""
    epoch = _EPOCH_1904 if counts_from_1904 else _EPOCH_1900
    try:
        root = parse(parts, styles)
    except PART_FAILURES:
        return CellFormats({}, epoch)
    codes = {
        item.get("numFmtId", ""): item.get("formatCode", "") for item in descend(root) if local_name(item) == "numFmt"
    }
    cells = [item for group in descend(root) if local_name(group) == "cellXfs" for item in children(group, "xf")]
    meanings = {at: _interpret(item.get("numFmtId", ""), codes) for at, item in enumerate(cells)}
    return CellFormats({at: each for at, each in meanings.items() if each is not Meaning.NUMBER}, epoch)


def _interpret(number: str, codes: dict[str, str]) -> Meaning:
    if number not in codes:
        known = int(number) if number.isdecimal() else 0
        if known == _DURATION_ID:
            return Meaning.DURATION
        if known in _DATE_IDS:
            return Meaning.DATE
        return Meaning.PERCENT if known in _PERCENT_IDS else Meaning.NUMBER
    code = _QUOTED.sub("", codes[number])
    if _DURATION_CODE.search(code):
        return Meaning.DURATION
    code = _BRACKETS.sub("", code)
    if _DATE_CODE.search(code):
        return Meaning.DATE
    return Meaning.PERCENT if "%" in code else Meaning.NUMBER


def read_text(item: Element) -> str:
    """Return the text of a shared or inline string, without its pronunciation."""
    return "".join(part.text or "" for part in descend(item, "rPh", "phoneticPr") if local_name(part) == "t")


def read_cell(cell: Element, formats: CellFormats, strings: tuple[str, ...]) -> str:
    """Return what a cell shows; a formula whose result was never stored is shown itself."""
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(read_text(item) for item in children(cell, "is"))
    value = next((item.text or "" for item in children(cell, "v")), "")
    if kind == "s":
        return strings[int(value)] if value.isdecimal() and int(value) < len(strings) else ""
    if kind == "b":
        return "TRUE" if value == "1" else "FALSE"
    if kind != "n":
        return value
    return _show(value, formats, cell.get("s", "")) if value else _show_formula(cell)


def _show_formula(cell: Element) -> str:
    formula = next((item.text or "" for item in children(cell, "f")), "")
    return f"={formula}" if formula else ""


def _show(value: str, formats: CellFormats, style: str) -> str:
    meaning = formats.meaning(style)
    try:
        number = float(value)
    except ValueError:
        return value
    if meaning is Meaning.PERCENT:
        return f"{number * 100:.12g}%"
    if meaning is Meaning.NUMBER or not 0 <= number < _SERIAL_MAX:
        return _show_number(value, number)
    return _show_duration(number) if meaning is Meaning.DURATION else _show_date(number, formats.epoch)


def _show_duration(days: float) -> str:
    minutes, seconds = divmod(round(days * _DAY_S), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def _show_date(serial: float, epoch: datetime) -> str:
    moment = epoch + timedelta(seconds=round(serial * _DAY_S))
    if serial < 1:
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%Y-%m-%d" if serial == int(serial) else "%Y-%m-%d %H:%M:%S")


def _show_number(value: str, number: float) -> str:
    """Return the shortest way of writing what is stored: files hold 0.1 as 0.10000000000000001."""
    return value if len(value) < _TYPED_CHARACTERS_MAX else f"{number:.15g}"
