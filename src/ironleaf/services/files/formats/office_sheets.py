"""XLSX: one page for each sheet, as a table of what its cells show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ironleaf.document import Block, BlockKind
from ironleaf.services.files import errors
from ironleaf.services.files.formats.native import make_table
from ironleaf.services.files.formats.xml_parts import PART_FAILURES, Parts, children, descend, local_name, parse, stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

ROWS_MAX: Final = 100_000
COLUMNS_MAX: Final = 1_000
"""Rows and columns of a sheet that are read: more is a database, and a cell may claim to be the 16,384th."""
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})\d+")
_DATE_IDS: Final = frozenset({*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)})
_DATE_CODE: Final = re.compile(r"[ymdhs]", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # spreadsheets know no time zones
_SERIAL_MAX: Final = 2_958_466
"""The end of the year 9999."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's name and its part; the part is empty where it cannot be found."""

    name: str
    part: str


@dataclass(frozen=True, slots=True)
class Workbook:
    """What the sheets of a file share."""

    main: str
    sheets: tuple[Sheet, ...]
    date_styles: frozenset[int]


def read_workbook(parts: Parts, main: str) -> Workbook:
    """Return the visible order of sheets and which cell styles are dates."""
    targets = parts.relations(main)
    root = parse(parts, main)
    listed = [item for item in descend(root) if local_name(item) == "sheet"]
    known = parts.names("xl/worksheets/")
    sheets = tuple(
        Sheet(item.get("name", ""), targets.get(_relation_id(item), known[at] if at < len(known) else ""))
        for at, item in enumerate(listed)
    )
    return Workbook(main, sheets, _read_date_styles(parts, _sibling(main, "styles.xml")))


def _relation_id(item: Element) -> str:
    return next((value for key, value in item.attrib.items() if key.endswith("}id")), "")


def _sibling(main: str, name: str) -> str:
    return f"{main.rpartition('/')[0]}/{name}"


def _read_date_styles(parts: Parts, name: str) -> frozenset[int]:
    try:
        root = parse(parts, name)
    except PART_FAILURES:
        return frozenset()
    codes = {
        item.get("numFmtId", ""): item.get("formatCode", "") for item in descend(root) if local_name(item) == "numFmt"
    }
    dates = {number for number, code in codes.items() if _DATE_CODE.search(_QUOTED.sub("", code))}
    styles = [item for group in descend(root) if local_name(group) == "cellXfs" for item in children(group, "xf")]
    return frozenset(
        at
        for at, item in enumerate(styles)
        if (number := item.get("numFmtId", "")) in dates or (number.isdecimal() and int(number) in _DATE_IDS)
    )


def read_strings(parts: Parts, workbook: Workbook) -> tuple[str, ...]:
    """Return the texts that cells refer to by number; none if their part is missing."""
    try:
        with parts.open(_sibling(workbook.main, "sharedstrings.xml")) as file:
            return tuple(_read_text(item) for item in stream(file, "sst", "si"))
    except PART_FAILURES:
        return ()


def _read_text(item: Element) -> str:
    return "".join(part.text or "" for part in descend(item, "rPh", "phoneticPr") if local_name(part) == "t")


def read_sheet(
    parts: Parts, workbook: Workbook, sheet: Sheet, strings: tuple[str, ...], characters_max: int, notices: list[str]
) -> Iterator[Block]:
    """Yield the sheet's name and its cells, as far as ``characters_max`` goes.

    Counted cell by cell: all of a sheet's may refer to the same long text.
    """
    if sheet.name:
        yield Block(kind=BlockKind.HEADING, text=sheet.name, level=2)
    rows: list[list[str]] = []
    left = characters_max
    with parts.open(sheet.part) as file:
        for row in stream(file, "sheetData", "row"):
            if len(rows) >= ROWS_MAX or left <= 0:
                notices.append(errors.TEXT_TRUNCATED.reason)
                break
            cells = _read_row(row, workbook.date_styles, strings, left)
            if any(cells):
                rows.append(cells)
                left -= sum(map(len, cells))
    table = make_table(rows)
    if table is not None:
        yield table


def _read_row(row: Element, date_styles: frozenset[int], strings: tuple[str, ...], left: int) -> list[str]:
    """Return a row's cells; the one that goes beyond ``left`` characters is the last."""
    cells: list[str] = []
    for cell in children(row, "c"):
        reference = _REFERENCE.match(cell.get("r", ""))
        column = _column_number(reference[1]) if reference else len(cells)
        if column >= COLUMNS_MAX or left < 0:
            break
        cells += [""] * (column - len(cells))
        cells.append(_read_cell(cell, date_styles, strings))
        left -= len(cells[-1])
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _read_cell(cell: Element, date_styles: frozenset[int], strings: tuple[str, ...]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(_read_text(item) for item in children(cell, "is"))
    value = next((item.text or "" for item in children(cell, "v")), "")
    if kind == "s":
        return strings[int(value)] if value.isdecimal() and int(value) < len(strings) else ""
    if kind == "b":
        return "TRUE" if value == "1" else "FALSE"
    style = cell.get("s", "")
    if kind == "n" and style.isdecimal() and int(style) in date_styles:
        return _show_date(value)
    return _show_number(value) if kind == "n" else value


def _show_date(value: str) -> str:
    try:
        serial = float(value)
    except ValueError:
        return value
    if not 0 <= serial < _SERIAL_MAX:
        return value
    moment = _EPOCH + timedelta(seconds=round(serial * 86_400))
    if serial < 1:
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%Y-%m-%d" if serial == int(serial) else "%Y-%m-%d %H:%M:%S")


def _show_number(value: str) -> str:
    """Return the shortest way of writing what is stored: files hold 0.1 as 0.10000000000000001."""
    try:
        number = float(value)
    except ValueError:
        return value
    return value if len(value) < 12 else f"{number:.15g}"  # noqa: PLR2004  # short ones are as they were typed
