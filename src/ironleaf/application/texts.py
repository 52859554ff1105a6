"""Long texts are cleaned and put together in a worker process: the event loop only ever handles short ones.

Cleaning a million characters takes a quarter of a second, and a caller may send
forty times that: in the service's own process everybody else would wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from ironleaf.application.assembly import assemble_pages
from ironleaf.application.options import OutputFormat
from ironleaf.application.quality import clean_result
from ironleaf.document import Page, PageResult
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.processes import PoolFailure
from ironleaf.services.files.decoding import translate_pool_failure

INLINE_CHARACTERS_MAX: Final = 20_000
"""Five dense pages: about 7 ms at worst, less than handing them over and back costs under load."""
TEXT_S_MAX: Final = 30.0
"""Seconds for one job, however much time the caller has left."""
TEXT_S_MIN: Final = 5.0
"""Pages that were read before the deadline are still put together after it; no honest text takes as long."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanJob:
    """Clean what an engine read."""

    result: PageResult


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembleJob:
    """Put a document's pages together."""

    pages: tuple[Page, ...]
    output_format: OutputFormat


TextJob = CleanJob | AssembleJob


def do_text_job(job: TextJob) -> PageResult | str:
    """Do one job; runs in a worker process, and in this one where the text is short."""
    if isinstance(job, CleanJob):
        return clean_result(job.result)
    return assemble_pages(job.pages, job.output_format)


class TextRunner(Protocol):
    """A pool of worker processes that take text jobs too."""

    async def call(self, job: TextJob, *, timeout_s: float, queue_timeout_s: float | None = None) -> PageResult | str:
        """Run the job; see `ironleaf.foundation.processes.WorkerPool.call`."""
        ...


class TextDesk:
    """Cleans and assembles, here or in a worker, depending on how much there is."""

    def __init__(self, runner: TextRunner) -> None:
        self._runner = runner

    async def clean(self, result: PageResult, deadline: Deadline) -> PageResult:
        """Return the reading with its text cleaned.

        Raises:
            ProcessingFailure: the worker that cleaned it broke or took too long.
        """
        characters = len(result.text) + sum(len(block.text) for block in result.blocks)
        return await self._do(CleanJob(result=result), characters, deadline, PageResult)

    async def assemble(self, pages: tuple[Page, ...], output_format: OutputFormat, deadline: Deadline) -> str:
        """Return the document's text in one format; nothing for ``json``.

        Raises:
            ProcessingFailure: the worker that put it together broke or took too long.
        """
        characters = sum(len(page.text) for page in pages)
        return await self._do(AssembleJob(pages=pages, output_format=output_format), characters, deadline, str)

    async def _do(self, job: TextJob, characters: int, deadline: Deadline, kind: type[T]) -> T:
        if characters <= INLINE_CHARACTERS_MAX:
            done = do_text_job(job)
        else:
            timeout_s = min(TEXT_S_MAX, max(TEXT_S_MIN, deadline.remaining_s()))
            try:
                done = await self._runner.call(job, timeout_s=timeout_s, queue_timeout_s=timeout_s)
            except PoolFailure as failure:
                raise translate_pool_failure(failure, page=None, limit_s=timeout_s) from failure
        if not isinstance(done, kind):
            raise TypeError(type(done).__name__)
        return done
