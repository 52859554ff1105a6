"""Content decides what a file is; each kind that is not taken is refused by its own name."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO

import pytest

from ironleaf.services.files import filetypes as types
from ironleaf.services.files.filetypes import FileFormat, FileType
from ironleaf.services.files.identify import identify_stream


def identify_bytes(content: bytes, hint: FileFormat | None = None) -> FileType:
    return identify_stream(BytesIO(content), hint=hint)


def box(major: bytes, *brands: bytes) -> bytes:
    body = b"ftyp" + major + bytes(4) + b"".join(brands)
    return struct.pack(">I", len(body) + 4) + body + b"\0\0\0\x08meta"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def package(content_type: str, folder: str = "word") -> bytes:
    listed = f'<Types><Override PartName="/{folder}/main.xml" ContentType="{content_type}"/></Types>'
    return zipped({"[Content_Types].xml": listed.encode(), f"{folder}/main.xml": b"<x/>"})


def compound(*names: str) -> bytes:
    """An OLE file with one directory sector after one allocation table."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header[30:32] = struct.pack("<H", 9)
    header[48:52] = struct.pack("<I", 1)
    header[76:] = struct.pack("<I", 0) + b"\xff" * 432
    table = struct.pack("<2I", 0xFFFFFFFD, 0xFFFFFFFE).ljust(512, b"\xff")
    directory = b""
    for name in ("Root Entry", *names):
        encoded = name.encode("utf-16-le") + b"\0\0"
        directory += encoded.ljust(64, b"\0") + struct.pack("<H", len(encoded)) + bytes(62)
    return bytes(header) + table + directory.ljust(512, b"\0")


OOXML = "application/vnd.openxmlformats-officedocument."
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", types.JPEG),
        (b"\xff\xd8\0\0", types.JPEG),
        (PNG + b"\0\0\0\rIHDR", types.PNG),
        (b"RIFF\x10\0\0\0WEBPVP8 ", types.WEBP),
        (b"II*\0\x08\0\0\0", types.TIFF),
        (b"MM\0*\0\0\0\x08", types.TIFF),
        (b"II\0*\0\0\0\x08", types.TIFF),
        (b"II+\0\x08\0\0\0", types.TIFF),
        (b"MM\0+\0\x08\0\0", types.TIFF),
        (b"GIF89a\x01\0\x01\0\x80", types.GIF),
        (b"BM" + bytes(12) + struct.pack("<I", 40), types.BMP),
        (b"BM" + bytes(12) + struct.pack("<I", 124), types.BMP),
        (box(b"heic", b"mif1", b"heic"), types.HEIC),
        (box(b"mif1", b"mif1", b"heix"), types.HEIC),
        (box(b"avif", b"mif1", b"miaf"), types.AVIF),
        (box(b"mif1", b"avif"), types.AVIF),
        (b"%PDF-1.7\n", types.PDF),
        (b"\xef\xbb\xbf%PDF-1.4\n", types.PDF),
        (b"HTTP/1.1 200 OK\r\n\r\n%PDF-1.4\n", types.PDF),
        (b"1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n", types.PDF),
        (package(OOXML + "wordprocessingml.document.main+xml"), types.DOCX),
        (package("application/vnd.ms-word.document.macroEnabled.main+xml"), types.DOCX),
        (package(OOXML + "spreadsheetml.sheet.main+xml", "xl"), types.XLSX),
        (package(OOXML + "presentationml.slideshow.main+xml", "ppt"), types.PPTX),
        (package("application/unheard-of", "ppt"), types.PPTX),
        (zipped({"word\\document.xml": b"<x/>"}), types.DOCX),
        (zipped({"./word/document.xml": b"<x/>"}), types.DOCX),
        (zipped({"Word/Document.xml": b"<x/>"}), types.DOCX),
        (package(OOXML + "wordprocessingml.document.main+xml")[:200], types.DOCX),
        (b"junk before" + b"\0" * 20 + zipped({"xl/workbook.xml": b"<x/>"}), types.XLSX),
    ],
)
def test_what_is_taken_is_recognised(content: bytes, expected: FileType) -> None:
    assert identify_bytes(content) is expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped({"notes.txt": b"hello"}), "archive-not-taken"),
        (b"PK\x05\x06" + bytes(18), "archive-not-taken"),
        (b"\x1f\x8b\x08\0", "archive-not-taken"),
        (b"7z\xbc\xaf\x27\x1c", "archive-not-taken"),
        (b"Rar!\x1a\x07\x01\0", "archive-not-taken"),
        (b"name".ljust(257, b"\0") + b"ustar\0", "archive-not-taken"),
        (bytes(32_768) + b"\1CD001\1\0", "archive-not-taken"),
        (b"\x60\xea\x2c\0\x22\x0b\1\x10", "archive-not-taken"),
        (b"\x22\x8a-lh5-\x10\0\0\0", "archive-not-taken"),
        (b"\x91\x3b\x31\0\0\0\x90**ACE**\x14", "archive-not-taken"),
        (b"RE~^\x07\0\0", "archive-not-taken"),
        (b"x\xda" + bytes(700) + b"koly\0\0\0\4".ljust(512, b"\0"), "archive-not-taken"),
        (package(OOXML + "themeManager+xml", "theme"), "document-type-not-taken"),
        (b"1\xbe\0\0\0\xab\0\0", "document-type-not-taken"),
        (bytes(522) + b"\0\x11\2\xff\x0c\0", "drawing-not-taken"),
        (b"SIMPLE  =                    T / standard" + b" " * 2_000 + bytes(99), "picture-type-not-taken"),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.text"}, 0), "opendocument-not-taken"),
        (b'<?xml version="1.0"?><office:document xmlns:office="urn:x"/>', "opendocument-not-taken"),
        (zipped({"mimetype": b"application/epub+zip"}, 0), "document-type-not-taken"),
        (package("application/vnd.ms-excel.sheet.binary.macroEnabled.main", "xl"), "document-type-not-taken"),
        (zipped({"visio/document.xml": b"<x/>"}), "document-type-not-taken"),
        (zipped({"META-INF/MANIFEST.MF": b"x", "A.class": b"x"}), "executable-not-taken"),
        (compound("WordDocument"), "legacy-office-not-taken"),
        (compound("Current User", "PP40"), "legacy-office-not-taken"),
        (compound("__nameid_version1.0"), "outlook-message-not-taken"),
        (compound("PerfectOffice_MAIN"), "document-type-not-taken"),
        (zipped({"buildVersionHistory.plist": b"x", "index.xml": b"x"}), "document-type-not-taken"),
        (b"AC1021\0\0\0\0", "drawing-not-taken"),
        (compound("Workbook"), "legacy-office-not-taken"),
        (b"\t\x08\x10\0\0\x06\x05\0", "legacy-office-not-taken"),
        (compound("PowerPoint Document"), "legacy-office-not-taken"),
        (compound("EncryptionInfo", "EncryptedPackage"), "encrypted-office"),
        (compound("__properties_version1.0"), "outlook-message-not-taken"),
        (compound("Something"), "unsupported-type"),
        (
            b'<?xml version="1.0"?>\n<?mso-application progid="Word.Document"?><w:wordDocument/>',
            "legacy-office-not-taken",
        ),
        (b"{\\rtf1\\ansi hello}", "document-type-not-taken"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg-2000-not-taken"),
        (b"\xff\x4f\xff\x51\0", "jpeg-2000-not-taken"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "drawing-not-taken"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><!-- made --><!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "drawing-not-taken"),
        ("\ufeff<svg/>".encode("utf-16-le"), "drawing-not-taken"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "drawing-not-taken"),
        (b"\0\0\x01\0\x02\0\x10\x10", "picture-type-not-taken"),
        (b"8BPS\0\x01", "picture-type-not-taken"),
        (b"P6\n3 2\n255\n\0\0", "picture-type-not-taken"),
        (b"II*\0\x10\0\0\0CR\x02\0", "picture-type-not-taken"),
        (box(b"crx "), "picture-type-not-taken"),
        (b"\x08\xf2\xa6\xb6\0", "picture-type-not-taken"),
        (b"\0" * 100 + b"TRUEVISION-XFILE.\0", "picture-type-not-taken"),
        (box(b"isom", b"mp42"), "media-not-taken"),
        (b"ID3\x04\0\0", "media-not-taken"),
        (b"\xff\xfb\x90\x64", "media-not-taken"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "media-not-taken"),
        (b"\x1aE\xdf\xa3\x01\0", "media-not-taken"),
        (b"MZ\x90\0\x03\0", "executable-not-taken"),
        (b"\x7fELF\x02\x01", "executable-not-taken"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "executable-not-taken"),
        (bytes(range(256)) * 4, "unsupported-type"),
        (bytes(1_000), "unsupported-type"),
        (b"\x01", "unsupported-type"),
    ],
)
def test_what_is_not_taken_is_refused_by_its_name(content: bytes, reason: str) -> None:
    found = identify_bytes(content)
    assert found.format is None
    assert found.refusal.reason == reason


MAIL = b"Received: from a by b;\r\n\tMon, 1 Jan 2024\r\nFrom: a@example.org\r\nSubject: hello\r\n\r\nBody\r\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"<!DOCTYPE html><title>x</title>", types.HTML),
        (b"\n\n  <HTML lang=en><body>", types.HTML),
        (b"<!-- saved --><html>", types.HTML),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD"><html/>', types.HTML),
        ("<html><p>读</p>".encode("utf-16"), types.HTML),
        ("<html>".encode("utf-16-be"), types.HTML),
        (b"<p>fragment</p>", types.HTML),
        (b'<?xml version="1.0"?><article><p>not a web page</p></article>', types.TEXT),
        (MAIL, types.EML),
        (b"From a@example.org Mon Jan  1\n" + MAIL.replace(b"\r\n", b"\n"), types.EML),
        (b"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-16\n\n" + b"\0\1\2" * 99, types.EML),
        (b'Content-Type: multipart/mixed;\n boundary="a"\n\n--a\n', types.EML),
        (b"Content-Type: text/plain\n\nwords", types.TEXT),
        (b"name;age;town\nAnn;31;Rome\nBob;29;Oslo\n", types.CSV),
        (b'name,age,town\n"Li, Wei",31,"Xi\'an"\nBob,29,Oslo\n', types.CSV),
        (b"a\tb\tc\n1\t2\t3\n4\t5\t6\n", types.CSV),
        (b"Dear Ann,\nthank you, really,\nfor all of it.\n", types.TEXT),
        (b"Note: this is\nnot: a mail\n", types.TEXT),
        ("文字，没有标记。".encode(), types.TEXT),
        ("文字，没有标记。".encode("gb18030"), types.TEXT),
        ("日本語のテキスト".encode("shift_jis"), types.TEXT),
        ("Привет, мир".encode("cp1251"), types.TEXT),
        ("mark".encode("utf-32"), types.TEXT),
        (b"MAC address list\n", types.TEXT),
        (b"Get free tickets now\n", types.TEXT),
        (b"BMW and others\n", types.TEXT),
        (b"MZ,first,second\n", types.TEXT),
        (b"P1 is urgent\n", types.TEXT),
        (b"ls -lh5- is no archive\n", types.TEXT),
        ("`陶器`和`瓷器`都是容器。".encode("gb18030"), types.TEXT),
        (b"#!/bin/sh\necho hello\n", types.TEXT),
        (b'{"key": [1, 2]}', types.TEXT),
        (b"words " * 200 + b"\0\x01", types.TEXT),
        (b" \n", types.TEXT),
    ],
)
def test_texts_are_told_apart(content: bytes, expected: FileType) -> None:
    assert identify_bytes(content) is expected


def test_a_character_cut_at_the_end_of_the_head_is_still_text() -> None:
    assert identify_bytes(b"a" + "文".encode() * 30_000) is types.TEXT


@pytest.mark.parametrize(
    ("content", "hint", "expected"),
    [
        (b"one,two\n", FileFormat.CSV, types.CSV),
        (b"Hello <b>you</b>", FileFormat.HTML, types.HTML),
        (b"Hello <b>you</b>", None, types.TEXT),
        (b'<p align="center">\n# Title\n', FileFormat.TEXT, types.TEXT),
        (b"a;b;c\n1;2;3\n4;5;6\n", FileFormat.TEXT, types.TEXT),
        (b"<html><body>", FileFormat.CSV, types.HTML),
        (PNG, FileFormat.HTML, types.PNG),
        (b"%PDF-1.4", FileFormat.TEXT, types.PDF),
    ],
)
def test_a_name_decides_between_kinds_of_text_only(content: bytes, hint: FileFormat, expected: FileType) -> None:
    assert identify_bytes(content, hint) is expected


def test_a_table_of_a_million_entries_is_named_without_reading_it() -> None:
    entry = zipped({"a": b""})
    central = entry[entry.find(b"PK\x01\x02") : entry.find(b"PK\x05\x06")]
    table = central * 100_000
    end = b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 0xFFFF, 0xFFFF, len(table), 31, 0)
    assert identify_bytes(entry[:31] + table + end) is types.ZIP
