"""The narrow gate: a stored file becomes a checked one, or the catalogue's error says why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import Detail, ValidationProblem
from ironleaf.services.files.archives import check_table
from ironleaf.services.files.claims import choose_hint, differs, is_dangerous, list_claims
from ironleaf.services.files.errors import (
    DECLARED_TYPE_DIFFERS,
    LEADING_JUNK_SKIPPED,
    TYPE_DISABLED,
    TYPE_MISMATCH,
)
from ironleaf.services.files.filetypes import FileFormat, Nature
from ironleaf.services.files.identify import identify
from ironleaf.services.files.limits import check_bytes
from ironleaf.services.files.second_opinion import OPINION_BYTES, name_unknown
from ironleaf.services.files.signatures import PDF_HEADER
from ironleaf.services.files.spool import storage_failure

if TYPE_CHECKING:
    from pathlib import Path

    from ironleaf.foundation.errors import Entry
    from ironleaf.services.files.filetypes import FileType
    from ironleaf.services.files.second_opinion import Opinion
    from ironleaf.services.files.settings import FileLimits
    from ironleaf.services.files.stored import StoredFile

EVERY_FORMAT: Final = frozenset(FileFormat)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A file of a type that is taken, within the limits that can be seen from outside."""

    stored: StoredFile
    format: FileFormat
    media_type: str
    """Of the content, not of the claim."""
    notices: tuple[str, ...] = ()
    """Reasons from the closed list of warnings."""


def check_file(
    stored: StoredFile,
    *,
    limits: FileLimits,
    enabled: frozenset[FileFormat] = EVERY_FORMAT,
    second_opinion: Opinion | None = None,
) -> CheckedFile:
    """Return the file as what it is.

    ``second_opinion`` is asked about files that the own table does not know, to
    name their refusal better. Reads some kilobytes, for Office files their table of contents: milliseconds,
    but disk, so call it in a thread.

    Raises:
        ValidationProblem: a refusal of its type, type-disabled, type-mismatch, or damage seen from outside.
        LimitReached: file-too-large; for Office files what their table already confesses.
        StorageFailure: storage-failed.
    """
    check_bytes(stored.bytes, bytes_max=limits.bytes_max)
    claims = list_claims(stored)
    try:
        found = identify(stored.path, hint=choose_hint(claims))
        if second_opinion is not None:
            found = name_unknown(found, _read_head(stored.path, OPINION_BYTES), second_opinion)
        file_format = _take(found, claims, enabled)
        if found.nature is Nature.OFFICE:
            check_table(stored.path, limits=limits)
        notices = (DECLARED_TYPE_DIFFERS.reason,) if differs(claims, found) else ()
        if file_format is FileFormat.PDF and _read_head(stored.path, len(PDF_HEADER)) != PDF_HEADER:
            notices += (LEADING_JUNK_SKIPPED.reason,)
    except OSError as error:
        raise storage_failure(error) from error
    return CheckedFile(stored=stored, format=file_format, media_type=found.media_type, notices=notices)


def _take(found: FileType, claims: tuple[FileType, ...], enabled: frozenset[FileFormat]) -> FileFormat:
    if found.format is None:
        raise _refuse(found.refusal, enabled)
    if is_dangerous(claims, found):
        raise _refuse(TYPE_MISMATCH, enabled)
    if found.format not in enabled:
        raise _refuse(TYPE_DISABLED, enabled)
    return found.format


def _refuse(entry: Entry, enabled: frozenset[FileFormat]) -> ValidationProblem:
    allowed = tuple(file_format.value for file_format in FileFormat if file_format in enabled)
    return ValidationProblem(entry, details=(Detail(reason=entry.reason, allowed=allowed),))


def _read_head(path: Path, length: int) -> bytes:
    with path.open("rb") as handle:
        return handle.read(length)
