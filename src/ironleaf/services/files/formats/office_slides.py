"""PPTX: one page for each slide, its shapes in the order in which they were laid, then the speaker's notes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ironleaf.document import Block, BlockKind
from ironleaf.services.files import errors
from ironleaf.services.files.formats.native import make_table
from ironleaf.services.files.formats.office_drawings import parse_beside, read_drawings
from ironleaf.services.files.formats.office_words import read_paragraph
from ironleaf.services.files.formats.xml_parts import (
    Parts,
    attribute,
    children,
    descend,
    local_name,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_TITLES: Final = frozenset({"title", "ctrTitle"})
_SPOKEN: Final = frozenset({"body", None})
"""Places on a notes sheet that hold words of the speaker's."""
_NUMBER: Final = re.compile(r"(\d+)\.xml$")


def list_slides(parts: Parts, main: str) -> list[str]:
    """Return the slides' parts in the order of the show; where that is lost, in the order of their numbers."""
    targets = parts.relations(main)
    root = parse(parts, main)
    listed = [targets.get(_relation_id(item), "") for item in descend(root) if local_name(item) == "sldId"]
    if not all(listed):
        numbered = [
            (int(found[1]), name) for name in parts.names("ppt/slides/slide") if (found := _NUMBER.search(name))
        ]
        return [name for _, name in sorted(numbered)] or listed
    return listed


def _relation_id(item: Element) -> str:
    # A slide has a plain id of its own beside the relation's, which stands in a namespace.
    return next((value for key, value in item.attrib.items() if key.endswith("}id")), "")


def read_slide(parts: Parts, slide: str, notices: list[str]) -> Iterator[Block]:
    """Yield a slide's blocks."""
    root = parse(parts, slide)
    for shape in descend(root, "sp", "tbl"):
        kind = local_name(shape)
        if kind == "tbl":
            table = make_table([[_read_cell(cell) for cell in children(row, "tc")] for row in children(shape, "tr")])
            if table is not None:
                yield table
        elif kind == "sp":
            yield from _read_shape(shape)
        elif kind == "pic":
            notices.append(errors.EMBEDDED_PICTURES_SKIPPED.reason)
    yield from read_drawings(parts, slide, notices)
    for part in parts.relations(slide).values():
        if "/notesslides/" in part:
            yield from _read_notes(parts, part, notices)


def _read_notes(parts: Parts, part: str, notices: list[str]) -> Iterator[Block]:
    """Yield what the speaker wants to say; the sheet's date, page number and header are not part of it."""
    root = parse_beside(parts, part, notices)
    if root is None:
        return
    for shape in descend(root, "sp"):
        if local_name(shape) == "sp" and _placeholder(shape) in _SPOKEN:
            texts = [read_paragraph(item) for item in descend(shape, "p") if local_name(item) == "p"]
            if text := "\n".join(filter(None, texts)):
                yield Block(kind=BlockKind.NOTE, text=text)


def _placeholder(shape: Element) -> str | None:
    """Return for what a shape holds the place; None for one that stands for itself."""
    places = (item for item in descend(shape, "txBody") if local_name(item) == "ph")
    return next((attribute(item, "type") or "body" for item in places), None)


def _read_cell(cell: Element) -> str:
    return " ".join(filter(None, (read_paragraph(item) for item in descend(cell, "p") if local_name(item) == "p")))


def _read_shape(shape: Element) -> Iterator[Block]:
    titled = _placeholder(shape) in _TITLES
    paragraphs = [item for item in descend(shape, "p") if local_name(item) == "p"]
    texts = [(item, text) for item in paragraphs if (text := read_paragraph(item))]
    if titled:
        if texts:
            yield Block(kind=BlockKind.HEADING, text=" ".join(text for _, text in texts), level=1)
        return
    for paragraph, text in texts:
        yield Block(
            kind=BlockKind.LIST_ITEM if len(texts) > 1 else BlockKind.PARAGRAPH, text=text, level=_depth(paragraph)
        )


def _depth(paragraph: Element) -> int:
    value = next((attribute(item, "lvl") for item in children(paragraph, "pPr")), None) or "0"
    return int(value) + 1 if value.isdecimal() and len(value) == 1 else 1
