"""Decompression bombs in Office files: what the table confesses at once, and what only unpacking shows.

Declared sizes lie, entries can share the same bytes, archives can hold archives;
so everything is counted while it is unpacked, piece by piece, and thrown away.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import BusinessError, Unit
from ironleaf.services.files.errors import (
    ACTIVE_CONTENT_IGNORED,
    ARCHIVE_NESTED_TOO_DEEP,
    ARCHIVE_OVERLAPPING,
    ARCHIVE_TOO_DENSE,
    ARCHIVE_TOO_LARGE,
    ARCHIVE_TOO_MANY_ENTRIES,
    ATTACHMENTS_SKIPPED,
    DAMAGED_OFFICE,
    EXTERNAL_LINKS_IGNORED,
    UNSUPPORTED_ENCRYPTION,
)
from ironleaf.services.files.limits import limit_reached
from ironleaf.services.files.xml_scan import XmlScan
from ironleaf.services.files.zip_directory import (
    DEFLATED,
    ENCRYPTED_FLAG,
    LOCAL_HEADER,
    LOCAL_HEADER_BYTES,
    STORED,
    data_offset,
    read_directory,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase
    from pathlib import Path

    from ironleaf.services.files.settings import FileLimits
    from ironleaf.services.files.zip_directory import ZipDirectory, ZipEntry

PACKED_PIECE_BYTES: Final = 64 * 1024
UNPACKED_PIECE_BYTES: Final = 256 * 1024
"""Bytes unpacked at a time: what a bomb can do between two looks at the count."""
NESTED_BYTES_MAX: Final = 32 * 1024 * 1024
"""Bytes of an archive within an archive that are held to look into it; a larger one is counted as it lies."""
RELATIONS_BYTES_MAX: Final = 1024 * 1024
"""Bytes of a list of relations that are searched for outside links."""
_XML_ENDINGS: Final = (".xml", ".rels", ".vml")
_MACROS: Final = re.compile(r"vbaproject|vbadata|activex/|/ctrlprops/|macrosheets/", re.IGNORECASE)
_ATTACHMENTS: Final = re.compile(r"(?:word|xl|ppt)/embeddings/", re.IGNORECASE)
_RELATION: Final = re.compile(rb"<[^<>]*TargetMode\s*=\s*[\"']External[\"'][^<>]*>")
_HYPERLINK: Final = b"/hyperlink"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReport:
    """What was found in an archive that is no bomb."""

    entries: int
    unpacked_bytes: int
    notices: tuple[str, ...]
    """Reasons from the closed list of warnings: macros, outside links, attachments."""


def check_table(path: Path, *, limits: FileLimits) -> None:
    """Refuse an archive by what its table of contents declares: milliseconds, whatever its size.

    Raises:
        BusinessError: damaged-office, archive-overlapping, unsupported-encryption.
        LimitReached: archive-too-many-entries, archive-too-large, archive-too-dense.
        OSError: the file cannot be read.
    """
    with path.open("rb") as handle:
        _Unpacking(limits, packed_bytes=path.stat().st_size).read_table(handle)


def check_archive(path: Path, *, limits: FileLimits) -> ArchiveReport:
    """Unpack an archive to nowhere, counting, and look at the XML in it.

    CPU for as long as unpacking takes (300 MB/s): for worker processes. Damage in
    single entries is left for their reader to judge.

    Raises:
        BusinessError: damaged-office, archive-overlapping, unsupported-encryption, xml-bomb.
        LimitReached: archive-too-many-entries, archive-too-large, archive-too-dense, archive-nested-too-deep.
        OSError: the file cannot be read.
    """
    unpacking = _Unpacking(limits, packed_bytes=path.stat().st_size)
    with path.open("rb") as handle:
        unpacking.walk(handle, unpacking.read_table(handle))
    return ArchiveReport(
        entries=unpacking.entries, unpacked_bytes=unpacking.unpacked_bytes, notices=tuple(sorted(unpacking.notices))
    )


class _Unpacking:
    """Counts over an archive and all the archives in it."""

    def __init__(self, limits: FileLimits, *, packed_bytes: int) -> None:
        self._limits = limits
        self._packed_bytes = max(1, packed_bytes)
        self.entries = 0
        self.unpacked_bytes = 0
        self.notices: set[str] = set()

    def read_table(self, handle: BufferedIOBase) -> ZipDirectory:
        """Return the table of the outermost archive; its claims are within the limits."""
        directory = read_directory(handle, entries_max=self._limits.archive_entries_max + 1)
        if directory is None or not directory.entries:
            raise BusinessError(DAMAGED_OFFICE)
        if any(entry.flags & ENCRYPTED_FLAG for entry in directory.entries):
            raise BusinessError(UNSUPPORTED_ENCRYPTION)
        self._check_claims(directory)
        return directory

    def walk(self, handle: BufferedIOBase, directory: ZipDirectory, *, depth: int = 0) -> None:
        """Unpack every entry, and every archive among them."""
        for entry in directory.entries:
            self.entries += 1
            self._note_name(entry.name)
            nested = self._drain(handle, entry)
            if nested is not None:
                self._descend(nested, depth=depth + 1)

    def _descend(self, nested: BytesIO, *, depth: int) -> None:
        if depth > self._limits.archive_depth_max:
            raise limit_reached(
                ARCHIVE_NESTED_TOO_DEEP, limit=self._limits.archive_depth_max, actual=depth, unit=Unit.LEVELS
            )
        directory = read_directory(nested, entries_max=self._limits.archive_entries_max + 1)
        # An attachment that is damaged or locked harms nobody: it is not read.
        if directory is not None:
            self._check_claims(directory)
            self.walk(nested, directory, depth=depth)

    def _drain(self, handle: BufferedIOBase, entry: ZipEntry) -> BytesIO | None:
        """Unpack one entry; return it whole if it is an archive that can be looked into."""
        name = entry.name.lower()
        scan = XmlScan(self._limits) if name.endswith(_XML_ENDINGS) else None
        kept = BytesIO() if name.endswith(".rels") else None
        for number, piece in enumerate(_unpack(handle, entry)):
            self.unpacked_bytes += len(piece)
            self._check_bytes(self.unpacked_bytes)
            if number == 0 and kept is None and piece.startswith(LOCAL_HEADER):
                kept = BytesIO()
            if scan is not None:
                scan.feed(piece)
            if kept is not None and kept.tell() <= NESTED_BYTES_MAX:
                kept.write(piece)
        if kept is not None and name.endswith(".rels"):
            self._note_relations(kept.getvalue())
            return None
        return kept if kept is not None and kept.tell() <= NESTED_BYTES_MAX else None

    def _note_name(self, name: str) -> None:
        if _MACROS.search(name):
            self.notices.add(ACTIVE_CONTENT_IGNORED.reason)
        if _ATTACHMENTS.match(name):
            self.notices.add(ATTACHMENTS_SKIPPED.reason)

    def _note_relations(self, relations: bytes) -> None:
        # Links that a reader may click are content; what would load by itself is not.
        outside = _RELATION.findall(relations[:RELATIONS_BYTES_MAX].replace(b"\0", b""))
        if any(_HYPERLINK not in relation for relation in outside):
            self.notices.add(EXTERNAL_LINKS_IGNORED.reason)

    def _check_claims(self, directory: ZipDirectory) -> None:
        self._check_entries(self.entries + max(directory.declared_entries, len(directory.entries)))
        _check_overlap(directory)
        self._check_bytes(self.unpacked_bytes + sum(entry.unpacked_bytes for entry in directory.entries))

    def _check_entries(self, entries: int) -> None:
        limit = self._limits.archive_entries_max
        if entries > limit:
            raise limit_reached(ARCHIVE_TOO_MANY_ENTRIES, limit=limit, actual=entries, unit=Unit.ENTRIES)

    def _check_bytes(self, unpacked: int) -> None:
        limits = self._limits
        if unpacked > limits.archive_bytes_max:
            raise limit_reached(ARCHIVE_TOO_LARGE, limit=limits.archive_bytes_max, actual=unpacked, unit=Unit.BYTES)
        ratio = unpacked / self._packed_bytes
        if ratio > limits.archive_ratio_max and unpacked > limits.archive_ratio_grace_bytes:
            raise limit_reached(
                ARCHIVE_TOO_DENSE, limit=limits.archive_ratio_max, actual=round(ratio, 1), unit=Unit.RATIO
            )


def _check_overlap(directory: ZipDirectory) -> None:
    # Extra fields are left out of the extents: they may differ between table and header, and only make entries longer.
    extents = sorted(
        (entry.offset, entry.offset + LOCAL_HEADER_BYTES + entry.packed_bytes) for entry in directory.entries
    )
    limits = [begin for begin, _ in extents[1:]] + [directory.starts_at]
    if any(end > limit for (_, end), limit in zip(extents, limits, strict=True)):
        raise BusinessError(ARCHIVE_OVERLAPPING)


def _unpack(handle: BufferedIOBase, entry: ZipEntry) -> Iterator[bytes]:
    """Give the entry's unpacked bytes piece by piece, as far as they can be had."""
    at = data_offset(handle, entry)
    if at is None or entry.method not in {STORED, DEFLATED}:
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == DEFLATED else None
    end = at + entry.packed_bytes
    while at < end:
        handle.seek(at)
        packed = handle.read(min(PACKED_PIECE_BYTES, end - at))
        if not packed:
            return
        at += len(packed)
        if inflater is None:
            yield packed
            continue
        try:
            while packed and not inflater.eof:
                yield inflater.decompress(packed, UNPACKED_PIECE_BYTES)
                packed = inflater.unconsumed_tail
        except zlib.error:
            return
