"""What a file can be: the formats that are taken, and what is refused by a name of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ironleaf.services.files import errors

if TYPE_CHECKING:
    from ironleaf.foundation.errors import Entry


class FileFormat(StrEnum):
    """A format that is taken. Its decoder is known by this name."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    TIFF = "tiff"
    GIF = "gif"
    BMP = "bmp"
    HEIC = "heic"
    AVIF = "avif"
    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    HTML = "html"
    EML = "eml"
    CSV = "csv"
    TEXT = "text"


class Nature(StrEnum):
    """What sort of thing a type is: decides whether a wrong claim about it is harmless."""

    PICTURE = "picture"
    PDF = "pdf"
    OFFICE = "office"
    TEXT = "text"
    """Anything that is read as characters: HTML, CSV, mail, source code."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileType:
    """A type that content can be recognised as: taken (``format``) or refused (``refusal``)."""

    media_type: str
    nature: Nature
    format: FileFormat | None = None
    refusal: Entry = errors.UNSUPPORTED_TYPE


def _taken(file_format: FileFormat, media_type: str, nature: Nature) -> FileType:
    return FileType(media_type=media_type, nature=nature, format=file_format)


def _refused(media_type: str, refusal: Entry, nature: Nature = Nature.OTHER) -> FileType:
    return FileType(media_type=media_type, nature=nature, refusal=refusal)


_OOXML: Final = "application/vnd.openxmlformats-officedocument."

JPEG: Final = _taken(FileFormat.JPEG, "image/jpeg", Nature.PICTURE)
PNG: Final = _taken(FileFormat.PNG, "image/png", Nature.PICTURE)
WEBP: Final = _taken(FileFormat.WEBP, "image/webp", Nature.PICTURE)
TIFF: Final = _taken(FileFormat.TIFF, "image/tiff", Nature.PICTURE)
GIF: Final = _taken(FileFormat.GIF, "image/gif", Nature.PICTURE)
BMP: Final = _taken(FileFormat.BMP, "image/bmp", Nature.PICTURE)
HEIC: Final = _taken(FileFormat.HEIC, "image/heic", Nature.PICTURE)
AVIF: Final = _taken(FileFormat.AVIF, "image/avif", Nature.PICTURE)
PDF: Final = _taken(FileFormat.PDF, "application/pdf", Nature.PDF)
DOCX: Final = _taken(FileFormat.DOCX, f"{_OOXML}wordprocessingml.document", Nature.OFFICE)
XLSX: Final = _taken(FileFormat.XLSX, f"{_OOXML}spreadsheetml.sheet", Nature.OFFICE)
PPTX: Final = _taken(FileFormat.PPTX, f"{_OOXML}presentationml.presentation", Nature.OFFICE)
HTML: Final = _taken(FileFormat.HTML, "text/html", Nature.TEXT)
EML: Final = _taken(FileFormat.EML, "message/rfc822", Nature.TEXT)
CSV: Final = _taken(FileFormat.CSV, "text/csv", Nature.TEXT)
TEXT: Final = _taken(FileFormat.TEXT, "text/plain", Nature.TEXT)

ARCHIVE: Final = _refused("application/x-archive", errors.ARCHIVE_NOT_TAKEN)
ZIP: Final = _refused("application/zip", errors.ARCHIVE_NOT_TAKEN)
LEGACY_OFFICE: Final = _refused("application/x-ole-storage", errors.LEGACY_OFFICE_NOT_TAKEN)
WORD_XML: Final = _refused("application/xml", errors.LEGACY_OFFICE_NOT_TAKEN, Nature.TEXT)
LOCKED_OFFICE: Final = _refused("application/encrypted", errors.ENCRYPTED_OFFICE)
OUTLOOK: Final = _refused("application/vnd.ms-outlook", errors.OUTLOOK_MESSAGE_NOT_TAKEN)
OPENDOCUMENT: Final = _refused("application/vnd.oasis.opendocument", errors.OPENDOCUMENT_NOT_TAKEN)
OPENDOCUMENT_XML: Final = _refused("application/xml", errors.OPENDOCUMENT_NOT_TAKEN, Nature.TEXT)
DOCUMENT: Final = _refused("application/octet-stream", errors.DOCUMENT_TYPE_NOT_TAKEN)
RTF: Final = _refused("application/rtf", errors.DOCUMENT_TYPE_NOT_TAKEN, Nature.TEXT)
JPEG_2000: Final = _refused("image/jp2", errors.JPEG_2000_NOT_TAKEN)
PICTURE: Final = _refused("image/x-unknown", errors.PICTURE_TYPE_NOT_TAKEN)
SVG: Final = _refused("image/svg+xml", errors.DRAWING_NOT_TAKEN, Nature.TEXT)
DRAWING: Final = _refused("image/x-drawing", errors.DRAWING_NOT_TAKEN)
MEDIA: Final = _refused("application/x-media", errors.MEDIA_NOT_TAKEN)
EXECUTABLE: Final = _refused("application/x-executable", errors.EXECUTABLE_NOT_TAKEN)
UNKNOWN: Final = _refused("application/octet-stream", errors.UNSUPPORTED_TYPE)
