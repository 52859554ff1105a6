"""PDF streams that unpack to far more than they are, found before the library unpacks them.

Only streams that could do harm are unpacked, to nowhere, counting: long ones, and
those packed twice. Pictures are left out: their size is bounded where they are
drawn. What is hidden better than this meets the worker's memory and time limits.
"""

from __future__ import annotations

import mmap
import re
import zlib
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import Unit
from ironleaf.services.files import errors
from ironleaf.services.files.limits import limit_reached

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ironleaf.services.files.settings import FileLimits

HARMLESS_BYTES: Final = 16 * 1024
"""Packed bytes of a stream that are not looked at: Flate packs 1,032 to 1 at most, so 16 MB come out."""
PIECE_BYTES: Final = 64 * 1024
UNPACKED_PIECE_BYTES: Final = 1024 * 1024
SAMPLE_BYTES: Final = 1024 * 1024
"""Packed bytes after which a stream of an ordinary ratio is believed: fonts and drawings are not worth unpacking."""
ORDINARY_RATIO: Final = 20
HEAD_BYTES: Final = 1_024
"""Bytes before a stream in which its dictionary is looked for."""
_STREAM: Final = re.compile(rb"stream\r?\n")
_FLATE: Final = re.compile(rb"/(?:FlateDecode|Fl)\b")
_PICTURE: Final = re.compile(rb"/Subtype\s*/Image\b")
_STRUCTURE: Final = re.compile(rb"/(?:ObjStm|XRef)\b")


def check_streams(path: Path, limits: FileLimits) -> None:
    """Refuse a PDF whose streams unpack to more than ``pdf_bytes_max``.

    Raises:
        LimitReached: pdf-too-complex, with the number of bytes at which counting stopped.
        OSError: the file cannot be read.
    """
    unpacked = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for begin, end, layers in _find_suspects(data):
            for piece_bytes in _count(data, begin, end, layers):
                unpacked += piece_bytes
                if unpacked > limits.pdf_bytes_max:
                    raise limit_reached(
                        errors.PDF_TOO_COMPLEX, limit=limits.pdf_bytes_max, actual=unpacked, unit=Unit.BYTES
                    )


def _find_suspects(data: mmap.mmap) -> Iterator[tuple[int, int, int]]:
    """Yield begin, end and number of Flate layers of the streams that are worth counting."""
    end = 0
    for mark in _STREAM.finditer(data):
        if data[mark.start() - 3 : mark.start()] == b"end":
            continue
        head = data[max(0, mark.start() - HEAD_BYTES) : mark.start()]
        head = head[head.rfind(b"obj") + 1 :]
        layers = len(_FLATE.findall(head))
        if not layers or (_PICTURE.search(head) and not _STRUCTURE.search(head)):
            continue
        if end < mark.end():  # else it is the next one still: a file may have a million beginnings and one end
            found = data.find(b"endstream", mark.end())
            end = len(data) if found < 0 else found
        if layers > 1 or end - mark.end() > HARMLESS_BYTES:
            yield mark.end(), end, layers


def _count(data: mmap.mmap, begin: int, end: int, layers: int) -> Iterator[int]:
    """Yield how many bytes come out of a stream, piece by piece; a damaged one ends early."""
    packed = unpacked = 0

    def cut() -> Iterator[bytes]:
        nonlocal packed
        while packed < end - begin:
            piece = data[begin + packed : min(begin + packed + PIECE_BYTES, end)]
            packed += len(piece)
            yield piece

    try:
        for piece in _unpack(cut(), layers):
            unpacked += len(piece)
            yield len(piece)
            if packed >= SAMPLE_BYTES and unpacked < packed * ORDINARY_RATIO:
                return
    except zlib.error:
        return


def _unpack(pieces: Iterator[bytes], layers: int) -> Iterator[bytes]:
    for _ in range(layers):
        pieces = _inflate(pieces)
    yield from pieces


def _inflate(pieces: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj()
    for piece in pieces:
        packed = piece
        while packed and not inflater.eof:
            yield inflater.decompress(packed, UNPACKED_PIECE_BYTES)
            packed = inflater.unconsumed_tail
