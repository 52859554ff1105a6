"""A look inside containers: which document a zip or an OLE file is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.services.files import filetypes as types
from ironleaf.services.files.ole_directory import read_names
from ironleaf.services.files.zip_directory import entries_in_head, read_directory, read_start

if TYPE_CHECKING:
    from io import BufferedIOBase

    from ironleaf.services.files.filetypes import FileType
    from ironleaf.services.files.zip_directory import ZipEntry

ENTRIES_LOOKED_AT_MAX: Final = 2_000
"""Entries that are looked at to name a container: the telling ones come early."""
CONTENT_TYPES_BYTES_MAX: Final = 1024 * 1024
"""Bytes of the list of content types: a deck of 1,000 slides has half of it."""
_MIMETYPE_BYTES_MAX: Final = 128

_CONTENT_TYPES: Final[tuple[tuple[bytes, FileType], ...]] = (
    (b"wordprocessingml.document.main+xml", types.DOCX),
    (b"wordprocessingml.template.main+xml", types.DOCX),
    (b"ms-word.document.macroenabled.main+xml", types.DOCX),
    (b"ms-word.template.macroenabledtemplate.main+xml", types.DOCX),
    (b"spreadsheetml.sheet.main+xml", types.XLSX),
    (b"spreadsheetml.template.main+xml", types.XLSX),
    (b"ms-excel.sheet.macroenabled.main+xml", types.XLSX),
    (b"ms-excel.template.macroenabled.main+xml", types.XLSX),
    (b"ms-excel.addin.macroenabled.main+xml", types.XLSX),
    (b"presentationml.presentation.main+xml", types.PPTX),
    (b"presentationml.slideshow.main+xml", types.PPTX),
    (b"presentationml.template.main+xml", types.PPTX),
    (b"ms-powerpoint.presentation.macroenabled.main+xml", types.PPTX),
    (b"ms-powerpoint.slideshow.macroenabled.main+xml", types.PPTX),
    (b"ms-powerpoint.template.macroenabled.main+xml", types.PPTX),
    (b"ms-excel.sheet.binary.macroenabled.main", types.DOCUMENT),
    (b"ms-visio.", types.DOCUMENT),
    (b"ms-package.xps-", types.DOCUMENT),
    (b"openxmlformats-officedocument.thememanager+xml", types.DOCUMENT),
)
"""Content types of a package's main part, in lower case. Templates and kinds with macros are read like the others."""
_NAMES: Final[tuple[tuple[str, FileType], ...]] = (
    ("word/document.xml", types.DOCX),
    ("xl/workbook.xml", types.XLSX),
    ("ppt/presentation.xml", types.PPTX),
    ("xl/workbook.bin", types.DOCUMENT),
    ("visio/document.xml", types.DOCUMENT),
    ("index/document.iwa", types.DOCUMENT),
    ("index.zip", types.DOCUMENT),
    ("buildversionhistory.plist", types.DOCUMENT),
    ("fixeddocseq.fdseq", types.DOCUMENT),
    ("androidmanifest.xml", types.EXECUTABLE),
    ("classes.dex", types.EXECUTABLE),
    ("meta-inf/manifest.mf", types.EXECUTABLE),
)
_FOLDERS: Final[tuple[tuple[str, FileType], ...]] = (
    ("word/", types.DOCX),
    ("xl/", types.XLSX),
    ("ppt/", types.PPTX),
)
"""What is left to go by when a package has lost its main part or its end."""
_MIMETYPES: Final[tuple[tuple[bytes, FileType], ...]] = (
    (b"application/vnd.oasis.opendocument", types.OPENDOCUMENT),
    (b"application/vnd.sun.xml", types.OPENDOCUMENT),
    (b"application/epub+zip", types.DOCUMENT),
    (b"application/hwp", types.DOCUMENT),
    (b"image/openraster", types.PICTURE),
    (b"application/x-krita", types.PICTURE),
)
_STREAMS: Final[tuple[tuple[str, FileType], ...]] = (
    ("EncryptedPackage", types.LOCKED_OFFICE),
    ("DRMEncryptedDataSpace", types.LOCKED_OFFICE),
    ("__properties_version1.0", types.OUTLOOK),
    ("__nameid_version1.0", types.OUTLOOK),
    ("WordDocument", types.LEGACY_OFFICE),
    ("Workbook", types.LEGACY_OFFICE),
    ("Book", types.LEGACY_OFFICE),
    ("PowerPoint Document", types.LEGACY_OFFICE),
    ("PP97_DUALSTORAGE", types.LEGACY_OFFICE),
    ("PP40", types.LEGACY_OFFICE),
    ("Current User", types.LEGACY_OFFICE),
    ("VisioDocument", types.DOCUMENT),
    ("FileHeader", types.DOCUMENT),
    ("Quill", types.DOCUMENT),
    ("PerfectOffice_MAIN", types.DOCUMENT),
)


def identify_zip(handle: BufferedIOBase, head: bytes) -> FileType:
    """Return which document a zip file is, or plainly that it is an archive.

    Raises nothing but OSError of the disk itself.
    """
    directory = read_directory(handle, entries_max=ENTRIES_LOOKED_AT_MAX)
    entries = directory.entries if directory else ()
    if not entries:
        entries = entries_in_head(head, entries_max=ENTRIES_LOOKED_AT_MAX)
    by_name = {entry.name.lower().removeprefix("./").lstrip("/"): entry for entry in reversed(entries)}
    found = _match_mimetype(handle, by_name) or _match_content_types(handle, by_name)
    return found or _match_names(tuple(by_name)) or types.ZIP


def identify_ole(handle: BufferedIOBase) -> FileType:
    """Return which document an OLE file is; raises nothing but OSError of the disk itself."""
    names = read_names(handle)
    return next((found for name, found in _STREAMS if name in names), types.UNKNOWN)


def _match_mimetype(handle: BufferedIOBase, by_name: dict[str, ZipEntry]) -> FileType | None:
    entry = by_name.get("mimetype")
    declared = read_start(handle, entry, bytes_max=_MIMETYPE_BYTES_MAX) if entry else b""
    return next((found for prefix, found in _MIMETYPES if declared.startswith(prefix)), None)


def _match_content_types(handle: BufferedIOBase, by_name: dict[str, ZipEntry]) -> FileType | None:
    entry = by_name.get("[content_types].xml")
    # Without its zero bytes, a list in UTF-16 reads like one in UTF-8.
    listed = read_start(handle, entry, bytes_max=CONTENT_TYPES_BYTES_MAX) if entry else b""
    listed = listed.replace(b"\0", b"").lower()
    return next((found for content_type, found in _CONTENT_TYPES if content_type in listed), None)


def _match_names(names: tuple[str, ...]) -> FileType | None:
    lowered = frozenset(name.lower() for name in names)
    exact = next((found for name, found in _NAMES if name in lowered), None)
    if exact is not None:
        return exact
    return next((found for folder, found in _FOLDERS if any(name.startswith(folder) for name in lowered)), None)
