"""DOCX: paragraphs, headings, lists and tables in the order in which they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from ironleaf.document import Block, BlockKind
from ironleaf.services.files import errors
from ironleaf.services.files.formats.native import make_table
from ironleaf.services.files.formats.xml_parts import Parts, attribute, children, descend, local_name, stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_HEADING: Final = re.compile(r"(?:heading|überschrift|titre|título|标题)\s*([1-9])", re.IGNORECASE)
_LIST: Final = re.compile(r"list (?:bullet|number|paragraph)\s*([2-9])?", re.IGNORECASE)
_TITLE: Final = frozenset({"title", "标题"})
_LEVEL_MAX: Final = 6
_BREAKS: Final = {"tab": " ", "ptab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOTES: Final = (("footnotes.xml", "footnote"), ("endnotes.xml", "endnote"))


@dataclass(frozen=True, slots=True)
class Styles:
    """The level of each style that is a heading or a list item, by the style's id."""

    headings: dict[str, int]
    lists: dict[str, int]


def read_words(parts: Parts, main: str, notices: list[str]) -> Iterator[Block]:
    """Yield the document's blocks, then its notes."""
    styles = _read_styles(parts, main, notices)
    with parts.open(main) as file:
        for element in stream(file, "body", "p", "tbl", "sdt"):
            yield from _read_block(element, styles, notices)
    folder = main.rpartition("/")[0]
    for name, item in _NOTES:
        if f"{folder}/{name}" in parts.names(f"{folder}/{name}"):
            with parts.open(f"{folder}/{name}") as file:
                for note in stream(file, name.removesuffix(".xml"), item):
                    if text := "\n".join(filter(None, map(read_paragraph, children(note, "p")))):
                        yield Block(kind=BlockKind.PARAGRAPH, text=text)


def read_paragraph(paragraph: Element) -> str:
    """Return the text of a paragraph of any of the Office formats; struck-out changes are not part of it."""
    pieces: list[str] = []
    for element in descend(paragraph, "del", "moveFrom", "txbxContent", "instrText"):
        name = local_name(element)
        if name == "t":
            pieces.append(element.text or "")
        elif name in _BREAKS and element.get("Target") is None:
            pieces.append(_BREAKS[name])
    return "\n".join(" ".join(line.split()) for line in "".join(pieces).split("\n")).strip()


def _read_block(element: Element, styles: Styles, notices: list[str]) -> Iterator[Block]:
    kind = local_name(element)
    if kind == "tbl":
        table = make_table([_read_row(row) for row in children(element, "tr")])
        if table is not None:
            yield table
    elif kind == "sdt":
        for content in children(element, "sdtContent"):
            for inner in content:
                yield from _read_block(inner, styles, notices)
    elif kind == "p":
        yield from _read_paragraph_block(element, styles)
        yield from _read_frames(element, styles, notices)


def _read_frames(paragraph: Element, styles: Styles, notices: list[str]) -> Iterator[Block]:
    """Yield what stands in the text boxes that hang on a paragraph; pictures are told."""
    for inner in descend(paragraph, "txbxContent"):
        name = local_name(inner)
        if name == "txbxContent":
            for block in inner:
                yield from _read_block(block, styles, notices)
        elif name in {"pic", "imagedata"}:
            notices.append(errors.EMBEDDED_PICTURES_SKIPPED.reason)


def _read_paragraph_block(paragraph: Element, styles: Styles) -> Iterator[Block]:
    text = read_paragraph(paragraph)
    if not text:
        return
    style, level, listed = _read_properties(paragraph)
    heading = level or styles.headings.get(style or "")
    listed = listed or styles.lists.get(style or "")
    if heading:
        yield Block(kind=BlockKind.HEADING, text=text, level=min(heading, _LEVEL_MAX))
    elif listed:
        yield Block(kind=BlockKind.LIST_ITEM, text=text, level=listed)
    else:
        yield Block(kind=BlockKind.PARAGRAPH, text=text)


def _read_properties(paragraph: Element) -> tuple[str | None, int | None, int | None]:
    """Return the style's id, the outline level and the list level, counted from 1."""
    style = level = listed = None
    for properties in children(paragraph, "pPr"):
        for item in properties:
            name = local_name(item)
            if name == "pStyle":
                style = attribute(item, "val")
            elif name == "outlineLvl":
                level = _count(attribute(item, "val"), most=9)
            elif name == "numPr":
                depth = next((attribute(inner, "val") for inner in children(item, "ilvl")), "0")
                listed = _count(depth, most=9)
    return style, level, listed


def _count(value: str | None, *, most: int) -> int | None:
    """Return a number that is written from 0 as one from 1; none if it is out of range."""
    number = int(value) + 1 if value and value.isdecimal() and len(value) < 3 else 0  # noqa: PLR2004
    return number if 1 <= number <= most else None


def _read_row(row: Element) -> list[str]:
    return [
        " ".join(filter(None, (read_paragraph(inner) for inner in descend(cell, "p") if local_name(inner) == "p")))
        for cell in descend(row, "tc")
        if local_name(cell) == "tc"
    ]


def _read_styles(parts: Parts, main: str, notices: list[str]) -> Styles:
    """Return which styles are headings and list items; a document may come without any styles."""
    name = main.rpartition("/")[0] + "/styles.xml"
    if name not in parts.names(name):
        return Styles({}, {})
    found = Styles({}, {})
    try:
        with parts.open(name) as file:
            for style in stream(file, "styles", "style"):
                title = next((attribute(item, "val") or "" for item in children(style, "name")), "")
                heading = _HEADING.match(title)
                level = int(heading[1]) if heading else 1 if title.lower() in _TITLE else None
                item = _LIST.match(title)
                if level:
                    found.headings[attribute(style, "styleId") or ""] = level
                elif item:
                    found.lists[attribute(style, "styleId") or ""] = int(item[1] or 1)
    except (ElementTree.ParseError, EOFError):
        notices.append(errors.OFFICE_REPAIRED.reason)
    return found
