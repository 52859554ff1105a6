"""Fuzzing of everything of ours that reads hostile bytes: whatever comes, the catalogue's errors come out, or nothing.

A short slice runs with the other tests. `FUZZ_S=600 python -m pytest tests/property/test_fuzz_parsers.py` is the
long run: so many seconds, shared by all targets.
"""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.bombs import CONTENT_TYPES, gif, office, pdf, stream, tiff, webp

from ironleaf.faults import ManualClock
from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.errors.protocol import MALFORMED_FORM
from ironleaf.services.files.archives import check_archive, check_table
from ironleaf.services.files.errors import ENTRIES, NOTICES
from ironleaf.services.files.formats.base import DecodeLimits, OpenedInfo, OpenJob, OpenRequest, PageInfo, PageJob
from ironleaf.services.files.formats.html import HtmlDecoder
from ironleaf.services.files.formats.image_headers import (
    count_tiff_frames,
    read_gif_head,
    read_tiff_size,
    read_webp_size,
)
from ironleaf.services.files.formats.mail import MailDecoder
from ironleaf.services.files.formats.office import OfficeDecoder
from ironleaf.services.files.formats.pdf_bombs import check_streams
from ironleaf.services.files.formats.pdf_rescue import find_missing_end
from ironleaf.services.files.formats.pdf_structure import scan_structure
from ironleaf.services.files.formats.plain import PlainDecoder
from ironleaf.services.files.identify import identify_stream
from ironleaf.services.files.intake import receive_multipart
from ironleaf.services.files.labels import clean_label
from ironleaf.services.files.ole_directory import read_names
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.spool import Spool
from ironleaf.services.files.text_trust import LayerMeasures, judge_text_layer
from ironleaf.services.files.workshop import DecodingWorkshop
from ironleaf.services.files.xml_scan import XmlScan
from ironleaf.services.files.zip_directory import data_offset, entries_in_head, read_directory, read_start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

FUZZ_S: Final = float(os.environ.get("FUZZ_S", "30"))
ROUND: Final = 20
"""Examples between two looks at the time."""
LIMITS: Final = FileLimits(archive_bytes_max=4_000_000, archive_entries_max=200, pdf_bytes_max=2_000_000)
REASONS: Final = {entry.reason for entry in (*ENTRIES, MALFORMED_FORM)}
WARNINGS: Final = {notice.reason for notice in NOTICES}
SPICES: Final = (
    *(b"\0", b"\xff", b"\x80", b"\xff" * 4, b"\xff" * 8, b"\0" * 8, b"<", b">", b"&#0;", b"&a;", b"</", b"<![CDATA["),
    *(
        b"PK\x01\x02",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"=?utf-8?B?",
        b"\r\n",
        b"--line",
        b'"',
        b",",
        b"\x1a",
        b"\xed\xa0\x80",
    ),
    *(b"stream\n", b"endstream", b"/FlateDecode", b"999999999999999999", b"-1", b"\xf0\x9f\x92\xa9", b"xml:space"),
)
W: Final = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
WORDS: Final = (
    f"<?xml version='1.0'?><w:document {W}><w:body><w:p><w:pPr><w:pStyle w:val='Heading1'/><w:numPr><w:ilvl w:val='1'/>"
    "</w:numPr></w:pPr><w:r><w:t>hello</w:t><w:br/></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p>"
    "</w:tc></w:tr></w:tbl></w:body></w:document>"
)
SHEET: Final = (
    "<worksheet><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c><c r='XFD1'><f>1+1</f><v>2</v></c></row></sheetData>"
    "<mergeCells><mergeCell ref='A1:B2'/></mergeCells></worksheet>"
)
SLIDE: Final = (
    "<p:sld xmlns:p='p' xmlns:a='a'><p:sp><p:nvPr><p:ph type='title'/></p:nvPr><p:txBody><a:p><a:pPr lvl='2'/><a:r>"
    "<a:t>Title</a:t></a:r></a:p></p:txBody></p:sp></p:sld>"
)
RELATIONS: Final = "<Relationships><Relationship Id='r1' Type='x/officeDocument' Target='{}'/></Relationships>"


def package(main: str, parts: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # stored, so that damage reaches the XML
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("_rels/.rels", RELATIONS.format(main))
        for name, text in parts.items():
            archive.writestr(name, text)
    return target.getvalue()


DOCX: Final = package(
    "word/document.xml",
    {"word/document.xml": WORDS, "word/styles.xml": f"<w:styles {W}><w:style w:styleId='Heading1'/></w:styles>"},
)
XLSX: Final = package(
    "xl/workbook.xml",
    {
        "xl/workbook.xml": "<workbook><sheets><sheet name='S' sheetId='1' x:id='r1' xmlns:x='x'/></sheets></workbook>",
        "xl/_rels/workbook.xml.rels": RELATIONS.format("worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": SHEET,
        "xl/sharedStrings.xml": "<sst><si><t>one</t></si></sst>",
        "xl/styles.xml": "<styleSheet><cellXfs><xf numFmtId='14'/></cellXfs></styleSheet>",
    },
)
PPTX: Final = package(
    "ppt/presentation.xml",
    {
        "ppt/presentation.xml": "<p xmlns:r='r'><sldIdLst><sldId id='1' r:id='r1'/></sldIdLst></p>",
        "ppt/_rels/presentation.xml.rels": RELATIONS.format("slides/slide1.xml"),
        "ppt/slides/slide1.xml": SLIDE,
    },
)
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(22) + b"\x09\0" + bytes(16) + b"\1\0\0\0" + bytes(1_500)
MAIL: Final = (
    b"From: =?utf-8?B?w6k=?= <a@b>\r\nSubject: Hi\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n"
    b"\r\n--q\r\nContent-Type: text/html; charset=gbk\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=E4=BD"
    b"</p>\r\n--q\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment\r\n\r\nxx\r\n--q--\r\n"
)
HTML: Final = b"<!doctype html><meta charset=big5><table><tr><td colspan=3>a<td>b</table><ul><li>x<pre>y</pre><script>z"
CSV: Final = b'a;b;"c ""d"""\r\n1;2;3\r\n"open\r\n'
FORM: Final = (
    b'--line\r\nContent-Disposition: form-data; name="languages"\r\n\r\nen\r\n--line\r\nContent-Disposition: '
    b'form-data; name="file"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7\r\n--line--\r\n'
)
PDF: Final = pdf(stream(b"/Filter/FlateDecode", b"x\x9c\x03\0\0\0\0\x01"), stream(b"/Filter[/Fl/Fl]", b"\0" * 40))


@st.composite
def damaged(draw: st.DrawFn, *seeds: bytes) -> bytes:
    """Draw a good file and hurt it: bytes changed, cut out, doubled, put in."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 8))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        length = draw(st.integers(0, 40))
        act = draw(st.integers(0, 4))
        spice = draw(st.sampled_from(SPICES) | st.binary(max_size=8))
        if act == 0:
            content[at : at + len(spice)] = spice
        elif act == 1:
            content[at:at] = spice
        elif act == 2:
            del content[at : at + length]
        elif act == 3:
            content[at:at] = content[at : at + length] * draw(st.integers(1, 30))
        else:
            del content[at + length * 20 :]
    return bytes(content)


class ByteFile:
    """A file on the disk that holds each example in turn."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp()) / "file"

    def write(self, content: bytes) -> Path:
        self.path.write_bytes(content or b"\0")
        return self.path


def keep_to_the_catalogue(act: Callable[[], Any]) -> None:
    caught: IronleafError | None = None
    try:
        act()
    except IronleafError as error:
        caught = error
    if caught is not None:
        assert caught.entry.reason in REASONS
        assert all(detail.actual is None or detail.actual < 2**53 for detail in caught.details)


FILE: Final = ByteFile()
DECODERS: Final = (OfficeDecoder(), HtmlDecoder(), PlainDecoder(), MailDecoder())


def decode(file_format: str, content: bytes) -> None:
    workshop = DecodingWorkshop(DECODERS, DecodeLimits.of(LIMITS))
    request = OpenRequest(path=FILE.write(content), format=file_format)
    try:
        opened = workshop(OpenJob(file=request))
        assert isinstance(opened, OpenedInfo)
        assert set(opened.notices) <= WARNINGS
        for number in range(1, min(opened.page_count, 3) + 1):
            page = workshop(PageJob(file=request, number=number))
            assert isinstance(page, PageInfo)
            assert set(page.notices) <= WARNINGS
            assert page.text_layer is not None
            page.text_layer.text.encode("utf-8", "surrogatepass")
    finally:
        workshop.close()


def read_zip(content: bytes) -> None:
    handle = io.BytesIO(content)
    directory = read_directory(handle, entries_max=50)
    for entry in (*(directory.entries if directory else ()), *entries_in_head(content, entries_max=20)):
        data_offset(handle, entry)
        assert len(read_start(handle, entry, bytes_max=1_000)) <= 1_000
    path = FILE.write(content)
    keep_to_the_catalogue(lambda: check_table(path, limits=LIMITS))
    check_archive(path, limits=LIMITS)


def scan_xml(content: bytes) -> None:
    scan = XmlScan(LIMITS)
    for at in range(0, len(content), 97):
        scan.feed(content[at : at + 97])


def read_heads(content: bytes) -> None:
    assert 0 <= count_tiff_frames(io.BytesIO(content)) <= 100_000
    read_tiff_size(io.BytesIO(content))
    read_gif_head(io.BytesIO(content))
    read_webp_size(io.BytesIO(content))


def scan_pdf(content: bytes) -> None:
    path = FILE.write(content)
    scan_structure(path)
    find_missing_end(content)
    check_streams(path, LIMITS)


def judge_text(content: bytes) -> None:
    measures = LayerMeasures(unmapped_share=len(content) % 7 / 7, hidden=len(content) % 2 == 0, outlines=len(content))
    reason = judge_text_layer(content.decode("utf-16", "surrogatepass" if len(content) % 3 else "replace"), measures)
    assert reason is None or reason in WARNINGS


def judge_any_text(content: bytes) -> None:
    try:
        judge_text(content)
    except UnicodeDecodeError:
        judge_text(content.decode("latin-1").encode("utf-16"))


def receive(content: bytes) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 61):
            yield content[at : at + 61]

    async def run(directory: Path) -> None:
        form = await receive_multipart(
            pieces(),
            content_type="multipart/form-data; boundary=line",
            content_length=None,
            limits=LIMITS,
            spool=Spool(directory),
            clock=ManualClock(),
        )
        assert form.file.bytes == form.file.path.stat().st_size

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(run(Path(directory)))


def identify(content: bytes) -> None:
    found = identify_stream(io.BytesIO(content))
    assert (found.format is None) == (found.refusal is not None and found.format is None)
    clean_label(content.decode("utf-8", "replace"))


TARGETS: Final[dict[str, tuple[Callable[[bytes], None], tuple[bytes, ...]]]] = {
    "identification": (identify, (DOCX, XLSX, OLE, MAIL, HTML, CSV, PDF, gif(2), tiff(2), webp(9, 9), b"text")),
    "intake": (receive, (FORM, FORM.replace(b"\r\n", b"\n"), FORM[:-4])),
    "zip directory": (read_zip, (DOCX, office({}), office({"word/embeddings/a.zip": office({})}))),
    "OLE directory": (lambda content: void(read_names(io.BytesIO(content))), (OLE,)),
    "XML scan": (scan_xml, (WORDS.encode(), SHEET.encode(), SLIDE.encode("utf-16"))),
    "DOCX": (lambda content: decode("docx", content), (DOCX,)),
    "XLSX": (lambda content: decode("xlsx", content), (XLSX,)),
    "PPTX": (lambda content: decode("pptx", content), (PPTX,)),
    "HTML": (lambda content: decode("html", content), (HTML, HTML.decode().encode("utf-16"))),
    "CSV": (lambda content: decode("csv", content), (CSV, CSV.replace(b";", b"\t"))),
    "mail": (lambda content: decode("eml", content), (MAIL,)),
    "text": (lambda content: decode("text", content), (b"plain text \xe4\xbd\xa0", HTML, CSV)),
    "text trust": (judge_any_text, ("plain words here 你好 ".encode("utf-16") * 9,)),
    "picture heads": (read_heads, (gif(3), tiff(3), webp(9, 9), tiff(2).replace(b"II*\0", b"II+\0"))),
    "PDF structure": (scan_pdf, (PDF,)),
}


def void(_value: object) -> None:
    """Take a value that only had to be made."""


@pytest.mark.slow
@pytest.mark.timeout(FUZZ_S + 60)
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_escapes_the_catalogue(target: str) -> None:
    act, seeds = TARGETS[target]
    ends_at_s = time.monotonic() + FUZZ_S / len(TARGETS)

    @settings(max_examples=ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(content=damaged(*seeds))
    def fuzz(content: bytes) -> None:
        keep_to_the_catalogue(lambda: act(content))

    while time.monotonic() < ends_at_s:
        fuzz()
