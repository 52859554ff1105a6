"""Foreign exceptions of the decoders, translated where they enter. Nothing of a library's words goes on."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import (
    BusinessError,
    Detail,
    Entry,
    IronleafError,
    LimitReached,
    ProcessingFailure,
    Unit,
)
from ironleaf.services.files import errors

DAMAGE_BY_FORMAT: Final[dict[str, Entry]] = {
    "pdf": errors.DAMAGED_PDF,
    **dict.fromkeys(("jpeg", "png", "webp", "tiff", "bmp", "gif", "heif", "heic", "avif"), errors.DAMAGED_IMAGE),
    **dict.fromkeys(("docx", "xlsx", "pptx"), errors.DAMAGED_OFFICE),
}
"""Which damage it is when a decoder of this format gives up."""

_ENTRIES: Final[tuple[tuple[type[Exception], Entry], ...]] = (
    (TimeoutError, errors.DECODER_TIMEOUT),
    (FileNotFoundError, errors.STORAGE_FAILED),
    (PermissionError, errors.STORAGE_FAILED),
)
"""Everything else that a decoder throws at a file (OSError, SyntaxError, struct.error, KeyError, PdfiumError, Pillow's
own) means that the file is not what its format promises: the format's own damage."""


def translate_failure(error: Exception, file_format: str, *, page: int | None = None) -> IronleafError:
    """Return the catalogue's error for anything that a decoder raised.

    Promises: the public face holds the entry and the page number only; class and
    module of the foreign exception go to the private context.
    """
    if isinstance(error, IronleafError):
        return error
    damage = DAMAGE_BY_FORMAT.get(file_format, errors.DAMAGED_FILE)
    entry = next((entry for kind, entry in _ENTRIES if isinstance(error, kind)), damage)
    details = () if page is None else (Detail(reason=entry.reason, page=page),)
    context = {"decoder_exception": f"{type(error).__module__}.{type(error).__qualname__}", "format": file_format}
    if entry is damage:
        return BusinessError(entry, details=details, context=context)
    return ProcessingFailure(entry, details=details, context=context)


def page_too_large(entry: Entry, *, page: int, limit: int, actual: int) -> LimitReached:
    """Return the error for a page whose pixels or side exceed a limit."""
    return LimitReached(
        entry, details=(Detail(reason=entry.reason, page=page, limit=limit, actual=actual, unit=Unit.PIXELS),)
    )


def too_many(entry: Entry, *, limit: int, actual: int, unit: Unit) -> LimitReached:
    """Return the error for a file with more pages or frames than the limit."""
    return LimitReached(entry, details=(Detail(reason=entry.reason, limit=limit, actual=actual, unit=unit),))


def damaged(entry: Entry, *, page: int | None = None, why: str) -> BusinessError:
    """Return the error for damage that we found ourselves; ``why`` stays private."""
    details = () if page is None else (Detail(reason=entry.reason, page=page),)
    return BusinessError(entry, details=details, context={"why": why})
