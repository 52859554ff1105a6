"""Says what would happen to a file's pages; nothing is drawn or recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from ironleaf.application.errors import as_known
from ironleaf.application.options import EngineChoice
from ironleaf.application.reading import OpenedPages, Reading, log_failure
from ironleaf.document import (
    EngineName,
    InspectedPage,
    Inspection,
    LimitUse,
    Notice,
    PageSource,
    TextLayer,
    TextLayerState,
)
from ironleaf.foundation.errors import LimitReached, Unit, make_problem
from ironleaf.services.engines.errors import DEADLINE_EXCEEDED
from ironleaf.services.files.checked import CheckedFile
from ironleaf.services.files.settings import FileLimits

PAGES_LOOKED_AT_MAX: Final = 100
"""Pages described one by one, 10 ms each: enough to know a file, and an answer within a second or two."""

Foresight = Callable[[EngineChoice, PageSource], EngineName]
"""Tells who would be asked first to read a page."""
_ORDER: Final = (EngineName.NATIVE, EngineName.TEXT_LAYER, EngineName.VL, EngineName.EMBEDDED)


async def inspect_pages(
    opened: OpenedPages, numbers: tuple[int, ...], reading: Reading, foresee: Foresight
) -> tuple[InspectedPage, ...]:
    """Return what is known of the first pages; one that cannot be read costs only itself.

    Raises:
        LimitReached: deadline-exceeded.
    """
    pages: list[InspectedPage] = []
    for number in numbers[:PAGES_LOOKED_AT_MAX]:
        if reading.deadline.expired():
            raise LimitReached(DEADLINE_EXCEEDED)
        with structlog.contextvars.bound_contextvars(page=number):
            pages.append(await _inspect_page(opened, number, reading, foresee))
    return tuple(pages)


async def _inspect_page(opened: OpenedPages, number: int, reading: Reading, foresee: Foresight) -> InspectedPage:
    try:
        source = await opened.page(number)
    except (Exception, SystemExit) as error:  # noqa: BLE001  (what one page meets must not cost the others)
        known = as_known(error)
        log_failure(known)
        return InspectedPage(
            number=number,
            width_px=None,
            height_px=None,
            rotation_deg=0,
            text_layer=TextLayerState.NONE,
            engine=EngineName.NONE.value,
            error=make_problem(known.entry, language=reading.language, details=known.details),
        )
    warnings = tuple(Notice(reason=reason, page=number) for reason in dict.fromkeys(source.warnings))
    state = describe_layer(source.text_layer)
    if reading.options.force_ocr and source.has_image:
        source = replace(source, text_layer=None)
    return InspectedPage(
        number=number,
        width_px=source.width_px,
        height_px=source.height_px,
        rotation_deg=source.rotation_deg,
        text_layer=state,
        engine=foresee(reading.options.engine, source).value,
        warnings=warnings,
    )


def describe_layer(layer: TextLayer | None) -> TextLayerState:
    """Return what a page's own text is worth."""
    if layer is None:
        return TextLayerState.NONE
    if layer.native:
        return TextLayerState.NATIVE
    return TextLayerState.TRUSTED if layer.trustworthy else TextLayerState.DISTRUSTED


def assemble_inspection(
    checked: CheckedFile,
    pages: tuple[InspectedPage, ...],
    *,
    document_id: str,
    page_count: int,
    pages_requested: int,
    notices: tuple[str, ...],
    limits: FileLimits,
) -> Inspection:
    """Return the answer about a file."""
    engines = {page.engine for page in pages}
    return Inspection(
        id=document_id,
        filename=checked.stored.label,
        format=checked.format.value,
        media_type=checked.media_type,
        bytes=checked.stored.bytes,
        page_count=page_count,
        pages_requested=pages_requested,
        pages=pages,
        engines=tuple(engine.value for engine in _ORDER if engine.value in engines),
        limits=_list_limits(checked, pages, pages_requested, limits),
        warnings=(
            *(Notice(reason=reason) for reason in dict.fromkeys(notices)),
            *(warning for page in pages for warning in page.warnings),
        ),
    )


def _list_limits(
    checked: CheckedFile, pages: tuple[InspectedPage, ...], pages_requested: int, limits: FileLimits
) -> tuple[LimitUse, ...]:
    sizes = [(page.width_px, page.height_px) for page in pages if page.width_px and page.height_px]
    uses = [
        LimitUse(name="bytes_max", limit=limits.bytes_max, actual=checked.stored.bytes, unit=Unit.BYTES),
        LimitUse(name="pages_max", limit=limits.pages_max, actual=pages_requested, unit=Unit.PAGES),
    ]
    if sizes:
        pixels = max((width or 0) * (height or 0) for width, height in sizes)
        uses.append(LimitUse(name="page_pixels_max", limit=limits.page_pixels_max, actual=pixels, unit=Unit.PIXELS))
    return tuple(uses)
