"""A second opinion on files that our own table does not know, from libmagic, where it is installed.

It may name a refusal better; it never makes a file acceptable: what our table
does not recognise, no decoder of ours is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ironleaf.services.files import filetypes as types

if TYPE_CHECKING:
    from ironleaf.services.files.filetypes import FileType

Opinion = Callable[[bytes], str]
"""Takes the beginning of a file, returns a media type."""
OPINION_BYTES: Final = 4_096
"""Bytes that are shown: most of what libmagic knows lies at the beginning, and less of it sees hostile bytes."""

_NAMED: Final[tuple[tuple[str, FileType], ...]] = (
    ("image/jp2", types.JPEG_2000),
    ("image/svg", types.SVG),
    ("image/", types.PICTURE),
    ("audio/", types.MEDIA),
    ("video/", types.MEDIA),
    ("application/x-executable", types.EXECUTABLE),
    ("application/x-sharedlib", types.EXECUTABLE),
    ("application/x-dosexec", types.EXECUTABLE),
    ("application/vnd.oasis.opendocument", types.OPENDOCUMENT),
    ("application/msword", types.LEGACY_OFFICE),
    ("application/vnd.ms-", types.LEGACY_OFFICE),
    ("application/x-tar", types.ARCHIVE),
    ("application/x-lha", types.ARCHIVE),
    ("application/x-cpio", types.ARCHIVE),
    ("application/x-iso9660-image", types.ARCHIVE),
)


def load_libmagic() -> Opinion | None:
    """Return libmagic's opinion, or None where it is not installed."""
    try:
        import magic  # pyright: ignore[reportMissingImports]  # noqa: PLC0415 - an optional library

        return magic.Magic(mime=True).from_buffer  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    except (ImportError, OSError):
        return None


def name_unknown(found: FileType, head: bytes, opinion: Opinion) -> FileType:
    """Return a better name for an unknown file's refusal, or ``found`` as it is."""
    if found is not types.UNKNOWN:
        return found
    try:
        media_type = opinion(head)
    except Exception:  # noqa: BLE001 - whatever a foreign library makes of hostile bytes is no reason to fail
        return found
    return next((named for prefix, named in _NAMED if media_type.startswith(prefix)), found)
