"""A PDF page's own text: lines with their places, in an order that a person would read."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import pypdfium2.raw as pdfium

from ironleaf.document import Block, BlockKind, Region
from ironleaf.services.files.formats.text_order import order_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HYPHENS: Final = frozenset({0x02, 0xFFFE})
"""What PDFium puts where a word was divided at a line's end."""
LIGATURES: Final = str.maketrans(
    {
        "ﬀ": "ff",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ﬃ": "ffi",
        "ﬄ": "ffl",
        "ﬅ": "st",
        "ﬆ": "st",
        "\xa0": " ",
        "\u00ad": "",
        "\t": " ",
    }
)
PARAGRAPH_GAP_LINES: Final = 0.9
"""White space between lines, in line heights, from which a new paragraph may begin: single spacing leaves 0.75."""
PARAGRAPH_GAP_SHARE: Final = 1.5
"""It must also be so much wider than the page's usual one: whole texts are double-spaced."""
RENDER_MODE_INVISIBLE: Final = 3
HIDDEN_SAMPLES: Final = 64
"""Characters that are asked whether they are drawn: enough to tell a layer laid under a scan."""
_SURROGATES: Final = range(0xD800, 0xE000)
_BREAKS: Final = frozenset({0x0A, 0x0D})
_SPACE: Final = 0x20
_C1_SIGNS: Final = {code: ord(sign) for code in range(0x80, 0xA0) if (sign := bytes([code]).decode("cp1252", "ignore"))}
"""Codes that mean nothing in Unicode: fonts without a table leave Windows' quotes and dashes there."""
_UNUSED: Final = frozenset(range(0x7F, 0xA0)) - _C1_SIGNS.keys()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page."""

    text: str
    region: Region


@dataclass(frozen=True, slots=True)
class PageText:
    """What could be taken from a page's text."""

    lines: tuple[Line, ...]
    unmapped_share: float
    hidden: bool
    truncated: bool


@dataclass(slots=True)
class _OpenLine:
    start: int
    end: int
    codes: list[int]


def read_page_text(text_page: Any, to_pixels: Callable[[Region], Region], *, characters_max: int) -> PageText:
    """Return the page's lines in reading order, with regions in pixels of the upright page."""
    total = max(0, int(pdfium.FPDFText_CountChars(text_page)))
    count = min(total, characters_max)
    lines = [
        Line(text, _find_region(text_page, open_line, to_pixels))
        for open_line in _split_lines(text_page, count)
        if (text := _spell(open_line.codes))
    ]
    unmapped = sum(pdfium.FPDFText_HasUnicodeMapError(text_page, index) == 1 for index in range(count))
    return PageText(
        lines=tuple(order_lines(lines)),
        unmapped_share=unmapped / count if count else 0.0,
        hidden=_is_hidden(text_page, count),
        truncated=total > count,
    )


def join_lines(lines: tuple[Line, ...]) -> tuple[str, tuple[Block, ...]]:
    """Return the page's text and its paragraphs: lines stay lines, an empty line parts paragraphs."""
    blocks: list[Block] = []
    group: list[Line] = []
    usual_gap = _find_usual_gap(lines)
    for line in lines:
        if group and _begins_paragraph(group[-1], line, usual_gap):
            blocks.append(_make_block(group))
            group = []
        group.append(line)
    if group:
        blocks.append(_make_block(group))
    return "\n\n".join(block.text for block in blocks), tuple(blocks)


def _find_usual_gap(lines: tuple[Line, ...]) -> float:
    gaps = [after.region.y0 - before.region.y1 for before, after in pairwise(lines)]
    below = sorted(gap for gap in gaps if gap > 0)
    return below[len(below) // 2] if len(below) > 2 else 0.0  # noqa: PLR2004  # fewer show no habit


def _begins_paragraph(before: Line, line: Line, usual_gap: float) -> bool:
    height = max(1.0, min(before.region.height, line.region.height))
    gap = line.region.y0 - before.region.y1
    overlaps = line.region.x0 < before.region.x1 and before.region.x0 < line.region.x1
    same_row = line.region.y0 < before.region.y1 - height / 2 and line.region.y1 > before.region.y0 + height / 2
    wide = gap > max(height * PARAGRAPH_GAP_LINES, usual_gap * PARAGRAPH_GAP_SHARE)
    return not same_row and (wide or gap < -height or not overlaps)


def _make_block(lines: list[Line]) -> Block:
    text = "\n".join(line.text for line in lines)
    return Block(kind=BlockKind.PARAGRAPH, text=text, region=_surround([line.region for line in lines]))


def _split_lines(text_page: Any, count: int) -> Iterator[_OpenLine]:
    """Yield runs of characters; a word divided at a line's end is kept whole on the line where it begins."""
    line = _OpenLine(0, 0, [])
    unfinished: _OpenLine | None = None
    for index in range(count):
        code = int(pdfium.FPDFText_GetUnicode(text_page, index))
        if code in HYPHENS:
            if unfinished:
                yield unfinished
            unfinished, line = line, _OpenLine(index + 1, index + 1, [])
        elif code in _BREAKS:
            if unfinished:
                yield unfinished
                unfinished = None
            if line.codes:
                yield line
            line = _OpenLine(index + 1, index + 1, [])
        elif unfinished and code != _SPACE:
            unfinished.codes.append(code)
            line.start = line.end = index + 1
        else:
            if unfinished:
                yield unfinished
                unfinished = None
            line.codes.append(code)
            line.end = index + 1
    yield from (rest for rest in (unfinished, line) if rest and rest.codes)


def _spell(codes: list[int]) -> str:
    """Return the characters without controls; halves of surrogate pairs are joined."""
    kept = [_C1_SIGNS.get(code, code) for code in codes if code >= _SPACE and code not in _UNUSED]
    if any(code in _SURROGATES for code in kept):
        units = b"".join(chr(code).encode("utf-16-le", "surrogatepass") for code in kept)
        text = units.decode("utf-16-le", "replace")
    else:
        text = "".join(map(chr, kept))
    return " ".join(text.translate(LIGATURES).split())


def _find_region(text_page: Any, line: _OpenLine, to_pixels: Callable[[Region], Region]) -> Region:
    rectangles = int(pdfium.FPDFText_CountRects(text_page, line.start, max(1, line.end - line.start)))
    left, top, right, bottom = (ctypes.c_double() for _ in range(4))
    regions = [
        to_pixels(Region(left.value, bottom.value, right.value, top.value))
        for index in range(max(0, rectangles))
        if pdfium.FPDFText_GetRect(text_page, index, left, top, right, bottom)
    ]
    return _surround(regions) if regions else to_pixels(Region(0.0, 0.0, 0.0, 0.0))


def _surround(regions: list[Region]) -> Region:
    return Region(
        min(region.x0 for region in regions),
        min(region.y0 for region in regions),
        max(region.x1 for region in regions),
        max(region.y1 for region in regions),
    )


def _is_hidden(text_page: Any, count: int) -> bool:
    step = max(1, count // HIDDEN_SAMPLES)
    modes = [
        pdfium.FPDFTextObj_GetTextRenderMode(drawn)
        for index in range(0, count, step)
        if (drawn := pdfium.FPDFText_GetTextObject(text_page, index))
    ]
    return bool(modes) and sum(mode == RENDER_MODE_INVISIBLE for mode in modes) * 2 > len(modes)
