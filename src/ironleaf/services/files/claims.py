"""What callers say about a file by its name and media type: claims, weighed against its content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.services.files import filetypes as types
from ironleaf.services.files.filetypes import Nature
from ironleaf.services.files.labels import extension_of

if TYPE_CHECKING:
    from ironleaf.services.files.filetypes import FileFormat, FileType
    from ironleaf.services.files.stored import StoredFile

_EXTENSIONS: Final[dict[str, FileType]] = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif"), types.JPEG),
    **dict.fromkeys(("png", "apng"), types.PNG),
    "webp": types.WEBP,
    **dict.fromkeys(("tif", "tiff"), types.TIFF),
    "gif": types.GIF,
    **dict.fromkeys(("bmp", "dib"), types.BMP),
    **dict.fromkeys(("heic", "heif", "hif"), types.HEIC),
    "avif": types.AVIF,
    "pdf": types.PDF,
    **dict.fromkeys(("docx", "docm", "dotx", "dotm"), types.DOCX),
    **dict.fromkeys(("xlsx", "xlsm", "xltx", "xltm"), types.XLSX),
    **dict.fromkeys(("pptx", "pptm", "potx", "potm", "ppsx", "ppsm"), types.PPTX),
    **dict.fromkeys(("html", "htm", "xhtml"), types.HTML),
    **dict.fromkeys(("csv", "tsv"), types.CSV),
    **dict.fromkeys(("eml", "mht", "mhtml"), types.EML),
    **dict.fromkeys(("txt", "text", "md", "rst", "log"), types.TEXT),
    **dict.fromkeys(("ico", "psd", "tga", "pbm", "pgm", "ppm", "pnm", "jxl"), types.PICTURE),
    **dict.fromkeys(("jp2", "j2k", "jpx"), types.JPEG_2000),
    "svg": types.SVG,
    **dict.fromkeys(("zip", "7z", "rar", "gz"), types.ARCHIVE),
}
_MEDIA_TYPES: Final[dict[str, FileType]] = {
    **{file_type.media_type: file_type for file_type in _EXTENSIONS.values() if file_type.format},
    "image/jpg": types.JPEG,
    "image/pjpeg": types.JPEG,
    "image/heif": types.HEIC,
    "image/x-ms-bmp": types.BMP,
    "application/x-pdf": types.PDF,
    "application/xhtml+xml": types.HTML,
}
_BINARY: Final = frozenset({Nature.PICTURE, Nature.PDF, Nature.OFFICE})


def list_claims(stored: StoredFile) -> tuple[FileType, ...]:
    """Return the types that the file's media type and name claim; what claims nothing we know is left out."""
    by_media_type = _MEDIA_TYPES.get(stored.declared_media_type or "")
    by_name = _EXTENSIONS.get(extension_of(stored.label))
    return tuple(claim for claim in (by_media_type, by_name) if claim is not None)


def choose_hint(claims: tuple[FileType, ...]) -> FileFormat | None:
    """Return the kind of text that is claimed, the name's word last: clients guess media types from it."""
    texts = [claim.format for claim in claims if claim.nature is Nature.TEXT and claim.format]
    return texts[-1] if texts else None


def is_dangerous(claims: tuple[FileType, ...], found: FileType) -> bool:
    """Tell whether something that is read as characters goes about as a picture or a document.

    An HTML page or a script under a picture's name is an attack, or a saved error
    page; its characters are not what the caller wants read. The other way round,
    and among pictures, a wrong name is a slip.
    """
    return found.nature is Nature.TEXT and any(claim.nature in _BINARY for claim in claims)


def differs(claims: tuple[FileType, ...], found: FileType) -> bool:
    """Tell whether a claim names another type than was found; kinds of text count as one."""
    return any(
        claim is not found and not (claim.nature is Nature.TEXT and found.nature is Nature.TEXT) for claim in claims
    )
