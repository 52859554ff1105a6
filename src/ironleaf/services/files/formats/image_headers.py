"""Heads of picture files, read by hand where a library would allocate or walk too far to tell us."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAMES_COUNTED_MAX: Final = 100_000
"""Counting stops here: past every limit that anyone would set, and still under a second."""

_TIFF_BYTE_ORDERS: Final = {b"II": "<", b"MM": ">"}
_TIFF_BIG: Final = 43
_TIFF_WIDTH: Final = 256
_TIFF_HEIGHT: Final = 257
_TIFF_SHORT: Final = 3
_TIFF_LONG8: Final = 16


@dataclass(frozen=True, slots=True)
class _TiffLayout:
    order: str
    count_format: str
    entry_bytes: int
    offset_format: str
    value_place: int
    """Where an entry's value begins."""

    def read(self, file: BinaryIO, code: str) -> int:
        pattern = self.order + code
        data = file.read(struct.calcsize(pattern))
        return int(struct.unpack(pattern, data)[0])


def _open_tiff(file: BinaryIO) -> tuple[_TiffLayout, int]:
    head = file.read(4)
    order = _TIFF_BYTE_ORDERS.get(head[:2], "<")
    (version,) = struct.unpack(order + "H", head[2:4])
    if version == _TIFF_BIG:
        layout = _TiffLayout(order, "Q", 20, "Q", 12)
        file.seek(8)
    else:
        layout = _TiffLayout(order, "H", 12, "I", 8)
    return layout, layout.read(file, layout.offset_format)


def _walk_tiff(file: BinaryIO) -> Iterator[tuple[_TiffLayout, int]]:
    """Yield the layout and the number of entries of each directory; the file stands at the first entry."""
    layout, offset = _open_tiff(file)
    seen: set[int] = set()
    while offset and offset not in seen and len(seen) < FRAMES_COUNTED_MAX:
        seen.add(offset)
        file.seek(offset)
        entries = layout.read(file, layout.count_format)
        start = file.tell()
        yield layout, entries
        file.seek(start + entries * layout.entry_bytes)
        offset = layout.read(file, layout.offset_format)


def count_tiff_frames(file: BinaryIO) -> int:
    """Return the number of image directories that can be reached; a chain that breaks or loops ends there."""
    count = 0
    try:
        for _ in _walk_tiff(file):
            count += 1
    except (struct.error, OSError, OverflowError, ValueError):
        return count
    return count


def read_tiff_size(file: BinaryIO) -> tuple[int, int] | None:
    """Return the first image's declared width and height, if the directory names both."""
    try:
        layout, entries = next(_walk_tiff(file))
        sides: dict[int, int] = {}
        for _ in range(min(entries, 1_000)):
            entry = file.read(layout.entry_bytes)
            tag, kind = struct.unpack_from(layout.order + "HH", entry)
            if tag in {_TIFF_WIDTH, _TIFF_HEIGHT}:
                code = {_TIFF_SHORT: "H", _TIFF_LONG8: "Q"}.get(kind, "I")
                sides[tag] = struct.unpack_from(layout.order + code, entry, layout.value_place)[0]
        return sides[_TIFF_WIDTH], sides[_TIFF_HEIGHT]
    except (struct.error, OSError, OverflowError, ValueError, KeyError, StopIteration):
        return None


@dataclass(frozen=True, slots=True)
class GifHead:
    """What a GIF's blocks say before anything is unpacked."""

    frames: int
    width_px: int
    height_px: int
    """Of the canvas, grown to hold every frame: decoders grow it so."""


def _skip_gif_blocks(file: BinaryIO) -> None:
    while (size := file.read(1)) not in {b"", b"\0"}:
        file.seek(size[0], 1)


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def read_gif_head(file: BinaryIO) -> GifHead:
    """Return the number of frames and the size of the canvas; a file that ends early counts as far as it goes."""
    frames = 0
    width = height = 0
    try:
        width, height, flags = struct.unpack("<6xHHBxx", file.read(13))
        _skip_colours(file, flags)
        while frames < FRAMES_COUNTED_MAX:
            kind = file.read(1)
            if kind == b"!":
                file.seek(1, 1)
            elif kind == b",":
                left, top, wide, high, flags = struct.unpack("<HHHHB", file.read(9))
                width, height = max(width, left + wide), max(height, top + high)
                frames += 1
                _skip_colours(file, flags)
                file.seek(1, 1)
            elif kind in {b"", b";"}:
                break
            else:
                continue  # stray bytes between blocks: decoders pass over them too
            _skip_gif_blocks(file)
    except struct.error:
        pass
    return GifHead(frames=frames, width_px=width, height_px=height)


def read_webp_size(file: BinaryIO) -> tuple[int, int] | None:
    """Return the canvas of a WebP file, if its first chunk tells it."""
    head = file.read(30)
    kind, body = head[12:16], head[20:]
    if len(body) < 10:  # noqa: PLR2004  # the longest of the three heads below
        return None
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None
