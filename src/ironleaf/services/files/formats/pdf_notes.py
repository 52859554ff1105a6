"""Text that lies over a PDF page and not in it: filled fields and written notes. The page's own text misses it."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Final

import pypdfium2.raw as pdfium

from ironleaf.document import Region
from ironleaf.services.files.formats.pdf_text import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NOTES_MAX: Final = 2_000
"""Notes of a page that are looked at: the densest tax form has some 400 fields."""
NOTE_CHARACTERS_MAX: Final = 20_000
_FIELD_KINDS: Final = frozenset(
    {pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX}
)
_UTF16_BYTES: Final = 2


def read_notes(page: Any, form: Any, to_pixels: Callable[[Region], Region]) -> Iterator[Line]:
    """Yield what is written in the fields and notes that can be seen on the page."""
    for index in range(min(NOTES_MAX, int(pdfium.FPDFPage_GetAnnotCount(page)))):
        note = pdfium.FPDFPage_GetAnnot(page, index)
        if not note:
            continue
        try:
            if pdfium.FPDFAnnot_GetFlags(note) & pdfium.FPDF_ANNOT_FLAG_HIDDEN:
                continue
            text = " ".join(_read_text(note, form).replace("\r", "\n").split())
            if text:
                yield Line(text, to_pixels(_find_place(note)))
        finally:
            pdfium.FPDFPage_CloseAnnot(note)


def weave(lines: Sequence[Line], notes: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines with each note before the first line that begins below it: after its label."""
    woven = list(lines)
    for note in notes:
        foot = note.region.y1 - note.region.height / 4
        at = next((at for at, line in enumerate(woven) if line.region.y0 > foot), len(woven))
        woven.insert(at, note)
    return tuple(woven)


def _read_text(note: Any, form: Any) -> str:
    kind = pdfium.FPDFAnnot_GetSubtype(note)
    if kind == pdfium.FPDF_ANNOT_FREETEXT:
        return _read_string(lambda buffer, size: pdfium.FPDFAnnot_GetStringValue(note, b"Contents", buffer, size))
    if kind == pdfium.FPDF_ANNOT_WIDGET and form and pdfium.FPDFAnnot_GetFormFieldType(form, note) in _FIELD_KINDS:
        return _read_string(lambda buffer, size: pdfium.FPDFAnnot_GetFormFieldValue(form, note, buffer, size))
    return ""


def _read_string(read: Callable[[Any, int], int]) -> str:
    size = int(read(None, 0))
    if not _UTF16_BYTES < size <= NOTE_CHARACTERS_MAX * _UTF16_BYTES:
        return ""
    units = (ctypes.c_ushort * (size // _UTF16_BYTES))()
    read(units, size)
    return bytes(units).decode("utf-16-le", "replace").rstrip("\0")


def _find_place(note: Any) -> Region:
    box = pdfium.FS_RECTF()
    pdfium.FPDFAnnot_GetRect(note, box)
    return Region(
        min(box.left, box.right), min(box.bottom, box.top), max(box.left, box.right), max(box.bottom, box.top)
    )
