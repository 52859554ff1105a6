"""Every limit that can be set has an effect: each is shown with a file that it refuses, and its default takes."""

from __future__ import annotations

import io
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from tests.fixtures.bombs import gif, nested_office, office, pdf, stream, tiff, zeros
from tests.fixtures.workshop import make_workshop

from ironleaf.application.bootstrap.workers import make_decoder_limits
from ironleaf.faults import ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import IronleafError
from ironleaf.services.files.checked import check_file
from ironleaf.services.files.decoding import Decoder
from ironleaf.services.files.formats.base import DecodeLimits, OpenedInfo, OpenJob, OpenRequest, PageJob
from ironleaf.services.files.multipart import FormReader
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.spool import Spool
from ironleaf.services.files.stored import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable

MEBIBYTE = 1024 * 1024
SHOWN_ELSEWHERE = {
    "upload_stall_s_max": "test_intake: a stalled upload ends after its time",
    "upload_s_max": "test_intake: a dripping upload ends too",
}


def png(width: int, height: int) -> bytes:
    target = io.BytesIO()
    Image.new("L", (width, height), 255).save(target, "PNG")
    return target.getvalue()


def xml(body: str) -> bytes:
    return office({"word/styles.xml": f"<?xml version='1.0'?>{body}".encode()})


FILES: dict[str, tuple[int, str, Callable[[], bytes]]] = {
    "bytes_max": (100, "file-too-large", lambda: b"text " * 50),
    "pages_max": (2, "too-many-pages", lambda: pdf(stream(b"", b" "), pages=3)),
    "page_pixels_max": (5_000, "page-too-large", lambda: png(100, 100)),
    "document_pixels_max": (500, "document-too-large", lambda: tiff(10, side=10)),
    "side_pixels_max": (50, "side-too-long", lambda: png(100, 10)),
    "frames_max": (3, "too-many-frames", lambda: gif(4, side=20)),
    "archive_bytes_max": (MEBIBYTE, "archive-too-large", lambda: office({"word/a": b"\0" * (2 * MEBIBYTE)})),
    "archive_ratio_max": (5, "archive-too-dense", lambda: office({"word/a": b"\0 text" * 2_000_000})),
    "archive_ratio_grace_bytes": (0, "archive-too-dense", lambda: office({"word/a": b"\0" * MEBIBYTE})),
    "archive_entries_max": (5, "archive-too-many-entries", lambda: office({f"word/{n}": b"" for n in range(9)})),
    "archive_depth_max": (0, "archive-nested-too-deep", lambda: nested_office(1)),
    "pdf_bytes_max": (
        MEBIBYTE,
        "pdf-too-complex",
        lambda: pdf(stream(b" ", b" "), stream(b"/Filter/FlateDecode", zeros(20 * MEBIBYTE))),
    ),
    "xml_depth_max": (10, "xml-bomb", lambda: xml("<a>" * 3_000 + "</a>" * 3_000)),
    "xml_entities_max": (0, "xml-bomb", lambda: xml("<!DOCTYPE x [<!ENTITY a 'b'>]><x/>")),
}
LARGE = {"xml_entities_max": 5, "xml_depth_max": 5_000, "archive_ratio_max": 10_000}
"""What takes the file, where the default does not."""


def read(path: Path, limits: FileLimits) -> Any:
    stored = StoredFile(path=path, bytes=path.stat().st_size, sha256="0", label=None, declared_media_type=None)
    checked = check_file(stored, limits=limits)
    work: Any = make_workshop(DecodeLimits.of(limits))
    request = OpenRequest(path=path, format=checked.format.value)
    try:
        assert isinstance(work(OpenJob(file=request)), OpenedInfo)
        return work(PageJob(file=request, number=1))
    finally:
        work.close()


@pytest.mark.parametrize("name", FILES)
def test_a_limit_on_files_has_effect(name: str, tmp_path: Path) -> None:
    small, reason, make = FILES[name]
    path = tmp_path / "file"
    path.write_bytes(make())
    read(path, replace(FileLimits(), **{name: LARGE[name]} if name in LARGE else {}))
    with pytest.raises(IronleafError) as caught:
        read(path, replace(FileLimits(), **{name: small}))
    assert caught.value.entry.reason == reason


def test_the_limit_on_text_cuts_it_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"some words\n\nmore words\n")
    page = read(path, FileLimits(text_characters_max=12))
    assert page.notices == ("text-truncated",)
    assert len(page.text_layer.text.replace("\n", "")) <= 12


def feed(tmp_path: Path, limits: FileLimits, *parts: bytes) -> None:
    body = b"".join(b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n12345\r\n' % name for name in parts)
    reader = FormReader("multipart/form-data; boundary=x", limits=limits, spool=Spool(tmp_path))
    reader.feed(body + b"--x--\r\n")


@pytest.mark.parametrize(
    ("limit", "reason"), [({"parts_max": 1}, "too-many-parts"), ({"option_bytes_max": 4}, "option-too-long")]
)
def test_a_limit_on_forms_has_effect(limit: dict[str, int], reason: str, tmp_path: Path) -> None:
    feed(tmp_path, FileLimits(), b"a", b"b")
    with pytest.raises(IronleafError) as caught:
        feed(tmp_path, FileLimits(**limit), b"a", b"b")  # type: ignore[arg-type]
    assert caught.value.entry.reason == reason


@pytest.mark.anyio
async def test_the_limit_on_a_decoders_time_reaches_its_job_and_its_process() -> None:
    asked: list[float] = []

    class Runner:
        async def call(self, job: Any, *, timeout_s: float, queue_timeout_s: float | None = None) -> OpenedInfo:
            asked.append(timeout_s)
            return OpenedInfo(page_count=1)

    decoder = Decoder(Runner(), decode_s_max=7.0)
    deadline = Deadline.after(60, ManualClock())
    await decoder.open(Path("a"), "png", deadline=deadline, spool_dir=Path())
    assert asked == [7.0]
    shorter, longer = (make_decoder_limits(FileLimits(decode_s_max=seconds)).cpu_s for seconds in (7.5, 20.0))
    assert 8 <= shorter < longer


def test_the_limit_on_a_decoders_memory_reaches_its_process() -> None:
    assert make_decoder_limits(FileLimits(decode_bytes_max=123)).address_space_bytes == 123


def test_no_limit_is_without_a_test() -> None:
    shown = {*FILES, *SHOWN_ELSEWHERE, "text_characters_max", "parts_max", "option_bytes_max"}
    assert shown | {"decode_s_max", "decode_bytes_max"} == {limit.name for limit in fields(FileLimits)}
