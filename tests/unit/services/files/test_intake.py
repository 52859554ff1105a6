"""Files come in whole or not at all, in bounded memory, and nothing of a form is ever repeated to its sender."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ironleaf.faults.clock import ManualClock
from ironleaf.foundation.errors import BusinessError, IronleafError, StorageFailure, make_problem
from ironleaf.foundation.errors.protocol import CLIENT_CLOSED
from ironleaf.services.files.intake import receive_multipart, store_bytes, store_local
from ironleaf.services.files.multipart import FormReader
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.spool import Spool, SpoolRoot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from ironleaf.services.files.multipart import ReceivedForm

pytestmark = pytest.mark.anyio

LIMITS = FileLimits()
FORM = "multipart/form-data; boundary=line"
FILE = b'Content-Disposition: form-data; name="file"; filename="scan.pdf"\r\nContent-Type: application/pdf'


def option(name: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"'.encode()


def form(*parts: tuple[bytes, bytes]) -> bytes:
    return b"".join(b"--line\r\n" + head + b"\r\n\r\n" + body + b"\r\n" for head, body in parts) + b"--line--\r\n"


async def pieces(body: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with SpoolRoot(tmp_path / "spool", free_bytes_min=0) as root, root.open() as opened:
        yield opened


async def receive(
    body: bytes | AsyncIterator[bytes],
    spool: Spool,
    *,
    content_type: str | None = FORM,
    content_length: int | None = None,
    limits: FileLimits = LIMITS,
    clock: ManualClock | None = None,
) -> ReceivedForm:
    return await receive_multipart(
        pieces(body) if isinstance(body, bytes) else body,
        content_type=content_type,
        content_length=content_length,
        limits=limits,
        spool=spool,
        clock=clock or ManualClock(),
        option_names=frozenset({"engine"}),
    )


async def refusal(body: bytes | AsyncIterator[bytes], spool: Spool, **more: object) -> IronleafError:
    with pytest.raises(IronleafError) as caught:
        await receive(body, spool, **more)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize("size", [1, 7, 65_536, 2**20])
async def test_a_form_is_received_however_it_is_cut(spool: Spool, size: int) -> None:
    content = os.urandom(3_000) + b"\r\n--lin" + b"\r\n--line\n" + b"end"
    body = form((option("engine"), b"auto"), (FILE, content), (option("prompt"), "读出文字".encode()))
    received = await receive(pieces(body, size), spool)
    assert received.options == {"engine": "auto", "prompt": "读出文字"}
    stored = received.file
    assert stored.path.read_bytes() == content
    assert stored.path.parent == spool.directory
    assert stored.bytes == len(content)
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert (stored.label, stored.declared_media_type) == ("scan.pdf", "application/pdf")


@pytest.mark.parametrize(
    ("head", "label", "media_type"),
    [
        (b'Content-Disposition: form-data; name="file"; filename="../../a\xe2\x80\xaeb.png"', "ab.png", None),
        (b'content-disposition: form-data; name=file; filename=""\r\nCONTENT-TYPE: Image/PNG; q=1', None, "image/png"),
        (b'Content-Disposition: form-data; name="file"\r\nContent-Type: image/png', None, "image/png"),
        (b'Content-Disposition: form-data; name="file"; filename="\xff.pdf"', "\ufffd.pdf", None),
    ],
)
async def test_a_file_part_needs_little(spool: Spool, head: bytes, label: str | None, media_type: str | None) -> None:
    stored = (await receive(form((head, b"x")), spool)).file
    assert (stored.label, stored.declared_media_type) == (label, media_type)


async def test_what_follows_the_end_of_a_form_is_ignored(spool: Spool) -> None:
    received = await receive(form((FILE, b"x")) + b"epilogue", spool)
    assert received.file.bytes == 1


CANARY = b"canary-0d1f"
WITH_CANARY = b'Content-Disposition: form-data; name="' + CANARY + b'"'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "missing-file"),
        (b"--line--\r\n", "missing-file"),
        (form((option("engine"), b"auto")), "missing-file"),
        (form((option("file"), CANARY)), "missing-file"),
        (form((b'Content-Disposition: form-data; name="file"; filename=""', b"")), "missing-file"),
        (form((FILE, b"")), "empty-file"),
        (form((FILE, b"x"), (FILE, b"y")), "duplicate-field"),
        (form((WITH_CANARY, b"1"), (WITH_CANARY, b"2"), (FILE, b"x")), "duplicate-field"),
        (form((WITH_CANARY + b"; filename=x", b"y")), "unexpected-file-field"),
        (form((WITH_CANARY, b"\xff\xfe"), (FILE, b"x")), "option-not-text"),
        (form((WITH_CANARY, b"x" * 20_000), (FILE, b"x")), "option-too-long"),
        (form((option("canary" * 20), b"x"), (FILE, b"x")), "option-too-long"),
        (form(*((option(f"o{n}"), b"") for n in range(40))), "too-many-parts"),
        (form((b"Content-Disposition: attachment; name=file", b"x")), "malformed-form"),
        (form((b"X-Nothing: here", b"x")), "malformed-form"),
        (form((FILE + b"\r\nContent-Transfer-Encoding: base64", b"eA==")), "malformed-form"),
        (form((FILE + b"\r\nX-Long: " + CANARY * 2_000, b"x")), "malformed-form"),
        (form((b"bad header \x00", b"x")), "malformed-form"),
        (CANARY + form((FILE, b"x")), "malformed-form"),
        (form((FILE, b"content"))[:-8], "truncated-upload"),
        (b"--line\r\n" + FILE, "truncated-upload"),
    ],
)
@pytest.mark.parametrize("size", [3, 65_536])
async def test_a_wrong_form_is_refused_by_its_reason(spool: Spool, body: bytes, reason: str, size: int) -> None:
    error = await refusal(pieces(body, size), spool)
    assert error.entry.reason == reason
    assert "canary" not in repr(make_problem(error.entry, details=error.details))
    assert reason != "missing-file" or error.details[0].field == "file"


@pytest.mark.parametrize(
    ("content_type", "reason"),
    [
        (None, "not-multipart"),
        ("application/pdf", "not-multipart"),
        ("multipart/mixed; boundary=line", "not-multipart"),
        ("multipart/form-data", "malformed-form"),
        ("multipart/form-data; boundary=", "malformed-form"),
        ("multipart/form-data; boundary=" + "b" * 5_000, "malformed-form"),
        ("multipart/form-data; boundary=长", "malformed-form"),
    ],
)
async def test_a_body_of_another_kind_is_refused(spool: Spool, content_type: str | None, reason: str) -> None:
    error = await refusal(form((FILE, b"x")), spool, content_type=content_type)
    assert error.entry.reason == reason


async def test_a_known_option_is_named_in_its_refusal(spool: Spool) -> None:
    error = await refusal(form((option("engine"), b"a"), (option("engine"), b"b")), spool)
    assert error.details[0].field == "engine"


async def test_the_limit_is_enforced_while_reading(spool: Spool) -> None:
    seen = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal seen
        yield b"--line\r\n" + FILE + b"\r\n\r\n"
        while True:
            seen += 65_536
            yield bytes(65_536)

    error = await refusal(endless(), spool, limits=replace(LIMITS, bytes_max=1_000_000))
    assert error.entry.reason == "file-too-large"
    assert error.details[0].limit == 1_000_000
    assert seen < 3_000_000


async def test_a_declared_length_over_the_limit_is_refused_unread(spool: Spool) -> None:
    async def untouched() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    error = await refusal(untouched(), spool, content_length=10**12)
    assert (error.entry.reason, error.details[0].actual) == ("file-too-large", 10**12)


async def test_a_file_of_exactly_the_limit_is_taken(spool: Spool) -> None:
    limits = replace(LIMITS, bytes_max=1_000)
    assert (await receive(form((FILE, bytes(1_000))), spool, limits=limits)).file.bytes == 1_000
    assert (await refusal(form((FILE, bytes(1_001))), spool, limits=limits)).entry.reason == "file-too-large"


async def test_a_stalled_upload_ends_after_its_time(spool: Spool) -> None:
    clock = ManualClock()

    async def stalling() -> AsyncIterator[bytes]:
        yield b"--line\r\n" + FILE
        await clock.sleep(20.0)
        yield b"\r\n\r\nsome"
        await clock.sleep(10**6)

    receiving = asyncio.create_task(refusal(stalling(), spool, clock=clock))
    await clock.run_for(20.0 + LIMITS.upload_stall_s_max - 0.5)
    assert not receiving.done()
    await clock.run_for(1.0)
    error = await receiving
    assert (error.entry.reason, error.details[0].limit) == ("upload-stalled", LIMITS.upload_stall_s_max)


async def test_a_dripping_upload_ends_too(spool: Spool) -> None:
    clock = ManualClock()

    async def dripping() -> AsyncIterator[bytes]:
        yield b"--line\r\n" + FILE + b"\r\n\r\n"
        while True:
            await clock.sleep(25.0)
            yield b"."

    receiving = asyncio.create_task(refusal(dripping(), spool, clock=clock))
    await clock.run_for(LIMITS.upload_s_max - 1.0)
    assert not receiving.done()
    await clock.run_for(2.0)
    assert (await receiving).entry.reason == "upload-stalled"


async def test_a_caller_who_leaves_ends_it_at_once(spool: Spool) -> None:
    async def leaving() -> AsyncIterator[bytes]:
        yield b"--line\r\n" + FILE + b"\r\n\r\n"
        raise BusinessError(CLIENT_CLOSED)

    assert (await refusal(leaving(), spool)).entry is CLIENT_CLOSED


async def test_a_stray_stop_of_an_iteration_in_a_writing_thread_does_not_hang(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_reader: object, _data: bytes) -> None:
        raise StopIteration

    monkeypatch.setattr(FormReader, "feed", stop)
    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="stray StopIteration"):
            await receive(form((FILE, b"x")), spool)


async def test_a_time_out_of_the_transport_is_not_called_a_stall(spool: Spool) -> None:
    async def broken() -> AsyncIterator[bytes]:
        raise TimeoutError
        yield b""

    with pytest.raises(TimeoutError):
        await receive(broken(), spool)


async def test_cancelling_leaves_no_handle_open(spool: Spool) -> None:
    never = asyncio.Event()

    async def waiting() -> AsyncIterator[bytes]:
        yield b"--line\r\n" + FILE + b"\r\n\r\n" + bytes(400_000)
        never.set()
        await asyncio.Event().wait()

    before = open_descriptors()
    receiving = asyncio.create_task(receive(waiting(), spool))
    await never.wait()
    assert open_descriptors() == before + 1
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    assert open_descriptors() == before


async def test_a_refusal_leaves_no_handle_open(spool: Spool) -> None:
    before = open_descriptors()
    await refusal(form((FILE, b"x"), (FILE, b"y")), spool)
    assert open_descriptors() == before


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - not a folder of files


async def test_a_disk_that_fails_is_our_fault(spool: Spool) -> None:
    spool.close()
    error = await refusal(form((FILE, b"x")), spool)
    assert isinstance(error, StorageFailure)


def test_a_local_file_is_copied(spool: Spool, tmp_path: Path) -> None:
    source = tmp_path / "page \u202e1.png"
    source.write_bytes(b"content")
    stored = store_local(source, limits=LIMITS, spool=spool)
    source.write_bytes(b"changed")
    assert stored.path.read_bytes() == b"content"
    assert (stored.label, stored.bytes) == ("page 1.png", 7)
    assert stored.sha256 == hashlib.sha256(b"content").hexdigest()


def test_what_is_no_ordinary_file_is_refused(spool: Spool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = open_descriptors()
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "nothing", tmp_path / "a\0b"):
        with pytest.raises(IronleafError) as caught:
            store_local(path, limits=LIMITS, spool=spool)
        assert caught.value.entry.reason == "unreadable-path"
        assert open_descriptors() == before


def test_a_large_local_file_is_refused_uncopied(spool: Spool, tmp_path: Path) -> None:
    source = tmp_path / "large"
    with source.open("wb") as handle:
        handle.truncate(LIMITS.bytes_max + 1)
    with pytest.raises(IronleafError) as caught:
        store_local(source, limits=LIMITS, spool=spool)
    assert caught.value.entry.reason == "file-too-large"
    assert list(spool.directory.iterdir()) == []


def test_bytes_are_stored(spool: Spool) -> None:
    stored = store_bytes(b"content", limits=LIMITS, spool=spool, filename="a/b.txt", declared_media_type="text/plain")
    assert (stored.path.read_bytes(), stored.label) == (b"content", "b.txt")
    with pytest.raises(IronleafError) as caught:
        store_bytes(b"", limits=LIMITS, spool=spool)
    assert caught.value.entry.reason == "empty-file"
