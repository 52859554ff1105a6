"""What is drawn on a PDF page beside text: pictures and outlines, measured for the trust in its text."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pypdfium2.raw as pdfium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.document import Region

OBJECTS_LOOKED_AT_MAX: Final = 5_000
"""Objects of a page that are measured: maps have a million, and the first thousands tell enough."""
FORM_DEPTH_MAX: Final = 4
"""Drawings within drawings: scanners wrap their pictures once or twice."""


@dataclass(slots=True)
class PageContents:
    """Sums over the objects of a page."""

    picture_area: float = 0.0
    """In square points, clipped to the page."""
    outlines: int = 0


def measure_contents(page: Any, box: Region) -> PageContents:
    """Return what the page holds within ``box`` (its visible part, in points)."""
    contents = PageContents()
    for seen, (kind, drawn) in enumerate(_walk(page, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, 0)):
        if seen >= OBJECTS_LOOKED_AT_MAX:
            break
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            contents.outlines += 1
        elif kind in {pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_SHADING}:
            contents.picture_area += _find_area(drawn, box)
    return contents


def _walk(holder: Any, count: Any, get: Any, depth: int) -> Iterator[tuple[int, Any]]:
    for index in range(min(OBJECTS_LOOKED_AT_MAX, int(count(holder)))):
        drawn = get(holder, index)
        kind = int(pdfium.FPDFPageObj_GetType(drawn))
        if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < FORM_DEPTH_MAX:
            inner = list(_walk(drawn, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, depth + 1))
            if any(kind == pdfium.FPDF_PAGEOBJ_IMAGE for kind, _ in inner):
                # Places inside are in the drawing's own space; its frame on the page is what we need.
                yield pdfium.FPDF_PAGEOBJ_IMAGE, drawn
            yield from ((kind, found) for kind, found in inner if kind == pdfium.FPDF_PAGEOBJ_PATH)
        else:
            yield kind, drawn


def _find_area(drawn: Any, box: Region) -> float:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(drawn, left, bottom, right, top):
        return 0.0
    width = min(right.value, box.x1) - max(left.value, box.x0)
    height = min(top.value, box.y1) - max(bottom.value, box.y0)
    return max(0.0, width) * max(0.0, height)
