"""Bombs are refused by their own reason, with the number seen and the number allowed."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from ironleaf.foundation.errors import IronleafError, Unit
from ironleaf.services.files.archives import check_archive, check_table
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.xml_scan import XmlScan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMITS = FileLimits()
SMALL = replace(LIMITS, archive_bytes_max=3_000_000, archive_ratio_grace_bytes=1_000_000, archive_entries_max=50)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def lie_about_size(content: bytes) -> bytes:
    """Declare every entry in the table to unpack to 10 bytes."""
    lying = bytearray(content)
    at = lying.find(b"PK\x01\x02")
    while at >= 0:
        lying[at + 24 : at + 28] = struct.pack("<I", 10)
        at = lying.find(b"PK\x01\x02", at + 4)
    return bytes(lying)


def overlap(content: bytes) -> bytes:
    """Let every entry of the table point at the first one's bytes."""
    overlapping = bytearray(content)
    at = overlapping.find(b"PK\x01\x02")
    while at >= 0:
        overlapping[at + 42 : at + 46] = bytes(4)
        at = overlapping.find(b"PK\x01\x02", at + 4)
    return bytes(overlapping)


def lock(content: bytes) -> bytes:
    at = content.find(b"PK\x01\x02")
    return content[: at + 8] + b"\x01" + content[at + 9 :]


def nest(depth: int) -> bytes:
    content = zipped({"leaf.xml": b"<x/>"})
    for _ in range(depth):
        content = zipped({"inner.zip": content})
    return content


def refusal(check: Callable[..., object], content: bytes, tmp_path: Path, limits: FileLimits = SMALL) -> IronleafError:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(IronleafError) as caught:
        check(path, limits=limits)
    return caught.value


RANDOM = bytes((n * n * 7 + n // 3) % 251 for n in range(40_000))


@pytest.mark.parametrize("check", [check_table, check_archive])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped({"a.xml": bytes(4_000_000)}), "archive-too-large"),
        (zipped({"a.xml": bytes(2_000_000)}), "archive-too-dense"),
        (zipped({f"{n}.xml": b"x" for n in range(51)}), "archive-too-many-entries"),
        (overlap(zipped({"a.xml": RANDOM, "b.xml": RANDOM})), "archive-overlapping"),
        (lock(zipped({"a.xml": b"x"})), "unsupported-encryption"),
        (zipped({"a.xml": b"x"})[:-22], "damaged-office"),
        (b"", "damaged-office"),
    ],
)
def test_what_the_table_confesses(check: Callable[..., object], content: bytes, reason: str, tmp_path: Path) -> None:
    assert refusal(check, content, tmp_path).entry.reason == reason


def test_the_numbers_are_said(tmp_path: Path) -> None:
    detail = refusal(check_table, zipped({"a.xml": bytes(4_000_000)}), tmp_path).details[0]
    assert (detail.limit, detail.actual, detail.unit) == (3_000_000, 4_000_000, Unit.BYTES)


def test_declared_sizes_are_not_believed(tmp_path: Path) -> None:
    bomb = lie_about_size(zipped({"a.xml": bytes(60_000_000)}))
    path = tmp_path / "file"
    path.write_bytes(bomb)
    check_table(path, limits=LIMITS)
    error = refusal(check_archive, bomb, tmp_path, LIMITS)
    assert error.entry.reason == "archive-too-dense"
    actual = error.details[0].actual
    assert actual is not None
    assert LIMITS.archive_ratio_max < actual < 2 * LIMITS.archive_ratio_max


def test_sixty_thousand_entries_are_refused_by_their_count(tmp_path: Path) -> None:
    one = zipped({"a": b""})
    central = one[one.find(b"PK\x01\x02") : one.find(b"PK\x05\x06")]
    end = b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 60_000, 60_000, len(central), 0, 0)
    error = refusal(check_table, central + end, tmp_path, LIMITS)
    assert (error.entry.reason, error.details[0].actual) == ("archive-too-many-entries", 60_000)


def test_archives_within_archives_end_somewhere(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(nest(2))
    check_archive(path, limits=LIMITS)
    error = refusal(check_archive, nest(3), tmp_path, LIMITS)
    assert (error.entry.reason, error.details[0].actual) == ("archive-nested-too-deep", 3)


@pytest.mark.parametrize("attachment", [lock(zipped({"a": b"x"})), zipped({"a": b"x"})[:-30], b"PK\x03\x04"])
def test_an_attachment_that_cannot_be_read_harms_nobody(attachment: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(zipped({"word/document.xml": b"<x/>", "word/embeddings/a.zip": attachment}))
    assert check_archive(path, limits=LIMITS).notices == ("attachments-skipped",)


def test_what_nested_archives_hold_counts(tmp_path: Path) -> None:
    inner = zipped({"a.xml": bytes(900_000)})
    error = refusal(check_archive, zipped({f"{n}.zip": inner for n in range(4)}, 0), tmp_path, SMALL)
    assert error.entry.reason in {"archive-too-large", "archive-too-dense"}


@pytest.mark.parametrize(
    "xml",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '\ufeff<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode("utf-16-le"),
        b"<a>" * 4_000,
        b"<a>" * 4_000 + b"</a>" * 4_000,
        b'<?xml version="1.0" encoding="UTF-7"?><a/>',
    ],
)
def test_xml_that_would_hurt_its_parser_is_refused(xml: bytes, tmp_path: Path) -> None:
    assert refusal(check_archive, zipped({"word/document.xml": xml}), tmp_path, LIMITS).entry.reason == "xml-bomb"


def test_an_entity_is_found_across_pieces(tmp_path: Path) -> None:
    xml = b"<a>" + b"text " * 52_428 + b"</a><!ENTITY b 'c'>"
    assert refusal(check_archive, zipped({"a.xml": xml}, 0), tmp_path, LIMITS).entry.reason == "xml-bomb"


def test_ordinary_xml_passes_however_long(tmp_path: Path) -> None:
    path = tmp_path / "file"
    row = b'<row r="1"><c t="s"><v>12</v></c><c/><is><t xml:space="preserve"> a &gt; b </t></is></row>'
    path.write_bytes(zipped({"xl/worksheets/sheet1.xml": b"<sheet>" + row * 40_000 + b"</sheet>"}))
    report = check_archive(path, limits=replace(LIMITS, archive_ratio_max=1_000))
    assert report.unpacked_bytes == len(row) * 40_000 + 15


def test_damage_in_an_entry_is_left_to_its_reader(tmp_path: Path) -> None:
    content = bytearray(zipped({"word/media/a.png": RANDOM, "word/document.xml": b"<x/>"}))
    content[60:90] = b"\xff" * 30
    path = tmp_path / "file"
    path.write_bytes(content)
    assert check_archive(path, limits=LIMITS).entries == 2


@pytest.mark.parametrize(
    ("members", "notices"),
    [
        ({"word/document.xml": b"<x/>"}, ()),
        ({"word/vbaProject.bin": b"x"}, ("active-content-ignored",)),
        ({"ppt/activeX/activeX1.xml": b"<x/>"}, ("active-content-ignored",)),
        ({"xl/embeddings/oleObject1.bin": b"x"}, ("attachments-skipped",)),
        (
            {"_rels/a.rels": b'<Relationship Type="x/attachedTemplate" Target="http://a" TargetMode="External"/>'},
            ("external-links-ignored",),
        ),
        ({"_rels/a.rels": b'<Relationship TargetMode="External" Type="x/hyperlink" Target="http://a"/>'}, ()),
    ],
)
def test_what_is_not_run_or_fetched_is_named(
    members: dict[str, bytes], notices: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(zipped(members))
    assert check_archive(path, limits=LIMITS).notices == notices


@pytest.mark.parametrize("before", [0, 100, 300, 511])
def test_nesting_is_refused_before_it_is_deep_enough_to_hurt_a_reader(before: int) -> None:
    deep = b" " * before + b"<a>" * 500 + b"</a>" * 500
    with pytest.raises(IronleafError) as caught:
        XmlScan(LIMITS).feed(deep)
    assert caught.value.entry.reason == "xml-bomb"


def test_nesting_within_the_limit_is_read() -> None:
    XmlScan(LIMITS).feed(b"<a>" * 250 + b"</a>" * 250)
