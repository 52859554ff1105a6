"""Signatures: the bytes at fixed places that tell what a file is.

Sources: the formats' own specifications and the WHATWG MIME sniffing standard.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from ironleaf.services.files import filetypes as types

if TYPE_CHECKING:
    from ironleaf.services.files.filetypes import FileType

PDF_HEADER_BYTES: Final = 1024
"""Bytes within which readers look for a PDF's header."""
PDF_HEADER: Final = b"%PDF-"
PRINTABLE: Final = bytes(range(0x20, 0x7F)) + b"\t\r\n\f\x1b"
PLAIN_BYTES: Final = 512
"""Bytes looked at to tell words from a signature."""


class Signature(NamedTuple):
    """Bytes at an offset."""

    magic: bytes
    type: FileType
    offset: int = 0

    @property
    def in_words(self) -> bool:
        """Whether plain text could bear it."""
        return not self.magic.translate(None, PRINTABLE)


def _each(file_type: FileType, *magics: bytes, offset: int = 0) -> tuple[Signature, ...]:
    return tuple(Signature(magic, file_type, offset) for magic in magics)


_TEXTUAL: Final[tuple[Signature, ...]] = (
    *_each(types.PDF, PDF_HEADER),
    *_each(types.RTF, b"{\\rtf"),
    *_each(types.DRAWING, b"%!PS", b"\x04%!PS"),
    *_each(types.PICTURE, b"/* XPM */", b"SIMPLE  =                    T"),  # X pixmaps, FITS
)
"""Formats that are written in characters themselves."""

SIGNATURES: Final[tuple[Signature, ...]] = (
    *_each(types.JPEG, b"\xff\xd8"),
    *_each(types.PNG, b"\x89PNG\r\n\x1a\n"),
    *_each(types.GIF, b"GIF87a", b"GIF89a"),
    # Canon's raw files are TIFF to the byte, with a mark behind: their first frame would be a thumbnail.
    *_each(types.PICTURE, b"CR\x02\x00", offset=8),
    *_each(types.TIFF, b"II*\x00", b"MM\x00*", b"MM*\x00", b"II\x00*", b"II+\x00", b"MM\x00+"),
    *_each(types.JPEG_2000, b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
    *_each(
        types.PICTURE,
        b"\x00\x00\x00\x0cJXL ",  # JPEG XL
        b"\xff\x0a",
        b"II\xbc",  # JPEG XR
        b"8BPS",  # Photoshop
        b"gimp xcf",
        b"\x8aMNG\r\n\x1a\n",
        b"\x8bJNG\r\n\x1a\n",
        b"\x76\x2f\x31\x01",  # OpenEXR
        b"DDS ",
        b"qoif",
        b"farbfeld",
        b"FLIF",
        b"BPG\xfb",
        b"icns",
        b"#?RADIANCE",
        b"#?RGBE",
        b"\x59\xa6\x6a\x95",  # Sun raster
        b"\x01\xda\x00",  # SGI
        b"\x01\xda\x01",
        b"\x08\xf2\xa6\xb6",  # libvips
        b"\xb6\xa6\xf2\x08",
        b"FUJIFILMCCD-RAW",
        b"IIRO",
        b"IIRS",
        b"MMOR",
        b"IIU\x00",
        b"FOVb",
        b"\xabKTX ",
        b"AT&TFORM",  # DjVu
        b"II\x1a\x00\x00\x00HEAPCCDR",
    ),
    *_each(types.PICTURE, b"DICM", offset=128),
    *_each(types.DRAWING, b"\xc5\xd0\xd3\xc6", b"\xd7\xcd\xc6\x9a", b"\x01\x00\x09\x00\x00\x03"),
    *_each(types.DRAWING, b"AC10"),  # AutoCAD
    *_each(types.DRAWING, b" EMF", offset=40),
    *_each(types.DRAWING, b"\x00\x11\x02\xff\x0c\x00", offset=522),  # Macintosh PICT
    # Workbooks from before the OLE container.
    *_each(
        types.LEGACY_OFFICE,
        b"\x09\x08\x10\x00",
        b"\x09\x08\x08\x00",
        b"\x09\x04\x06\x00",
        b"\x09\x02\x06\x00",
        b"\x09\x00\x04\x00",
    ),
    *_each(types.OUTLOOK, b"\x78\x9f\x3e\x22", b"!BDN"),
    *_each(types.DOCUMENT, b"\xffWPC", b"ITSF", b"\xdb\xa5-\x00\x00\x00"),  # WordPerfect, compiled help, Word 2
    *_each(types.DOCUMENT, b"1\xbe\x00\x00\x00\xab"),  # Windows Write
    *_each(types.DOCUMENT, b"BOOKMOBI", offset=60),
    *_each(
        types.ARCHIVE,
        b"\x1f\x8b",
        b"\x1f\x9d",
        b"\x1f\xa0",
        b"BZh",
        b"\xfd7zXZ\x00",
        b"\x28\xb5\x2f\xfd",
        b"\x04\x22\x4d\x18",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07",
        b"MSCF",
        b"!<arch>\n",
        b"LZIP",
        b"xar!",
        b"070701",
        b"070707",
        b"\xed\xab\xee\xdb",  # RPM
        b"RE~^",  # RAR before 1.5
        b"MSWIM\x00\x00\x00",
        b"hsqs",  # SquashFS
        b"QFI\xfb",
        b"KDMV",
        b"vhdxfile",
        b"SQLite format 3\x00",
    ),
    *_each(types.ARCHIVE, b"**ACE**", offset=7),
    *_each(types.ARCHIVE, b"\xdc\xa7\xc4\xfd", offset=20),  # ZOO
    *_each(types.ARCHIVE, b"ustar", offset=257),
    *_each(types.ARCHIVE, b"CD001", offset=32_769),  # images of discs
    *_each(
        types.EXECUTABLE,
        b"MZ",
        b"\x7fELF",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"dex\n",
        b"\x00asm",
        b"L\x00\x00\x00\x01\x14\x02\x00",  # Windows shortcut
    ),
    *_each(
        types.MEDIA,
        b"ID3",
        b"OggS",
        b"fLaC",
        b"MThd",
        b"#!AMR",
        b"\x1aE\xdf\xa3",
        b"FLV\x01",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        b"\x00\x00\x01\xba",
        b"\x00\x00\x01\xb3",
        b".snd",
        b"FWS",
        b"CWS",
        b"MAC ",
        b"wvpk",
    ),
    *_each(types.MEDIA, b"moov", b"mdat", b"wide", b"free", offset=4),
    *_each(types.UNKNOWN, b"\x89HDF\r\n\x1a\n", b"MATLAB 5.0 MAT-file", b"\x00\x01\x00\x00\x00", b"OTTO\x00", b"wOF"),
)

_RIFF: Final[dict[bytes, FileType]] = {b"WEBP": types.WEBP, b"WAVE": types.MEDIA, b"AVI ": types.MEDIA}
_HEIC_BRANDS: Final = frozenset(
    {
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"hevc",
        b"hevx",
        b"hevm",
        b"hevs",
        b"mif1",
        b"msf1",
        b"mif2",
        b"mif3",
        b"miaf",
    }
)
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_BRANDS_READ_MAX: Final = 64
_BITMAP_HEADER_BYTES: Final = range(12, 257)
"""Sizes of the second header that bitmaps have: 12 to 124, with room for damaged ones."""
_PORTABLE: Final = re.compile(rb"P[1-6]\s+[#\d]|P7\s+WIDTH|P[Ff]\s+\d")
_PAINTBRUSH: Final = re.compile(rb"\x0a[\x00\x02-\x05]\x01[\x01\x02\x04\x08]")
_OLD_ARCHIVE: Final = re.compile(rb"\x60\xea.[\x00-\x0a][\x1e-\x30]|[\x13-\xff].-l[hz][0-9sd]-", re.DOTALL)
"""ARJ with its header's two sizes; LHA, whose first byte is its header's size."""
_MPEG_LAYER_3: Final = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]")


def match_signature(head: bytes) -> FileType | None:
    """Return the type whose signature ``head`` bears, or None.

    Words that happen to be a signature ("MAC address", "get free tickets") are not
    one where plain text goes on around them.
    """
    for signature in _TEXTUAL:
        if head.startswith(signature.magic, signature.offset):
            return signature.type
    plain = not head[:PLAIN_BYTES].translate(None, PRINTABLE)
    for signature in SIGNATURES:
        if head.startswith(signature.magic, signature.offset) and not (plain and signature.in_words):
            return signature.type
    for match in (
        _match_riff,
        _match_media_box,
        _match_bitmap,
        _match_other_picture,
        _match_old_archive,
        _match_mpeg_audio,
    ):
        found = match(head)
        if found is not None:
            return found
    return None


def find_pdf_header(head: bytes) -> int:
    """Return where a PDF's header begins within the first kilobyte, or -1."""
    return head.find(PDF_HEADER, 0, PDF_HEADER_BYTES)


def _match_riff(head: bytes) -> FileType | None:
    if head[:4] in {b"RIFF", b"RIFX"} and len(head) >= 12:  # noqa: PLR2004 - tag, size, form
        return _RIFF.get(head[8:12], types.MEDIA if head[8:12] != b"CDRv" else types.DRAWING)
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return types.MEDIA
    return types.PICTURE if head[:4] == b"FORM" and head[8:12] in {b"ILBM", b"PBM "} else None


def _match_media_box(head: bytes) -> FileType | None:
    if head[4:8] != b"ftyp":
        return None
    length = min(int.from_bytes(head[:4], "big"), len(head), 16 + 4 * _BRANDS_READ_MAX)
    major = head[8:12]
    brands = {major, *(head[at : at + 4] for at in range(16, length, 4))}
    # The general brands are borne by both; only AVIF files name AVIF's.
    if brands & _AVIF_BRANDS:
        return types.AVIF
    if brands & _HEIC_BRANDS:
        return types.HEIC
    if major in {b"jp2 ", b"jpx ", b"jpm "}:
        return types.JPEG_2000
    return types.PICTURE if major in {b"crx ", b"jxl "} else types.MEDIA


def _match_bitmap(head: bytes) -> FileType | None:
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BITMAP_HEADER_BYTES:
        return types.BMP
    return types.PICTURE if head[:2] == b"BA" and head[14:16] == b"BM" else None


def _match_other_picture(head: bytes) -> FileType | None:
    icon = head[:4] in {b"\x00\x00\x01\x00", b"\x00\x00\x02\x00"} and 0 < int.from_bytes(head[4:6], "little") < 256  # noqa: PLR2004
    return types.PICTURE if icon or _PORTABLE.match(head) or _PAINTBRUSH.match(head) else None


def _match_old_archive(head: bytes) -> FileType | None:
    plain = not head[:PLAIN_BYTES].translate(None, PRINTABLE)
    return types.ARCHIVE if _OLD_ARCHIVE.match(head) and not plain else None


def _match_mpeg_audio(head: bytes) -> FileType | None:
    transport = head[:377:188] == b"GGG" and head[:4].translate(None, PRINTABLE)
    return types.MEDIA if transport or _MPEG_LAYER_3.match(head) else None
