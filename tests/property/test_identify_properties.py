"""Whatever the bytes: identification answers, the archive check keeps to the catalogue, labels stay tidy."""

from __future__ import annotations

import tempfile
import unicodedata
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ironleaf.foundation.errors import IronleafError
from ironleaf.services.files.archives import check_archive, check_table
from ironleaf.services.files.errors import ENTRIES
from ironleaf.services.files.filetypes import FileFormat, FileType
from ironleaf.services.files.identify import identify_stream
from ironleaf.services.files.labels import LABEL_BYTES_MAX, clean_label, extension_of
from ironleaf.services.files.limits import NUMBER_MAX
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.signatures import SIGNATURES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LIMITS = FileLimits(archive_bytes_max=2_000_000, archive_entries_max=100)
REASONS = {entry.reason for entry in ENTRIES}


def package() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types><Override ContentType='x'/></Types>")
        archive.writestr("_rels/.rels", b"<Relationships/>")
        archive.writestr("word/document.xml", b"<a><b>text</b></a>" * 50)
    return buffer.getvalue()


PACKAGE = package()
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(22) + b"\x09\0" + bytes(16) + b"\1\0\0\0" + bytes(1500)
TEXTS = (b"<?xml version='1.0'?><!DOCTYPE a [", b"From: a\nTo: b\n", b"a,b,c\n", b"<html", b"\xff\xfe<\0", b"%PDF-")
STARTS = (b"", PACKAGE, COMPOUND, *TEXTS, *(bytes(sign.offset) + sign.magic for sign in SIGNATURES))


@st.composite
def damaged_files(draw: st.DrawFn, starts: Sequence[bytes] = STARTS) -> bytes:
    content = bytearray(draw(st.sampled_from(starts)) + draw(st.binary(max_size=300)))
    for _ in range(draw(st.integers(0, 6))):
        if content:
            at = draw(st.integers(0, len(content) - 1))
            patch = draw(st.sampled_from((b"\xff", b"\0", b"\xff" * 4, b"\xff" * 8, b"\x80", b"<", b"PK")))
            content[at : at + len(patch)] = patch
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


@settings(max_examples=400, deadline=None)
@given(content=damaged_files(), hint=st.none() | st.sampled_from(FileFormat))
@example(content=b"", hint=None)
@example(content=b"<!" * 40_000, hint=None)
@example(content=b"<!-- " * 20_000, hint=FileFormat.HTML)
def test_identification_always_answers(content: bytes, hint: FileFormat | None) -> None:
    found = identify_stream(BytesIO(content), hint=hint)
    assert isinstance(found, FileType)
    assert found.refusal.reason in REASONS
    assert identify_stream(BytesIO(content), hint=hint) is found


@settings(max_examples=250, deadline=None)
@given(content=damaged_files((PACKAGE, PACKAGE[-200:])))
def test_an_archive_is_sound_or_refused_by_the_catalogue(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "file"
        path.write_bytes(content)
        errors = [refusal(check, path) for check in (check_table, check_archive)]
    for error in errors:
        if error is not None:
            assert error.entry.reason in REASONS
            assert all((detail.actual or 0) <= NUMBER_MAX for detail in error.details)


def refusal(check: Callable[..., object], path: Path) -> IronleafError | None:
    try:
        check(path, limits=LIMITS)
    except IronleafError as error:
        return error
    return None


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=400) | st.text(alphabet="a./\\: .\0\u202eCONnul1é一", max_size=40))
@example("." + "b" * 300)
@example("a" * 300 + " .pdf")
@example("con" + " " * 300 + ".txt")
@example("./" + "一" * 200)
def test_a_label_is_tidy_and_stays_so(filename: str) -> None:
    label = clean_label(filename)
    if label is None:
        return
    assert 0 < len(label.encode()) <= LABEL_BYTES_MAX
    assert not set(label) & set('/\\<>:"|?*')
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"} for char in label)
    assert not label.startswith((".", " "))
    assert not label.endswith((".", " "))
    assert clean_label(label) == label
    assert len(extension_of(label)) < len(label)
