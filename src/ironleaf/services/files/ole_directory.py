"""The names in an OLE compound file (old Office, Outlook, locked new Office), read with bounds."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from io import BufferedIOBase

OLE_SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER_BYTES: Final = 512
_ENTRY_BYTES: Final = 128
_NAME_BYTES_MAX: Final = 64
_SECTOR_SHIFTS: Final = (9, 12)
"""512 and 4,096 bytes: the two that exist."""
_SECTORS_READ_MAX: Final = 64
"""Sectors of the directory that are read: 256 names at least, and the telling ones come first."""
_TABLES_IN_HEADER: Final = 109
_LAST_SECTOR: Final = 0xFFFFFFFA


def read_names(handle: BufferedIOBase) -> frozenset[str]:
    """Return the names of streams and storages, as many as can be had from a damaged file."""
    handle.seek(0)
    header = handle.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(OLE_SIGNATURE):
        return frozenset()
    shift = int.from_bytes(header[30:32], "little")
    if shift not in _SECTOR_SHIFTS:
        return frozenset()
    names: set[str] = set()
    sector = int.from_bytes(header[48:52], "little")
    for _ in range(_SECTORS_READ_MAX):
        names |= _names_in(_read_sector(handle, sector, shift))
        sector = _next_sector(handle, header, sector, shift)
        if sector >= _LAST_SECTOR:
            break
    return frozenset(names)


def _read_sector(handle: BufferedIOBase, sector: int, shift: int) -> bytes:
    handle.seek((sector + 1) << shift)
    return handle.read(1 << shift)


def _next_sector(handle: BufferedIOBase, header: bytes, sector: int, shift: int) -> int:
    per_table = (1 << shift) // 4
    table, place = divmod(sector, per_table)
    if table >= _TABLES_IN_HEADER:
        return _LAST_SECTOR
    (table_sector,) = struct.unpack_from("<I", header, 76 + 4 * table)
    if table_sector >= _LAST_SECTOR:
        return _LAST_SECTOR
    cell = _read_sector(handle, table_sector, shift)[4 * place : 4 * place + 4]
    return int.from_bytes(cell, "little") if len(cell) == 4 else _LAST_SECTOR  # noqa: PLR2004 - a 32-bit number


def _names_in(sector: bytes) -> set[str]:
    names: set[str] = set()
    for at in range(0, len(sector) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        length = int.from_bytes(sector[at + 64 : at + 66], "little")
        if 2 <= length <= _NAME_BYTES_MAX:  # noqa: PLR2004 - the closing zero is counted
            names.add(sector[at : at + length - 2].decode("utf-16-le", errors="replace"))
    return names
