"""Long texts never pass through the event loop's process; short ones never leave it."""

from __future__ import annotations

from typing import Any

import pytest

from ironleaf.application.options import OutputFormat
from ironleaf.application.texts import INLINE_CHARACTERS_MAX, AssembleJob, CleanJob, TextDesk, do_text_job
from ironleaf.document import EngineName, PageResult
from ironleaf.faults import ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import ProcessingFailure
from ironleaf.foundation.processes import LossReason, WorkerLost

pytestmark = pytest.mark.anyio


class Pool:
    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.calls: list[tuple[object, float]] = []

    async def call(self, job: Any, *, timeout_s: float, queue_timeout_s: float | None = None) -> Any:
        self.calls.append((job, timeout_s))
        if self.failure is not None:
            raise self.failure
        return do_text_job(job)


def reading(characters: int) -> PageResult:
    return PageResult(engine=EngineName.NATIVE, text="x" * characters + "  \n")


def soon(seconds: float = 60.0) -> Deadline:
    return Deadline.after(seconds, ManualClock())


async def test_a_short_text_is_cleaned_here() -> None:
    pool = Pool()
    assert (await TextDesk(pool).clean(reading(5), soon())).text == "xxxxx"
    assert pool.calls == []


async def test_a_long_text_is_cleaned_in_a_worker_within_the_deadline() -> None:
    pool = Pool()
    cleaned = await TextDesk(pool).clean(reading(INLINE_CHARACTERS_MAX + 1), soon(12.0))
    assert cleaned.text == "x" * (INLINE_CHARACTERS_MAX + 1)
    ((job, timeout_s),) = pool.calls
    assert isinstance(job, CleanJob)
    assert timeout_s == 12.0


async def test_pages_read_in_time_are_put_together_after_the_deadline_too() -> None:
    pool = Pool()
    desk = TextDesk(pool)
    assert await desk.assemble((), OutputFormat.TEXT, soon(0.0)) == ""
    assert do_text_job(AssembleJob(pages=(), output_format=OutputFormat.JSON)) == ""
    await desk.clean(reading(INLINE_CHARACTERS_MAX + 1), soon(0.0))
    assert pool.calls[0][1] == 5.0


async def test_a_worker_that_breaks_over_a_text_is_an_error_of_the_catalogue() -> None:
    pool = Pool(WorkerLost(LossReason.TIMEOUT))
    with pytest.raises(ProcessingFailure) as caught:
        await TextDesk(pool).clean(reading(INLINE_CHARACTERS_MAX + 1), soon())
    assert caught.value.entry.reason == "decoder-timeout"
