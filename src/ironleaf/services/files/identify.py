"""What a file is, by its content: signatures, a look inside containers, then texts. Never by its name alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.services.files import filetypes as types
from ironleaf.services.files.containers import identify_ole, identify_zip
from ironleaf.services.files.ole_directory import OLE_SIGNATURE
from ironleaf.services.files.signatures import find_pdf_header, match_signature
from ironleaf.services.files.texts import decode_head, is_binary_mail, match_text
from ironleaf.services.files.zip_directory import LOCAL_HEADER, read_directory

if TYPE_CHECKING:
    from io import BufferedIOBase
    from pathlib import Path

    from ironleaf.services.files.filetypes import FileFormat, FileType

HEAD_BYTES: Final = 64 * 1024
"""Bytes of the beginning that are looked at: the headers of a mail fit."""
_TAIL_BYTES: Final = 1024
"""Bytes of the end that hold a PDF's last words."""
_TARGA_FOOTER: Final = b"TRUEVISION-XFILE."
_DISK_IMAGE_FOOTER: Final = (b"koly\x00\x00\x00\x04", -512)
"""Apple's disk images have their signature in their last 512 bytes."""
_ZIP_MARKS: Final = (LOCAL_HEADER, b"PK\x05\x06", b"PK\x07\x08")


def identify(path: Path, *, hint: FileFormat | None = None) -> FileType:
    """Return the type of the file at ``path``.

    Promises: whatever the bytes, it answers; it reads at most some megabytes and
    decodes no picture. ``hint``, from a name, decides between kinds of text only.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as handle:
        return identify_stream(handle, hint=hint)


def identify_stream(handle: BufferedIOBase, *, hint: FileFormat | None = None) -> FileType:
    """Like ``identify``, for an open binary file that can seek."""
    handle.seek(0)
    head = handle.read(HEAD_BYTES)
    if head.startswith(_ZIP_MARKS):
        return identify_zip(handle, head)
    if head.startswith(OLE_SIGNATURE):
        return identify_ole(handle)
    found = match_signature(head)
    if found is not None:
        return found
    if find_pdf_header(head) >= 0:
        return types.PDF
    return _identify_unmarked(handle, head, hint)


def _identify_unmarked(handle: BufferedIOBase, head: bytes, hint: FileFormat | None) -> FileType:
    tail = _read_tail(handle)
    if b"startxref" in tail and b"%%EOF" in tail:
        return types.PDF  # its header is lost; whether it can be read without, its decoder knows
    if _TARGA_FOOTER in tail:
        return types.PICTURE
    if tail[_DISK_IMAGE_FOOTER[1] :].startswith(_DISK_IMAGE_FOOTER[0]):
        return types.ARCHIVE
    text = decode_head(head)
    if text is not None:
        return match_text(text, hint=hint)
    if is_binary_mail(head):
        return types.EML
    directory = read_directory(handle, entries_max=1)
    return identify_zip(handle, head) if directory and directory.entries else types.UNKNOWN


def _read_tail(handle: BufferedIOBase) -> bytes:
    size = handle.seek(0, 2)
    handle.seek(max(0, size - _TAIL_BYTES))
    return handle.read(_TAIL_BYTES)
