"""Words in diagrams and charts: they lie in parts of their own, beside the page that shows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ironleaf.document import Block, BlockKind
from ironleaf.services.files import errors
from ironleaf.services.files.formats.xml_parts import PART_FAILURES, Parts, descend, local_name, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_BREAKS: Final = {"br": " ", "tab": " "}
_DRAWINGS: Final = re.compile(r"/(?:diagrams/data|charts/chart)[^/]*\.xml$")


def read_drawings(parts: Parts, page: str, notices: list[str]) -> Iterator[Block]:
    """Yield a block for each diagram and chart that the part ``page`` shows: a line for each label in it."""
    for part in dict.fromkeys(parts.relations(page).values()):
        if not _DRAWINGS.search(part):
            continue
        root = parse_beside(parts, part, notices)
        if root is not None and (text := read_lines(root)):
            yield Block(kind=BlockKind.PARAGRAPH, text=text)


def parse_beside(parts: Parts, part: str, notices: list[str]) -> Element | None:
    """Return the root of a part beside a page's own; one that cannot be read is told, and left out."""
    try:
        return parse(parts, part)
    except PART_FAILURES:
        notices.append(errors.OFFICE_REPAIRED.reason)
        return None


def read_lines(shape: Element) -> str:
    """Return the text of a shape's paragraphs, each on a line; those without words are left out."""
    lines = (read_line(item) for item in descend(shape, "p") if local_name(item) == "p")
    return "\n".join(filter(None, lines))


def read_line(paragraph: Element) -> str:
    """Return the text of a paragraph on one line."""
    pieces = (
        item.text or "" if local_name(item) == "t" else _BREAKS.get(local_name(item), "") for item in paragraph.iter()
    )
    return " ".join("".join(pieces).split())
