"""How files come in: as a form over the wire, from this machine's disk, or from memory.

All ways end in a `StoredFile` in the caller's spool, and hold at most a few
hundred kilobytes of the file in memory meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import BusinessError, Detail, Unit, ValidationProblem
from ironleaf.services.files.errors import FILE_TOO_LARGE, UNREADABLE_PATH, UPLOAD_STALLED
from ironleaf.services.files.limits import check_bytes, limit_reached
from ironleaf.services.files.multipart import FormReader, ReceivedForm, body_bytes_max
from ironleaf.services.files.stored import FileSink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from io import RawIOBase
    from pathlib import Path

    from ironleaf.foundation.clock import Clock
    from ironleaf.services.files.settings import FileLimits
    from ironleaf.services.files.spool import Spool
    from ironleaf.services.files.stored import StoredFile

BATCH_BYTES: Final = 256 * 1024
"""Bytes gathered before a thread parses, hashes and writes them: the hand-over (0.1 ms) is then a tenth of the work."""

WRITERS_MAX: Final = 2
"""Threads that write uploads: their own, so that uploads never hold up other work that goes to threads, and two, so
that one slow write does not hold up the rest; six were no faster (20 uploads at once, 70-80 MB/s either way)."""
_WRITERS: Final = ThreadPoolExecutor(WRITERS_MAX, thread_name_prefix="intake")


async def receive_multipart(
    chunks: AsyncIterator[bytes],
    *,
    content_type: str | None,
    content_length: int | None,
    limits: FileLimits,
    spool: Spool,
    clock: Clock,
    option_names: frozenset[str] = frozenset(),
) -> ReceivedForm:
    """Return the form whose body ``chunks`` bring, its file stored in ``spool``.

    Whatever ``chunks`` raises passes through: that is how an adapter says that
    the caller left (``client-closed``). Names in
    ``option_names`` may be named in errors; others never are.

    Raises:
        BusinessError: not-multipart, malformed-form, too-many-parts, truncated-upload, upload-stalled.
        ValidationProblem: missing-file, empty-file, duplicate-field, unexpected-file-field, option-not-text.
        LimitReached: file-too-large, option-too-long.
        StorageFailure: spool-full, storage-failed.
    """
    reader = FormReader(content_type, limits=limits, spool=spool, option_names=option_names)
    body_max = body_bytes_max(limits)
    if content_length is not None and content_length > body_max:
        raise limit_reached(FILE_TOO_LARGE, limit=limits.bytes_max, actual=content_length, unit=Unit.BYTES)
    try:
        await _read_body(_Body(chunks, limits=limits, clock=clock), reader.feed, bytes_max=body_max)
        return reader.finish()
    finally:
        reader.close()


def store_local(path: Path, *, limits: FileLimits, spool: Spool) -> StoredFile:
    """Return a copy of an ordinary file of this machine: it cannot change under the reader, nor be found by it.

    Raises:
        ValidationProblem: unreadable-path, empty-file.
        LimitReached: file-too-large, before anything is copied.
        StorageFailure: spool-full, storage-failed.
    """
    with _open_ordinary(path) as handle:
        check_bytes(os.fstat(handle.fileno()).st_size, bytes_max=limits.bytes_max)
        with FileSink(spool, limits=limits) as sink:
            _copy(handle, sink)
            return sink.finish(filename=path.name, declared_media_type=None)


def store_bytes(
    data: bytes | memoryview,
    *,
    limits: FileLimits,
    spool: Spool,
    filename: str | None = None,
    declared_media_type: str | None = None,
) -> StoredFile:
    """Return ``data`` as a stored file, for callers of the library.

    Raises:
        ValidationProblem: empty-file.
        LimitReached: file-too-large.
        StorageFailure: spool-full, storage-failed.
    """
    with FileSink(spool, limits=limits) as sink:
        sink.write(data)
        return sink.finish(filename=filename, declared_media_type=declared_media_type)


def _open_ordinary(path: Path) -> RawIOBase:
    try:
        handle = open(path, "rb", buffering=0, opener=_open_at_once)  # noqa: SIM115 - Path.open has no opener
    except (OSError, ValueError) as error:
        raise ValidationProblem(UNREADABLE_PATH) from error
    if stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
        return handle
    handle.close()
    raise ValidationProblem(UNREADABLE_PATH)


def _open_at_once(name: str, flags: int) -> int:
    # A pipe that nobody writes to would otherwise never open.
    return os.open(name, flags | os.O_NONBLOCK)


def _copy(handle: RawIOBase, sink: FileSink) -> None:
    try:
        while data := handle.read(BATCH_BYTES):
            sink.write(data)
    except OSError as error:
        raise ValidationProblem(UNREADABLE_PATH) from error


async def _read_body(body: _Body, feed: Callable[[bytes], None], *, bytes_max: int) -> None:
    patience = asyncio.timeout(None)
    try:
        async with patience:
            watcher = asyncio.create_task(body.watch(patience))
            try:
                await _feed_all(body, feed, bytes_max=bytes_max)
            finally:
                watcher.cancel()
    except TimeoutError as error:
        if patience.expired():
            raise BusinessError(UPLOAD_STALLED, details=(body.stall_detail(),)) from error
        raise


async def _feed_all(body: _Body, feed: Callable[[bytes], None], *, bytes_max: int) -> None:
    batch: list[bytes] = []
    received = batched = 0
    while (chunk := await body.next_chunk()) is not None:
        received += len(chunk)
        check_bytes(received, bytes_max=bytes_max)
        batch.append(chunk)
        batched += len(chunk)
        if batched >= BATCH_BYTES:
            await _in_thread(feed, b"".join(batch))
            batch, batched = [], 0
    await _in_thread(feed, b"".join(batch))


async def _in_thread(feed: Callable[[bytes], None], data: bytes) -> None:
    task = asyncio.get_running_loop().run_in_executor(_WRITERS, _let_out, feed, data)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        # A thread cannot be stopped, and closing the file under it would hand its descriptor's number to another.
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()
        raise


def _let_out(feed: Callable[[bytes], None], data: bytes) -> None:
    """Call ``feed``. No future can carry a StopIteration: its waiter would wait for ever."""
    try:
        feed(data)
    except StopIteration as error:
        raise RuntimeError("a stray StopIteration") from error


class _Body:
    """The chunks of a body, and for how long they have been waited for.

    Only waiting counts: a slow disk of ours is not the caller's stall.
    """

    def __init__(self, chunks: AsyncIterator[bytes], *, limits: FileLimits, clock: Clock) -> None:
        self._chunks = chunks
        self._clock = clock
        self._stall_s = limits.upload_stall_s_max
        self._whole_s = limits.upload_s_max
        self._begun_s = clock.monotonic()
        self._waiting_since_s: float | None = None

    async def next_chunk(self) -> bytes | None:
        """Return the next chunk, or None at the end."""
        self._waiting_since_s = self._clock.monotonic()
        try:
            return await anext(self._chunks, None)
        finally:
            self._waiting_since_s = None

    async def watch(self, patience: asyncio.Timeout) -> None:
        """Let ``patience`` run out at once when a chunk is overdue. One sleeper per upload, not one per chunk."""
        while (left_s := self._left_s()) > 0.0:
            await self._clock.sleep(left_s)
        patience.reschedule(asyncio.get_running_loop().time())

    def stall_detail(self) -> Detail:
        return Detail(reason=UPLOAD_STALLED.reason, limit=self._exceeded_s(), unit=Unit.SECONDS)

    def _left_s(self) -> float:
        if self._waiting_since_s is None:
            return self._stall_s
        now_s = self._clock.monotonic()
        return min(self._waiting_since_s + self._stall_s, self._begun_s + self._whole_s) - now_s

    def _exceeded_s(self) -> float:
        whole = self._clock.monotonic() - self._begun_s >= self._whole_s
        return self._whole_s if whole else self._stall_s
