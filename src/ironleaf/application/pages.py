"""Makes the pages of the answer: from what an engine read, or from why none could."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Final

from ironleaf.application.errors import NO_TEXT_FOUND, PAGE_IMAGE_LEFT_OUT
from ironleaf.document import (
    Block,
    EngineName,
    ImageEncoding,
    Notice,
    Page,
    PageResult,
    PageSource,
    PageStatus,
    Quality,
    RenderSpec,
)
from ironleaf.foundation.errors import IronleafError, Language, make_problem
from ironleaf.services.engines.base import RungsExhausted, discard
from ironleaf.services.engines.errors import DEADLINE_EXCEEDED

PAGE_IMAGE_SIDE_PX_MAX: Final = 1_600
"""Longer side of a picture sent with its page: readable on a screen."""
PAGE_IMAGE_BYTES_MAX: Final = 800_000
"""Bytes of such a picture."""
PAGE_IMAGES_MAX: Final = 50
"""Pages of one answer that bring their picture: with the limit above, under 60 MB of JSON."""
PAGE_IMAGE_QUALITY: Final = 80
INK_SHARE_BLANK: Final = 0.004
"""Below this share of ink a page is blank: blank leaves measure 0.000, written ones from 0.26 up."""


def make_page(source: PageSource, result: PageResult, quality: Quality) -> Page:
    """Return the page that ``result`` says, in the page's own pixels and with every warning once."""
    empty = not result.text.strip()
    inkless = empty and (result.ink_share is None or result.ink_share < INK_SHARE_BLANK)
    degraded = result.degraded_reason is not None
    reasons = dict.fromkeys((*source.warnings, *_distrust(source, result), *result.warnings))
    if empty and not inkless:
        reasons[NO_TEXT_FOUND.reason] = None
    width_px, height_px = source.width_px or result.width_px, source.height_px or result.height_px
    if result.rotation_deg % 180:  # the engine saw a page on its side: its upright sides are the other way round
        width_px, height_px = height_px, width_px
    return Page(
        number=source.number,
        status=PageStatus.BLANK if inkless else PageStatus.DEGRADED if degraded else PageStatus.SUCCEEDED,
        engine=result.engine,
        model=result.model,
        degraded=degraded,
        degraded_reason=result.degraded_reason,
        error=None,
        text=result.text,
        blocks=_scale_blocks(result, width_px, height_px),
        width_px=width_px,
        height_px=height_px,
        rotation_deg=(source.rotation_deg + result.rotation_deg) % 360,
        language=result.language,
        quality=None if empty else quality,
        warnings=tuple(Notice(reason=reason, page=source.number) for reason in reasons),
        attempts=result.attempts,
    )


def _distrust(source: PageSource, result: PageResult) -> tuple[str, ...]:
    layer = source.text_layer
    if layer is None or layer.distrust_reason is None or result.engine is EngineName.TEXT_LAYER:
        return ()
    return (layer.distrust_reason,)


def make_failed_page(number: int, failure: IronleafError, language: Language) -> Page:
    """Return the entry of a page that nobody could read, with the public face of the reason."""
    attempts = failure.attempts if isinstance(failure, RungsExhausted) else ()
    return Page(
        number=number,
        status=PageStatus.SKIPPED if failure.entry == DEADLINE_EXCEEDED else PageStatus.FAILED,
        engine=EngineName.NONE,
        model=None,
        degraded=False,
        degraded_reason=None,
        error=make_problem(
            failure.entry,
            language=language,
            details=failure.details,
            retry_after_s=failure.retry_after_s,
        ),
        text="",
        blocks=(),
        width_px=None,
        height_px=None,
        rotation_deg=0,
        language=None,
        quality=None,
        attempts=attempts,
    )


async def attach_image(page: Page, source: PageSource) -> Page:
    """Return the page with its picture as a data URI, or with a warning if there can be none."""
    spec = RenderSpec(
        encoding=ImageEncoding.JPEG,
        side_px_max=PAGE_IMAGE_SIDE_PX_MAX,
        jpeg_quality=PAGE_IMAGE_QUALITY,
        rotation_deg=(page.rotation_deg - source.rotation_deg) % 360,
    )
    try:
        image = await source.render(spec) if source.has_image else None
    except IronleafError:
        image = None  # the text is there; its picture is an extra
    if image is None:
        return leave_image_out(page)
    try:
        if image.bytes > PAGE_IMAGE_BYTES_MAX:
            return leave_image_out(page)
        data = await asyncio.to_thread(image.path.read_bytes)
    finally:
        await asyncio.to_thread(discard, image)
    return replace(page, image=f"data:image/jpeg;base64,{base64.b64encode(data).decode()}")


def leave_image_out(page: Page) -> Page:
    """Return the page with the warning that its picture is not there."""
    left_out = Notice(reason=PAGE_IMAGE_LEFT_OUT.reason, page=page.number)
    return replace(page, warnings=(*page.warnings, left_out))


def _scale_blocks(result: PageResult, width_px: int | None, height_px: int | None) -> tuple[Block, ...]:
    if not (width_px and height_px and result.width_px and result.height_px):
        return result.blocks
    factor_x, factor_y = width_px / result.width_px, height_px / result.height_px
    if factor_x == factor_y == 1:
        return result.blocks
    return tuple(
        block if block.region is None else replace(block, region=block.region.scaled(factor_x, factor_y))
        for block in result.blocks
    )
