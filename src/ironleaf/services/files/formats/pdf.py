"""PDF: pages drawn and their text read by PDFium. One document per process: the library has no locks."""

# The bindings are generated and carry no types.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pypdfium2 as pdfium2
import pypdfium2.internal as pdfium_internal
import pypdfium2.raw as pdfium
from PIL import Image

from ironleaf.document import RenderSpec, TextLayer
from ironleaf.foundation.clock import Clock, SystemClock
from ironleaf.foundation.errors import BusinessError, Detail, ProcessingFailure, Unit, ValidationProblem
from ironleaf.services.files import errors
from ironleaf.services.files.formats.base import (
    DecodeLimits,
    OpenedFile,
    OpenedInfo,
    OpenRequest,
    PageInfo,
    RenderedPage,
)
from ironleaf.services.files.formats.failures import damaged, too_many
from ironleaf.services.files.formats.pdf_bombs import check_streams
from ironleaf.services.files.formats.pdf_notes import read_notes, weave
from ironleaf.services.files.formats.pdf_objects import measure_contents
from ironleaf.services.files.formats.pdf_places import clamp_points, make_projection, visible_box
from ironleaf.services.files.formats.pdf_rescue import find_missing_end
from ironleaf.services.files.formats.pdf_structure import scan_structure
from ironleaf.services.files.formats.pdf_text import PageText, join_lines, read_page_text
from ironleaf.services.files.formats.pixels import fit_size, prepare_picture, write_picture
from ironleaf.services.files.text_trust import LayerMeasures, judge_text_layer

if TYPE_CHECKING:
    from pathlib import Path

POINTS_PER_INCH: Final = 72
PAGES_TRIED: Final = 3
"""Before a file's tree of pages is held to be lost."""
QUARTER_TURN_DEG: Final = 90


class PdfDecoder:
    """Opens PDF files. Scripts and actions are never run: the library is built without an engine for them."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    @property
    def formats(self) -> frozenset[str]:
        return frozenset({"pdf"})

    def open(self, request: OpenRequest, limits: DecodeLimits) -> OpenedFile:
        """Return the open document.

        Raises:
            ValidationProblem: it is locked, and the password is missing or wrong.
            BusinessError: it is damaged beyond repair.
            LimitReached: it has too many pages, and all are wanted; or it unpacks to too much.
        """
        check_streams(request.path, limits.files)
        document, rescued = _open_or_rescue(request.path, request.password)
        try:
            _prepare_forms(document)
            _check_count(document, request, limits)
            return OpenedPdf(
                document, _find_notices(request.path, document, rescued=rescued), limits, self._clock, rescued=rescued
            )
        except BaseException:
            document.close()
            raise


def _check_count(document: pdfium2.PdfDocument, request: OpenRequest, limits: DecodeLimits) -> None:
    count = len(document)
    if request.whole and count > limits.pages_max:
        raise too_many(errors.TOO_MANY_PAGES, limit=limits.pages_max, actual=count, unit=Unit.PAGES)


def _open_or_rescue(path: Path, password: str | None) -> tuple[pdfium2.PdfDocument, bool]:
    """Return the document, and whether it is what is left of one whose end or tree of pages is missing."""
    try:
        document = _unlock(path, password)
    except BusinessError:
        rescued = _rescue(path, tree_leads=True)
        if rescued is None:
            raise
        return rescued, True
    if _has_a_page(document):
        return document, False
    rescued = _rescue(path, tree_leads=False)
    if rescued is None:
        return document, False
    document.close()
    return rescued, True


def _rescue(path: Path, *, tree_leads: bool) -> pdfium2.PdfDocument | None:
    data = path.read_bytes()
    data = data[max(0, data.find(b"%PDF-")) :]  # readers look for it at the beginning only
    end = find_missing_end(data, tree_leads=tree_leads)
    try:
        return None if end is None else pdfium2.PdfDocument(data + end)
    except pdfium2.PdfiumError:
        return None


def _has_a_page(document: pdfium2.PdfDocument) -> bool:
    """Tell whether one of the first pages is there: a tree that leads nowhere shows at once. Their contents wait."""
    for number in range(min(len(document), PAGES_TRIED)):
        try:
            document.get_page_size(number)
        except pdfium2.PdfiumError:
            continue
        return True
    return False


def _unlock(path: Path, password: str | None) -> pdfium2.PdfDocument:
    """Open without the password first: many locked files open so, and then a wrong one does no harm."""
    try:
        return pdfium2.PdfDocument(path)
    except pdfium2.PdfiumError as error:
        if error.err_code != pdfium.FPDF_ERR_PASSWORD:
            raise _explain(error) from error
    if not password:
        raise ValidationProblem(errors.PASSWORD_REQUIRED, details=(_password_detail(errors.PASSWORD_REQUIRED.reason),))
    try:
        return pdfium2.PdfDocument(path, password=password)
    except pdfium2.PdfiumError as error:
        raise _explain(error) from error


def _explain(error: pdfium2.PdfiumError) -> Exception:
    if error.err_code == pdfium.FPDF_ERR_PASSWORD:
        return ValidationProblem(errors.WRONG_PASSWORD, details=(_password_detail(errors.WRONG_PASSWORD.reason),))
    if error.err_code == pdfium.FPDF_ERR_SECURITY:
        return ValidationProblem(errors.UNSUPPORTED_ENCRYPTION)
    return damaged(errors.DAMAGED_PDF, why=f"pdfium error {error.err_code}")


def _password_detail(reason: str) -> Detail:
    return Detail(reason=reason, field="password")


def _prepare_forms(document: pdfium2.PdfDocument) -> None:
    try:
        document.init_forms()
    except pdfium2.PdfiumError:
        return  # the pages can be read without their form fields


def _find_notices(path: Path, document: pdfium2.PdfDocument, *, rescued: bool) -> tuple[str, ...]:
    seen = scan_structure(path)
    active = seen.active or pdfium.FPDFDoc_GetJavaScriptActionCount(document) > 0
    attached = seen.attached or pdfium.FPDFDoc_GetAttachmentCount(document) > 0
    marks = (
        (seen.damaged or rescued, errors.PDF_REPAIRED),
        (active, errors.ACTIVE_CONTENT_IGNORED),
        (seen.external, errors.EXTERNAL_LINKS_IGNORED),
        (attached, errors.ATTACHMENTS_SKIPPED),
    )
    return tuple(notice.reason for found, notice in marks if found)


class OpenedPdf:
    """An open PDF. One page at a time is loaded, and kept until another is asked for."""

    def __init__(
        self,
        document: pdfium2.PdfDocument,
        notices: tuple[str, ...],
        limits: DecodeLimits,
        clock: Clock,
        *,
        rescued: bool = False,
    ) -> None:
        self._document = document
        self._rescued = rescued
        self._limits = limits
        self._clock = clock
        self._page: tuple[int, pdfium2.PdfPage] | None = None
        self._info = OpenedInfo(page_count=len(document), notices=notices)

    @property
    def info(self) -> OpenedInfo:
        return self._info

    def describe(self, number: int) -> PageInfo:
        page = self._load(number)
        size = self._fit(page, RenderSpec())
        layer, notices = self._read_layer(page, size)
        rotation = int(pdfium.FPDFPage_GetRotation(page)) * QUARTER_TURN_DEG % 360
        return PageInfo(
            number=number,
            width_px=size[0],
            height_px=size[1],
            rotation_deg=rotation,
            text_layer=layer,
            notices=notices,
        )

    def render(self, number: int, spec: RenderSpec, target: Path) -> RenderedPage:
        page = self._load(number)
        width, height = self._fit(page, spec)
        bitmap = pdfium2.PdfBitmap.new_native(width, height, format=pdfium.FPDFBitmap_BGR, rev_byteorder=True)
        try:
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
            whole = self._draw(page, bitmap, width, height)
            picture = Image.fromarray(np.ascontiguousarray(bitmap.to_numpy()))
        finally:
            bitmap.close()
        notices = [] if whole else [errors.IMAGE_TRUNCATED.reason]
        picture = prepare_picture(picture, spec, self._limits, notices)
        image = write_picture(picture, target, spec)
        if not whole and image.ink_share == 0.0:
            target.unlink(missing_ok=True)
            raise ProcessingFailure(
                errors.DECODER_TIMEOUT,
                details=(Detail(reason=errors.DECODER_TIMEOUT.reason, page=number),),
                context={"why": "drawing", "limit_s": self._limits.render_s_max},
            )
        return RenderedPage(image=image, notices=tuple(notices))

    def close(self) -> None:
        self._drop_page()
        self._document.close()

    def _load(self, number: int) -> pdfium2.PdfPage:
        if self._page is not None and self._page[0] == number:
            return self._page[1]
        self._drop_page()
        if not 1 <= number <= self._info.page_count:
            raise damaged(errors.DAMAGED_PDF, page=number, why="no such page")
        page = self._document[number - 1]
        self._page = (number, page)
        if self._rescued and not pdfium.FPDFPage_CountObjects(page):
            raise damaged(errors.DAMAGED_PDF, page=number, why="what it shows is missing")
        return page

    def _drop_page(self) -> None:
        page, self._page = self._page, None
        if page is not None:
            page[1].close()

    def _fit(self, page: pdfium2.PdfPage, spec: RenderSpec) -> tuple[int, int]:
        scale = self._limits.resolution_dpi / POINTS_PER_INCH
        width, height = clamp_points(page.get_width(), page.get_height())
        return fit_size(
            (max(1, round(width * scale)), max(1, round(height * scale))),
            spec,
            pixels_max=self._limits.raster_pixels_max,
        )

    def _draw(self, page: pdfium2.PdfPage, bitmap: pdfium2.PdfBitmap, width: int, height: int) -> bool:
        """Draw the page and its fields; return whether all of it was drawn.

        A page that takes too long is left as it is then, between two of its objects.
        """
        ends_at_s = self._clock.monotonic() + self._limits.render_s_max
        pause = pdfium.IFSDK_PAUSE(version=1)
        pdfium_internal.set_callback(pause, "NeedToPauseNow", lambda _: self._clock.monotonic() > ends_at_s)
        place = (0, 0, width, height, 0, pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER)
        try:
            status = pdfium.FPDF_RenderPageBitmap_Start(bitmap, page, *place, pause)
        finally:
            pdfium.FPDF_RenderPage_Close(page)
        if status == pdfium.FPDF_RENDER_FAILED:
            raise damaged(errors.DAMAGED_PDF, why="drawing failed")
        if self._document.formenv:
            pdfium.FPDF_FFLDraw(self._document.formenv, bitmap, page, *place)
        return status != pdfium.FPDF_RENDER_TOBECONTINUED

    def _read_layer(self, page: pdfium2.PdfPage, size: tuple[int, int]) -> tuple[TextLayer | None, tuple[str, ...]]:
        project = make_projection(page, size)
        text_page = page.get_textpage()
        try:
            found = read_page_text(text_page, project, characters_max=self._limits.text_characters_max)
        finally:
            text_page.close()
        if not found.lines:
            return None, ()  # a scan with filled fields is read from its picture, fields and all
        notes = tuple(read_notes(page, self._document.formenv, project))
        return _judge(replace(found, lines=weave(found.lines, notes)), page, size)


def _judge(found: PageText, page: pdfium2.PdfPage, size: tuple[int, int]) -> tuple[TextLayer, tuple[str, ...]]:
    text, blocks = join_lines(found.lines)
    box = visible_box(page)
    contents = measure_contents(page, box)
    covered = sum(line.region.width * line.region.height for line in found.lines)
    measures = LayerMeasures(
        unmapped_share=found.unmapped_share,
        hidden=found.hidden,
        picture_share=min(1.0, contents.picture_area / max(1.0, box.width * box.height)),
        cover_share=min(1.0, covered / (size[0] * size[1])),
        outlines=contents.outlines,
    )
    reason = judge_text_layer(text, measures)
    layer = TextLayer(text=text, blocks=blocks, trustworthy=reason is None, distrust_reason=reason)
    marks = (
        reason,
        errors.TEXT_LAYER_HIDDEN.reason if found.hidden and reason is None else None,
        errors.TEXT_TRUNCATED.reason if found.truncated else None,
    )
    return layer, tuple(mark for mark in marks if mark is not None)
