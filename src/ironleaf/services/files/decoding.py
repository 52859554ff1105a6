"""The service's side of the pipe: files opened and pages drawn in worker processes, failures put in our own words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from ironleaf.document import ImageEncoding, PageImage, PageSource, RenderSpec
from ironleaf.foundation.errors import Detail, Entry, ProcessingFailure, Unit
from ironleaf.foundation.errors.protocol import SERVICE_BUSY
from ironleaf.foundation.processes import JobFailed, LossReason, PoolBusy, PoolFailure, WorkerLost
from ironleaf.services.files import errors
from ironleaf.services.files.formats.base import (
    Job,
    OpenedInfo,
    OpenJob,
    OpenRequest,
    Outcome,
    PageInfo,
    PageJob,
    RenderedPage,
    RenderJob,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ironleaf.foundation.clock import Deadline

DECODE_S_MAX: Final = 30.0
"""Seconds for one job, however much time the caller has left."""
RETRY_AFTER_S: Final = 1.0
"""When no decoder was free in time: a page takes a quarter of that."""
JOB_S_MIN: Final = 0.05
"""A job is not begun with less: it could only be killed."""

_SUFFIXES: Final = {ImageEncoding.RAW_RGB: "npy", ImageEncoding.JPEG: "jpg", ImageEncoding.PNG: "png"}
_LOSSES: Final[dict[LossReason, Entry]] = {
    LossReason.TIMEOUT: errors.DECODER_TIMEOUT,
    LossReason.CPU: errors.DECODER_TIMEOUT,
    LossReason.MEMORY: errors.DECODER_MEMORY,
    LossReason.CRASH: errors.DECODER_FAILED,
    LossReason.OUTPUT: errors.DECODER_FAILED,
    LossReason.START: errors.DECODERS_UNAVAILABLE,
}
Expected = TypeVar("Expected", bound=Outcome)


class JobRunner(Protocol):
    """Runs a job somewhere else: a pool of worker processes, or in tests the workshop itself."""

    async def call(self, job: Job, *, timeout_s: float, queue_timeout_s: float | None = None) -> Outcome: ...


@dataclass(slots=True, kw_only=True)
class OpenedDocument:
    """A file whose pages can be asked for, one by one: what it holds does not grow with their number."""

    page_count: int
    notices: tuple[str, ...]
    """Reasons of warnings about the file as a whole."""
    _decoder: Decoder = field(repr=False)
    _request: OpenRequest = field(repr=False)
    _deadline: Deadline = field(repr=False)
    _spool_dir: Path = field(repr=False)
    _page_notices: dict[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]], repr=False)
    _serial: itertools.count[int] = field(default_factory=itertools.count, repr=False)

    async def page(self, number: int) -> PageSource:
        """Return what is known of a page without drawing it, with its text layer if it has one.

        Raises:
            IronleafError: of the files' catalogue: the page is too large or damaged,
                or it broke its decoder.
        """
        info = await self._decoder.run(PageJob(file=self._request, number=number), self._deadline, PageInfo)
        self._remember(number, info.notices)
        source = PageSource(
            number=number,
            width_px=info.width_px,
            height_px=info.height_px,
            rotation_deg=info.rotation_deg,
            text_layer=info.text_layer,
            has_image=info.has_image,
            warnings=info.notices,
        )
        return replace(source, render=partial(self._render, number)) if info.has_image else source

    def warnings_of(self, number: int) -> tuple[str, ...]:
        """Return the reasons of warnings about a page so far: drawing it adds what had to be mended."""
        return self._page_notices.get(number, ())

    async def _render(self, number: int, spec: RenderSpec) -> PageImage:
        target = self._spool_dir / f"page-{number}-{next(self._serial)}.{_SUFFIXES[spec.encoding]}"
        job = RenderJob(file=self._request, number=number, spec=spec, target=target)
        try:
            rendered = await self._decoder.run(job, self._deadline, RenderedPage)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        self._remember(number, rendered.notices)
        return replace(rendered.image, spooled=True)

    def _remember(self, number: int, notices: tuple[str, ...]) -> None:
        if notices:
            known = self._page_notices.get(number, ())
            self._page_notices[number] = tuple(dict.fromkeys(known + notices))


class Decoder:
    """Opens files by way of a runner.

    Promises: whatever happens behind the runner, callers see errors of the files'
    catalogue. That a time, a memory limit or a crash was the end stands in the
    entry and, in detail, in the private context.
    """

    def __init__(self, runner: JobRunner, *, decode_s_max: float = DECODE_S_MAX) -> None:
        self._runner = runner
        self._decode_s_max = decode_s_max

    async def open(
        self,
        path: Path,
        file_format: str,
        *,
        deadline: Deadline,
        spool_dir: Path,
        password: str | None = None,
        whole: bool = True,
        pictures: bool = False,
    ) -> OpenedDocument:
        """Return the opened file; nothing of it is drawn yet.

        ``whole``: all pages are wanted, so the limits on their number hold. Without
        it the caller counts the pages it asks for. ``pictures``: those inside a file of
        text are pages, too. Drawn pages go to ``spool_dir``.

        Raises:
            IronleafError: of the files' catalogue: damaged, locked, too many pages or
                frames, too large, or it broke its decoder.
        """
        request = OpenRequest(path=path, format=str(file_format), password=password, whole=whole, pictures=pictures)
        info = await self.run(OpenJob(file=request), deadline, OpenedInfo)
        return OpenedDocument(
            page_count=info.page_count,
            notices=info.notices,
            _decoder=self,
            _request=request,
            _deadline=deadline,
            _spool_dir=spool_dir,
        )

    async def run(self, job: Job, deadline: Deadline, kind: type[Expected]) -> Expected:
        """Run one job within the deadline and this decoder's own limit, whichever ends first."""
        page = None if isinstance(job, OpenJob) else job.number
        left_s = deadline.remaining_s()
        timeout_s = max(JOB_S_MIN, min(left_s, self._decode_s_max))
        try:
            outcome = await self._runner.call(job, timeout_s=timeout_s, queue_timeout_s=max(JOB_S_MIN, left_s))
        except PoolFailure as failure:
            raise translate_pool_failure(failure, page=page, limit_s=timeout_s) from failure
        if not isinstance(outcome, kind):
            raise ProcessingFailure(errors.DECODER_FAILED, context={"outcome": type(outcome).__name__})
        return outcome


def translate_pool_failure(failure: PoolFailure, *, page: int | None, limit_s: float) -> ProcessingFailure:
    """Return the catalogue's error for a job that its pool could not finish."""
    context: dict[str, object] = {"pool_failure": type(failure).__name__}
    entry = errors.DECODER_FAILED
    retry_after_s = None
    if isinstance(failure, WorkerLost):
        entry = _LOSSES[failure.reason]
        context |= {"loss": str(failure.reason), "exit_code": failure.exit_code, "noise": failure.private_noise}
    elif isinstance(failure, JobFailed):
        context |= {"exception": failure.exception_type, "stack": failure.private_stack}
    elif isinstance(failure, PoolBusy):
        entry, retry_after_s = SERVICE_BUSY, RETRY_AFTER_S
        context |= {"busy": str(failure.reason)}
    timed_out = entry is errors.DECODER_TIMEOUT
    detail = Detail(
        reason=entry.reason,
        page=page,
        limit=round(limit_s, 1) if timed_out else None,
        unit=Unit.SECONDS if timed_out else None,
    )
    details = (detail,) if page is not None or timed_out else ()
    return ProcessingFailure(entry, details=details, retry_after_s=retry_after_s, context=context)
