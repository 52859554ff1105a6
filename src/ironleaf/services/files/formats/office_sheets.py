"""XLSX: one page for each sheet, as a table of what its cells show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ironleaf.document import Block, BlockKind
from ironleaf.services.files import errors
from ironleaf.services.files.formats.native import make_table
from ironleaf.services.files.formats.office_cells import CellFormats, read_cell, read_formats, read_text
from ironleaf.services.files.formats.office_drawings import parse_beside, read_drawings, read_lines
from ironleaf.services.files.formats.xml_parts import PART_FAILURES, Parts, children, descend, local_name, parse, stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

ROWS_MAX: Final = 100_000
COLUMNS_MAX: Final = 1_000
"""Rows and columns of a sheet that are read: more is a database, and a cell may claim to be the 16,384th."""
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})\d+")
_THREADS: Final = "/threadedcomments/"
_COMMENTS: Final = re.compile(r"/comments/?[^/]*\.xml$")
_DRAWING: Final = re.compile(r"/drawings/drawing[^/]*\.xml$")
_TRUE: Final = frozenset({"1", "true", "on"})


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
    formats: CellFormats


def read_workbook(parts: Parts, main: str) -> Workbook:
    """Return the visible order of sheets and what their numbers mean."""
    targets = parts.relations(main)
    root = parse(parts, main)
    listed = [item for item in descend(root) if local_name(item) == "sheet"]
    known = parts.names("xl/worksheets/")
    sheets = tuple(
        Sheet(item.get("name", ""), targets.get(_relation_id(item), known[at] if at < len(known) else ""))
        for at, item in enumerate(listed)
    )
    from_1904 = any(item.get("date1904") in _TRUE for item in children(root, "workbookPr"))
    return Workbook(main, sheets, read_formats(parts, _sibling(main, "styles.xml"), counts_from_1904=from_1904))


def _relation_id(item: Element) -> str:
    return next((value for key, value in item.attrib.items() if key.endswith("}id")), "")


def _sibling(main: str, name: str) -> str:
    return f"{main.rpartition('/')[0]}/{name}"


def read_strings(parts: Parts, workbook: Workbook) -> tuple[str, ...]:
    """Return the texts that cells refer to by number; none if their part is missing."""
    try:
        with parts.open(_sibling(workbook.main, "sharedstrings.xml")) as file:
            return tuple(read_text(item) for item in stream(file, "sst", "si"))
    except PART_FAILURES:
        return ()


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
            cells = _read_row(row, workbook.formats, strings, left, notices)
            if any(cells):
                rows.append(cells)
                left -= sum(map(len, cells))
    table = make_table(rows)
    if table is not None:
        yield table
    yield from _read_remarks(parts, sheet.part, notices)


def _read_remarks(parts: Parts, sheet: str, notices: list[str]) -> Iterator[Block]:
    """Yield what lies over the cells: text boxes, charts' words, comments; pictures are told."""
    beside = tuple(dict.fromkeys(parts.relations(sheet).values()))
    for part in filter(_DRAWING.search, beside):
        yield from _read_drawing(parts, part, notices)
    threads = [part for part in beside if _THREADS in part]
    for part in threads or filter(_COMMENTS.search, beside):  # where there are threads, comments say the same
        yield from _read_comments(parts, part, notices)


def _read_drawing(parts: Parts, part: str, notices: list[str]) -> Iterator[Block]:
    root = parse_beside(parts, part, notices)
    if root is None:
        return
    for shape in descend(root, "sp"):
        if local_name(shape) == "pic":
            notices.append(errors.EMBEDDED_PICTURES_SKIPPED.reason)
        elif local_name(shape) == "sp" and (text := read_lines(shape)):
            yield Block(kind=BlockKind.PARAGRAPH, text=text)
    yield from read_drawings(parts, part, notices)


def _read_comments(parts: Parts, part: str, notices: list[str]) -> Iterator[Block]:
    container, item = ("ThreadedComments", "threadedComment") if _THREADS in part else ("commentList", "comment")
    try:
        with parts.open(part) as file:
            for comment in stream(file, container, item):
                said = "".join("".join(text.itertext()) for text in children(comment, "text")).strip()
                if said:
                    place = comment.get("ref", "")
                    yield Block(kind=BlockKind.NOTE, text=f"{place}: {said}" if place else said)
    except PART_FAILURES:
        notices.append(errors.OFFICE_REPAIRED.reason)


def _read_row(row: Element, formats: CellFormats, strings: tuple[str, ...], left: int, notices: list[str]) -> list[str]:
    """Return a row's cells; the one that goes beyond ``left`` characters is the last."""
    cells: list[str] = []
    for cell in children(row, "c"):
        reference = _REFERENCE.match(cell.get("r", ""))
        column = _column_number(reference[1]) if reference else len(cells)
        if left < 0:
            break
        if column >= COLUMNS_MAX:  # most that lie so far out are frames without a word
            if errors.TEXT_TRUNCATED.reason not in notices and read_cell(cell, formats, strings):
                notices.append(errors.TEXT_TRUNCATED.reason)
            continue
        cells += [""] * (column - len(cells))
        cells.append(read_cell(cell, formats, strings))
        left -= len(cells[-1])
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
