"""The decoders' client: deadlines, spool files, and the pool's failures in our own words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ironleaf.document import ImageEncoding, PageImage, RenderSpec
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.processes import BusyReason, JobFailed, LossReason, PoolBusy, PoolFailure, WorkerLost
from ironleaf.services.files.decoding import Decoder, OpenedDocument
from ironleaf.services.files.formats.base import (
    Job,
    OpenedInfo,
    OpenJob,
    Outcome,
    PageInfo,
    PageJob,
    RenderedPage,
    RenderJob,
)

pytestmark = pytest.mark.anyio


class StillClock:
    def __init__(self) -> None:
        self.time_s = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time_s, UTC)

    def monotonic(self) -> float:
        return self.time_s

    async def sleep(self, duration_s: float) -> None:
        self.time_s += duration_s


class ScriptedRunner:
    """Answers jobs like a worker would; fails on the kinds it is told to."""

    def __init__(self, failures: dict[type, Exception] | None = None) -> None:
        self.failures = failures or {}
        self.calls: list[tuple[Job, float, float | None]] = []
        self.target = Path("none")

    async def call(self, job: Job, *, timeout_s: float, queue_timeout_s: float | None = None) -> Outcome:
        self.calls.append((job, timeout_s, queue_timeout_s))
        if isinstance(job, RenderJob):
            self.target = job.target
            job.target.write_bytes(b"begun")
        if type(job) in self.failures:
            raise self.failures[type(job)]
        if isinstance(job, OpenJob):
            return OpenedInfo(page_count=3, notices=("pdf-repaired",))
        if isinstance(job, PageJob):
            return PageInfo(number=job.number, width_px=30, height_px=20, rotation_deg=90, notices=("a-notice",))
        image = PageImage(
            path=job.target, encoding=job.spec.encoding, width_px=30, height_px=20, bytes=5, ink_share=0.1
        )
        return RenderedPage(image=image, notices=("image-truncated", "a-notice"))


async def opened(runner: ScriptedRunner, folder: Path, clock: StillClock, **options: float) -> OpenedDocument:
    decoder = Decoder(runner, **options)
    deadline = Deadline.after(20.0, clock)
    return await decoder.open(folder / "in.pdf", "pdf", deadline=deadline, spool_dir=folder, password="pw")


async def test_pages_are_described_and_drawn_on_demand(tmp_path: Path) -> None:
    runner = ScriptedRunner()
    document = await opened(runner, tmp_path, StillClock())
    assert (document.page_count, document.notices) == (3, ("pdf-repaired",))
    page = await document.page(2)
    assert (page.number, page.width_px, page.height_px, page.rotation_deg) == (2, 30, 20, 90)
    assert len(runner.calls) == 2
    first = await page.render(RenderSpec())
    second = await page.render(RenderSpec(encoding=ImageEncoding.JPEG))
    assert first.path != second.path
    assert first.spooled  # whoever reads it deletes it
    assert {first.path.parent, second.path.parent} == {tmp_path}
    assert (first.path.suffix, second.path.suffix) == (".npy", ".jpg")
    assert document.warnings_of(2) == ("a-notice", "image-truncated")
    assert document.warnings_of(1) == ()
    assert all(job.file.password == "pw" for job, _, _ in runner.calls)


async def test_a_job_gets_what_is_left_of_the_deadline(tmp_path: Path) -> None:
    clock, runner = StillClock(), ScriptedRunner()
    document = await opened(runner, tmp_path, clock, decode_s_max=8.0)
    clock.time_s = 17.0
    await document.page(1)
    clock.time_s = 30.0
    await document.page(1)
    assert [timeout_s for _, timeout_s, _ in runner.calls] == [8.0, 3.0, 0.05]
    assert [queue_s for _, _, queue_s in runner.calls] == [20.0, 3.0, 0.05]


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (WorkerLost(LossReason.TIMEOUT), "decoder-timeout"),
        (WorkerLost(LossReason.CPU), "decoder-timeout"),
        (WorkerLost(LossReason.MEMORY), "decoder-memory"),
        (WorkerLost(LossReason.CRASH, exit_code=-11), "decoder-failed"),
        (WorkerLost(LossReason.OUTPUT), "decoder-failed"),
        (WorkerLost(LossReason.START), "decoders-unavailable"),
        (JobFailed("ValueError", private_text="/secret"), "decoder-failed"),
        (PoolBusy(BusyReason.QUEUE_TIMEOUT), "service-busy"),
    ],
)
async def test_what_the_pool_ends_with_is_told_apart(tmp_path: Path, failure: PoolFailure, reason: str) -> None:
    document = await opened(ScriptedRunner({PageJob: failure}), tmp_path, StillClock())
    with pytest.raises(IronleafError) as caught:
        await document.page(3)
    assert caught.value.entry.reason == reason
    assert caught.value.details[0].page == 3
    assert caught.value.context["pool_failure"] == type(failure).__name__


async def test_every_reason_for_a_loss_has_its_entry(tmp_path: Path) -> None:
    for reason in LossReason:
        with pytest.raises(IronleafError):
            await opened(ScriptedRunner({OpenJob: WorkerLost(reason)}), tmp_path, StillClock())


async def test_a_picture_that_failed_leaves_no_file(tmp_path: Path) -> None:
    runner = ScriptedRunner({RenderJob: WorkerLost(LossReason.CRASH)})
    page = await (await opened(runner, tmp_path, StillClock())).page(1)
    with pytest.raises(IronleafError):
        await page.render(RenderSpec())
    assert not runner.target.exists()


async def test_an_answer_of_the_wrong_kind_is_a_failure(tmp_path: Path) -> None:
    class Confused(ScriptedRunner):
        async def call(self, job: Job, *, timeout_s: float, queue_timeout_s: float | None = None) -> Outcome:
            return OpenedInfo(page_count=1)

    document = await opened(Confused(), tmp_path, StillClock())
    with pytest.raises(IronleafError) as caught:
        await document.page(1)
    assert caught.value.entry.reason == "decoder-failed"
