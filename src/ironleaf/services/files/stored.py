"""A file that has arrived: whole, counted, hashed, in a spool of ours. Nothing has been believed about it yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from ironleaf.foundation.errors import ValidationProblem
from ironleaf.services.files.errors import EMPTY_FILE
from ironleaf.services.files.labels import clean_label
from ironleaf.services.files.limits import check_bytes
from ironleaf.services.files.spool import Spool, storage_failure

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from ironleaf.services.files.settings import FileLimits

DECLARED_TYPE_CHARACTERS_MAX: Final = 255
"""Characters of a declared media type: longer ones are no types, and count as undeclared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file in the spool, as it was sent."""

    path: Path
    bytes: int
    sha256: str
    """In hexadecimal."""
    label: str | None
    """What is left of the caller's file name; never a path."""
    declared_media_type: str | None
    """As the caller sent it, in lower case and without parameters. A claim."""


class FileSink:
    """Takes the bytes of one file: counts, hashes and writes them, refusing what is over the limit.

    Used as a context manager it closes its handle on every path; the file itself
    belongs to the spool.
    """

    def __init__(self, spool: Spool, *, limits: FileLimits) -> None:
        self._path = spool.new_path()
        self._bytes_max = limits.bytes_max
        self._hash = hashlib.sha256()
        self.bytes = 0
        try:
            self._handle = self._path.open("xb")
        except OSError as error:
            raise storage_failure(error) from error

    def write(self, data: bytes | memoryview) -> None:
        """Append ``data``.

        Raises:
            LimitReached: file-too-large.
            StorageFailure: spool-full or storage-failed.
        """
        self.bytes += len(data)
        check_bytes(self.bytes, bytes_max=self._bytes_max)
        self._hash.update(data)
        try:
            self._handle.write(data)
        except OSError as error:
            raise storage_failure(error) from error

    def finish(self, *, filename: str | None, declared_media_type: str | None) -> StoredFile:
        """Close the file and return it.

        Raises:
            ValidationProblem: empty-file.
            StorageFailure: spool-full or storage-failed, as some disks tell only now.
        """
        try:
            self._handle.close()
        except OSError as error:
            raise storage_failure(error) from error
        if self.bytes == 0:
            raise ValidationProblem(EMPTY_FILE)
        return StoredFile(
            path=self._path,
            bytes=self.bytes,
            sha256=self._hash.hexdigest(),
            label=clean_label(filename),
            declared_media_type=_clean_media_type(declared_media_type),
        )

    def close(self) -> None:
        """Let the handle go. Bytes that could not be flushed are of no interest any more."""
        try:
            self._handle.close()
        except OSError:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _clean_media_type(declared: str | None) -> str | None:
    essence = (declared or "").partition(";")[0].strip().lower()
    return essence if essence and len(essence) <= DECLARED_TYPE_CHARACTERS_MAX else None
