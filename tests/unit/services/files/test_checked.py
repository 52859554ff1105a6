"""The gate: content decides, claims are weighed, and only what is taken passes."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from ironleaf.foundation.errors import IronleafError
from ironleaf.services.files.checked import check_file
from ironleaf.services.files.filetypes import FileFormat
from ironleaf.services.files.intake import store_bytes
from ironleaf.services.files.second_opinion import load_libmagic
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.spool import SpoolRoot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ironleaf.services.files.spool import Spool
    from ironleaf.services.files.stored import StoredFile

LIMITS = FileLimits()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PDF = b"%PDF-1.7\n"
PAGE = b"<!doctype html><p>Not found</p>"


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with SpoolRoot(tmp_path, free_bytes_min=0) as root, root.open() as opened:
        yield opened


def store(spool: Spool, content: bytes, name: str | None = None, media_type: str | None = None) -> StoredFile:
    return store_bytes(content, limits=LIMITS, spool=spool, filename=name, declared_media_type=media_type)


@pytest.mark.parametrize(
    ("content", "name", "media_type", "file_format", "notices"),
    [
        (PNG, "a.png", "image/png", FileFormat.PNG, ()),
        (PNG, None, "application/octet-stream", FileFormat.PNG, ()),
        (PNG, "a.jpg", None, FileFormat.PNG, ("declared-type-differs",)),
        (PDF, "photo.jpg", "image/jpeg", FileFormat.PDF, ("declared-type-differs",)),
        (PNG, "notes.txt", None, FileFormat.PNG, ("declared-type-differs",)),
        (b"\n\n" + PDF, "a.pdf", None, FileFormat.PDF, ("leading-junk-skipped",)),
        (PAGE, "a.html", "text/html", FileFormat.HTML, ()),
        (PAGE, "a.txt", "text/plain", FileFormat.HTML, ()),
        (PAGE, "table.xls", None, FileFormat.HTML, ()),
        (b"one,two\n", "a.csv", "application/vnd.ms-excel", FileFormat.CSV, ()),
        (b"plain words", "unnamed", None, FileFormat.TEXT, ()),
    ],
)
def test_what_is_taken_passes_as_what_it_is(
    spool: Spool,
    content: bytes,
    name: str | None,
    media_type: str | None,
    file_format: FileFormat,
    notices: tuple[str, ...],
) -> None:
    stored = store(spool, content, name, media_type)
    checked = check_file(stored, limits=LIMITS)
    assert (checked.format, checked.notices, checked.stored) == (file_format, notices, stored)


@pytest.mark.parametrize(
    ("content", "name", "media_type", "reason"),
    [
        (PAGE, "photo.jpg", None, "type-mismatch"),
        (PAGE, None, "image/png", "type-mismatch"),
        (PAGE, "report.pdf", None, "type-mismatch"),
        (b"version https://example.org/lfs\n", "deck.pptx", None, "type-mismatch"),
        (b"#!/bin/sh\nrm -r x\n", "scan.tif", None, "type-mismatch"),
        (b"<svg/>", "a.png", None, "drawing-not-taken"),
        (b"MZ\x90\0", "a.png", None, "executable-not-taken"),
        (bytes(50), "a.pdf", None, "unsupported-type"),
    ],
)
def test_a_dangerous_contradiction_is_refused(
    spool: Spool, content: bytes, name: str | None, media_type: str | None, reason: str
) -> None:
    with pytest.raises(IronleafError) as caught:
        check_file(store(spool, content, name, media_type), limits=LIMITS)
    assert caught.value.entry.reason == reason
    allowed = caught.value.details[0].allowed
    assert allowed is not None
    assert "pdf" in allowed


def test_a_format_that_is_switched_off_is_refused(spool: Spool) -> None:
    enabled = frozenset({FileFormat.PDF})
    with pytest.raises(IronleafError) as caught:
        check_file(store(spool, PNG), limits=LIMITS, enabled=enabled)
    assert caught.value.entry.reason == "type-disabled"
    assert caught.value.details[0].allowed == ("pdf",)
    assert check_file(store(spool, PDF), limits=LIMITS, enabled=enabled).format is FileFormat.PDF


def test_a_bomb_in_an_office_file_is_refused_at_the_gate(spool: Spool) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(20_000_000))
    with pytest.raises(IronleafError) as caught:
        check_file(store(spool, buffer.getvalue()), limits=LIMITS)
    assert caught.value.entry.reason == "archive-too-dense"


def test_a_second_opinion_names_the_unknown_and_nothing_else(spool: Spool) -> None:
    asked: list[bytes] = []

    def opinion(head: bytes) -> str:
        asked.append(head)
        return "video/unheard-of"

    with pytest.raises(IronleafError) as caught:
        check_file(store(spool, bytes(50)), limits=LIMITS, second_opinion=opinion)
    assert caught.value.entry.reason == "media-not-taken"
    assert check_file(store(spool, PDF), limits=LIMITS, second_opinion=opinion).format is FileFormat.PDF
    assert asked == [bytes(50)]


@pytest.mark.parametrize("media_type", ["application/pdf", "application/octet-stream"])
def test_a_second_opinion_never_lets_a_file_in(spool: Spool, media_type: str) -> None:
    with pytest.raises(IronleafError) as caught:
        check_file(store(spool, bytes(50)), limits=LIMITS, second_opinion=lambda _: media_type)
    assert caught.value.entry.reason == "unsupported-type"


def test_a_second_opinion_that_fails_is_none(spool: Spool) -> None:
    def opinion(head: bytes) -> str:
        raise RuntimeError(head)

    with pytest.raises(IronleafError) as caught:
        check_file(store(spool, bytes(50)), limits=LIMITS, second_opinion=opinion)
    assert caught.value.entry.reason == "unsupported-type"


def test_libmagic_is_optional() -> None:
    opinion = load_libmagic()
    assert opinion is None or opinion(PNG) == "image/png"


def test_a_file_that_vanished_is_our_fault(spool: Spool) -> None:
    stored = store(spool, PNG)
    stored.path.unlink()
    with pytest.raises(IronleafError) as caught:
        check_file(stored, limits=LIMITS)
    assert caught.value.entry.reason == "storage-failed"
