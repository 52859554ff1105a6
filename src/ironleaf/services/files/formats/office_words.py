"""DOCX: paragraphs, headings, lists and tables in the order in which they stand; then what stands in the margins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ironleaf.document import Block, BlockKind
from ironleaf.services.files import errors
from ironleaf.services.files.formats.native import make_table
from ironleaf.services.files.formats.office_drawings import read_drawings
from ironleaf.services.files.formats.office_numbering import LEVELS, Numbering, read_numbering
from ironleaf.services.files.formats.xml_parts import (
    PART_FAILURES,
    Parts,
    attribute,
    children,
    descend,
    local_name,
    stream,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_HEADING: Final = re.compile(r"(?:heading|überschrift|titre|título|标题)\s*([1-9])", re.IGNORECASE)
_LIST: Final = re.compile(r"list (?:bullet|number|paragraph)\s*([2-9])?", re.IGNORECASE)
_TITLE: Final = frozenset({"title", "标题"})
_LEVEL_MAX: Final = 6
_BREAKS: Final = {"tab": " ", "ptab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOTES: Final = (("footnotes", "footnote"), ("endnotes", "endnote"), ("comments", "comment"))
"""Parts with notes, named like their root element, and what a note is called in them."""
_MARGINS: Final = ((BlockKind.HEADER, "hdr"), (BlockKind.FOOTER, "ftr"))
_NO_LIST: Final = "0"
"""The number of a list by which a paragraph says that it is in none, whatever its style says."""
_WRAPPERS: Final = frozenset({"sdt", "sdtContent", "customXml"})
"""Elements around blocks, rows or cells that say something about them."""
_FRAMES: Final = frozenset({"txbxContent", "txBody"})
"""Text boxes: of Word, and of drawings in it."""


@dataclass(frozen=True, slots=True)
class Styles:
    """The level of each style that is a heading or a list item, and the list that numbers it, by the style's id."""

    headings: dict[str, int] = field(default_factory=dict[str, int])
    lists: dict[str, int] = field(default_factory=dict[str, int])
    numbers: dict[str, tuple[str, int]] = field(default_factory=dict[str, "tuple[str, int]"])
    """A list's number and the depth in it, from 0."""
    numbering: Numbering = field(default_factory=Numbering)


@dataclass(frozen=True, slots=True)
class _Properties:
    """What a paragraph says of itself."""

    style: str = ""
    level: int | None = None
    """Of an outline, from 1."""
    number: tuple[str, int] | None = None
    """Its list and the depth in it, from 0."""


def read_words(parts: Parts, main: str, notices: list[str]) -> Iterator[Block]:
    """Yield the headers, the document's blocks, its drawings' words, its notes, the footers.

    Raises one of the failures of a part at once if nothing of the document itself can be read.
    """
    styles = _read_styles(parts, main, notices)
    body = _read_body(parts, main, styles, notices)
    first = next(body, None)
    header, footer = (list(_read_margins(parts, main, kind, root, notices)) for kind, root in _MARGINS)
    yield from header
    if first is not None:
        yield first
    yield from body
    yield from read_drawings(parts, main, notices)
    for root, item in _NOTES:
        yield from _read_notes(parts, f"{main.rpartition('/')[0]}/{root}.xml", item, styles, notices)
    yield from footer


def _read_body(parts: Parts, main: str, styles: Styles, notices: list[str]) -> Iterator[Block]:
    with parts.open(main) as file:
        for element in stream(file, "body", "p", "tbl", *_WRAPPERS):
            yield from _read_block(element, styles, notices)


def _read_margins(parts: Parts, main: str, kind: BlockKind, root: str, notices: list[str]) -> Iterator[Block]:
    """Yield each different header or footer once: most documents have three of each that say the same."""
    said: set[str] = set()
    for name in parts.names(f"{main.rpartition('/')[0]}/{kind.value}"):
        try:
            with parts.open(name) as file:
                blocks = stream(file, root, "p", "tbl", *_WRAPPERS)
                text = "\n".join(line for block in blocks for line in _list_lines(block))
        except PART_FAILURES:
            notices.append(errors.OFFICE_REPAIRED.reason)
            continue
        if text and text not in said:
            said.add(text)
            yield Block(kind=kind, text=text)


def _list_lines(element: Element) -> Iterator[str]:
    paragraphs = [element, *descend(element)]
    return filter(None, (read_paragraph(item) for item in paragraphs if local_name(item) == "p"))


def _read_notes(parts: Parts, name: str, item: str, styles: Styles, notices: list[str]) -> Iterator[Block]:
    if name not in parts.names(name):
        return
    try:
        with parts.open(name) as file:
            for note in stream(file, name.rpartition("/")[2].removesuffix(".xml"), item):
                if text := "\n".join(filter(None, map(read_paragraph, children(note, "p")))):
                    yield Block(kind=BlockKind.NOTE, text=text)
                for table in children(note, "tbl"):
                    yield from _read_block(table, styles, notices)
    except PART_FAILURES:
        notices.append(errors.OFFICE_REPAIRED.reason)


def read_paragraph(paragraph: Element) -> str:
    """Return the text of a paragraph of any of the Office formats; struck-out changes are not part of it."""
    pieces: list[str] = []
    for element in descend(paragraph, "del", "moveFrom", "instrText", *_FRAMES):
        name = local_name(element)
        if name == "t":
            pieces.append(element.text or "")
        elif name in _BREAKS and element.get("Target") is None:
            pieces.append(_BREAKS[name])
    return "\n".join(" ".join(line.split()) for line in "".join(pieces).split("\n")).strip()


def _read_block(element: Element, styles: Styles, notices: list[str]) -> Iterator[Block]:
    kind = local_name(element)
    if kind == "tbl":
        table = make_table([_read_row(row) for row in descend(element, "tr") if local_name(row) == "tr"])
        if table is not None:
            yield table
    elif kind in _WRAPPERS:
        for inner in element:
            yield from _read_block(inner, styles, notices)
    elif kind == "p":
        yield from _read_paragraph_block(element, styles)
        yield from _read_frames(element, styles, notices)


def _read_frames(paragraph: Element, styles: Styles, notices: list[str]) -> Iterator[Block]:
    """Yield what stands in the text boxes that hang on a paragraph; pictures are told."""
    for inner in descend(paragraph, *_FRAMES):
        name = local_name(inner)
        if name in _FRAMES:
            for block in inner:
                yield from _read_block(block, styles, notices)
        elif name in {"pic", "imagedata"}:
            notices.append(errors.EMBEDDED_PICTURES_SKIPPED.reason)


def _read_paragraph_block(paragraph: Element, styles: Styles) -> Iterator[Block]:
    text = read_paragraph(paragraph)
    if not text:
        return
    said = _read_properties(paragraph)
    heading = said.level or styles.headings.get(said.style)
    number = said.number or styles.numbers.get(said.style)
    listed = said.number[1] + 1 if said.number else styles.lists.get(said.style)
    if number and number[0] == _NO_LIST:
        number = listed = None
    label = styles.numbering.count(*number) if number else ""
    text = f"{label} {text}" if label else text
    if heading:
        yield Block(kind=BlockKind.HEADING, text=text, level=min(heading, _LEVEL_MAX))
    elif listed:
        yield Block(kind=BlockKind.LIST_ITEM, text=text, level=listed)
    else:
        yield Block(kind=BlockKind.PARAGRAPH, text=text)


def _read_properties(paragraph: Element) -> _Properties:
    """Return what a paragraph, or a style, says of paragraphs."""
    said = _Properties()
    for properties in children(paragraph, "pPr"):
        for item in properties:
            name = local_name(item)
            if name == "pStyle":
                said = replace(said, style=attribute(item, "val") or "")
            elif name == "outlineLvl":
                said = replace(said, level=_count(attribute(item, "val"), most=LEVELS))
            elif name == "numPr":
                said = replace(said, number=_read_number(item))
    return said


def _read_number(item: Element) -> tuple[str, int]:
    depth = next((attribute(inner, "val") for inner in children(item, "ilvl")), "0")
    number = next((attribute(inner, "val") or "" for inner in children(item, "numId")), "")
    return number, (_count(depth, most=LEVELS) or 1) - 1


def _count(value: str | None, *, most: int) -> int | None:
    """Return a number that is written from 0 as one from 1; none if it is out of range."""
    number = int(value) + 1 if value and value.isdecimal() and len(value) < 3 else 0  # noqa: PLR2004
    return number if 1 <= number <= most else None


def _read_row(row: Element) -> list[str]:
    return [" ".join(_list_lines(cell)) for cell in descend(row, "tc") if local_name(cell) == "tc"]


def _read_styles(parts: Parts, main: str, notices: list[str]) -> Styles:
    """Return which styles are headings, list items and numbered; a document may come without any styles."""
    name = main.rpartition("/")[0] + "/styles.xml"
    found = Styles(numbering=read_numbering(parts, main))
    if name not in parts.names(name):
        return found
    try:
        with parts.open(name) as file:
            for style in stream(file, "styles", "style"):
                _note_style(style, found)
    except PART_FAILURES:
        notices.append(errors.OFFICE_REPAIRED.reason)
    return found


def _note_style(style: Element, found: Styles) -> None:
    title = next((attribute(item, "val") or "" for item in children(style, "name")), "")
    own = attribute(style, "styleId") or ""
    heading = _HEADING.match(title)
    level = int(heading[1]) if heading else 1 if title.lower() in _TITLE else None
    item = _LIST.match(title)
    number = _read_properties(style).number
    if level:
        found.headings[own] = level
    elif item:
        found.lists[own] = int(item[1] or 1)
    if number:
        found.numbers[own] = number
