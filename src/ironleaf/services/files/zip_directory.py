"""A zip file's table of contents, read with bounds. Nothing in it is believed to be true.

The standard library builds an object per entry, however many a hostile file
declares; this reads as many as it is asked for.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from io import BufferedIOBase

STORED: Final = 0
DEFLATED: Final = 8
ENCRYPTED_FLAG: Final = 1
LOCAL_HEADER: Final = b"PK\x03\x04"
LOCAL_HEADER_BYTES: Final = 30
_CENTRAL_HEADER: Final = b"PK\x01\x02"
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_END64_LOCATOR: Final = b"PK\x06\x07"
_END64: Final = b"PK\x06\x06"
_COMMENT_BYTES_MAX: Final = 65_535
_DIRECTORY_BYTES_MAX: Final = 8 * 1024 * 1024
"""Bytes of the directory that are read: 10,000 entries with names of 700 characters."""
_OFFSET_MAX: Final = 2**62
"""Beyond any file; larger numbers do not fit a seek."""
_FULL16: Final = 0xFFFF
_FULL32: Final = 0xFFFFFFFF
_UTF8_FLAG: Final = 0x800

_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_LOCAL_FIELDS: Final = struct.Struct("<5H3I2H")
_END_FIELDS: Final = struct.Struct("<4s4H2IH")
_END64_FIELDS: Final = struct.Struct("<4sQ2H2I4Q")


class ZipEntry(NamedTuple):
    """One line of the table: claims, all of them."""

    name: str
    """With forward slashes; some writers use the other ones."""
    flags: int
    method: int
    packed_bytes: int
    unpacked_bytes: int
    offset: int
    """Where its local header begins in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipDirectory:
    """The table of contents."""

    entries: tuple[ZipEntry, ...]
    declared_entries: int
    """How many the file says it has."""
    starts_at: int
    """Where the table begins: no entry reaches beyond."""


def read_directory(handle: BufferedIOBase, *, entries_max: int) -> ZipDirectory | None:
    """Return the table with at most ``entries_max`` of its entries, or None if there is none to be found.

    Raises nothing but OSError of the disk itself.
    """
    size = handle.seek(0, 2)
    handle.seek(max(0, size - _COMMENT_BYTES_MAX - _END_BYTES))
    tail = handle.read(_COMMENT_BYTES_MAX + _END_BYTES)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        return None
    end_at = size - len(tail) + at
    _, _, _, _, count, length, offset, _ = _END_FIELDS.unpack_from(tail, at)
    if count == _FULL16 or _FULL32 in {length, offset}:
        end_at, count, length = _read_end64(handle, tail, at, size) or (end_at, count, length)
    starts_at = end_at - length
    # Bytes before the archive shift every offset by the same amount.
    shift = max(0, starts_at - offset) if offset != _FULL32 else 0
    if starts_at < 0:
        starts_at, shift = offset, 0
    handle.seek(min(starts_at, size))
    table = handle.read(min(length, _DIRECTORY_BYTES_MAX))
    return ZipDirectory(
        entries=_parse_entries(table, shift=shift, entries_max=entries_max), declared_entries=count, starts_at=starts_at
    )


def _read_end64(handle: BufferedIOBase, tail: bytes, at: int, size: int) -> tuple[int, int, int] | None:
    locator = tail[max(0, at - 20) : at]
    if locator[:4] != _END64_LOCATOR:
        return None
    position = min(int.from_bytes(locator[8:16], "little"), size)
    handle.seek(position)
    record = handle.read(_END64_FIELDS.size)
    if len(record) < _END64_FIELDS.size or record[:4] != _END64:
        return None
    fields = _END64_FIELDS.unpack(record)
    return position, fields[7], fields[8]


def _parse_entries(table: bytes, *, shift: int, entries_max: int) -> tuple[ZipEntry, ...]:
    entries: list[ZipEntry] = []
    at = 0
    while len(entries) < entries_max and table.startswith(_CENTRAL_HEADER, at) and len(table) - at >= _CENTRAL.size:
        fields = _CENTRAL.unpack_from(table, at)
        flags, method = fields[3], fields[4]
        packed, unpacked, name_bytes, extra_bytes, comment_bytes, offset = *fields[8:13], fields[16]
        name_at = at + _CENTRAL.size
        raw_name = table[name_at : name_at + name_bytes]
        extra = table[name_at + name_bytes : name_at + name_bytes + extra_bytes]
        unpacked, packed, offset = _apply_zip64(extra, unpacked, packed, offset)
        entries.append(ZipEntry(_decode_name(raw_name, flags), flags, method, packed, unpacked, offset + shift))
        at = name_at + name_bytes + extra_bytes + comment_bytes
    return tuple(entries)


def _apply_zip64(extra: bytes, *values: int) -> tuple[int, int, int]:
    """Return size, packed size and offset with those replaced that stand in the extra field."""
    at, found = 0, b""
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1:
            found = extra[at + 4 : at + 4 + length]
        at += 4 + length
    real: list[int] = []
    for value in values:
        if value == _FULL32 and len(found) >= 8:  # noqa: PLR2004 - a 64-bit number
            real.append(int.from_bytes(found[:8], "little"))
            found = found[8:]
        else:
            real.append(value)
    unpacked, packed, offset = real
    return unpacked, packed, offset


def _decode_name(raw: bytes, flags: int) -> str:
    return raw.decode("utf-8" if flags & _UTF8_FLAG else "cp437", errors="replace").replace("\\", "/")


def data_offset(handle: BufferedIOBase, entry: ZipEntry) -> int | None:
    """Return where the entry's packed bytes begin, or None if no local header stands where the table says."""
    handle.seek(min(entry.offset, _OFFSET_MAX))
    header = handle.read(LOCAL_HEADER_BYTES)
    if len(header) < LOCAL_HEADER_BYTES or not header.startswith(LOCAL_HEADER):
        return None
    name_bytes, extra_bytes = struct.unpack_from("<2H", header, 26)
    return entry.offset + LOCAL_HEADER_BYTES + name_bytes + extra_bytes


def read_start(handle: BufferedIOBase, entry: ZipEntry, *, bytes_max: int) -> bytes:
    """Return at most the first ``bytes_max`` unpacked bytes of an entry; as many as can be had from a damaged one."""
    begins_at = data_offset(handle, entry)
    if begins_at is None or entry.method not in {STORED, DEFLATED} or entry.flags & ENCRYPTED_FLAG:
        return b""
    handle.seek(begins_at)
    packed = handle.read(min(entry.packed_bytes, bytes_max))
    if entry.method == STORED:
        return packed
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, bytes_max)
    except zlib.error:
        return b""


def entries_in_head(head: bytes, *, entries_max: int) -> tuple[ZipEntry, ...]:
    """Return the entries whose local headers stand in a zip's beginning: all there is when its table is missing."""
    entries: list[ZipEntry] = []
    at = head.find(LOCAL_HEADER)
    while at >= 0 and len(entries) < entries_max and len(head) - at >= LOCAL_HEADER_BYTES:
        _, flags, method, _, _, _, packed, unpacked, name_bytes, _ = _LOCAL_FIELDS.unpack_from(head, at + 4)
        name_at = at + LOCAL_HEADER_BYTES
        name = _decode_name(head[name_at : name_at + name_bytes], flags)
        # Writers that stream put the sizes behind the bytes, and zero here.
        entries.append(ZipEntry(name, flags, method, packed or len(head), unpacked, at))
        at = head.find(LOCAL_HEADER, at + 4)
    return tuple(entries)
