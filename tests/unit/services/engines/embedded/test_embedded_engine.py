"""The embedded engine's parent side: what it hands over, what it cleans up, how it names failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.document import EngineName, ImageEncoding, PageImage, PageResult, PageSource, RenderSpec
from ironleaf.faults import ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.processes import BusyReason, JobFailed, LossReason, PoolBusy, WorkerLost
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.embedded.engine import EmbeddedEngine
from ironleaf.services.engines.settings import EmbeddedSettings

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "/srv/private/0xdeadbeef pid 4711"
pytestmark = pytest.mark.anyio


class Runner:
    """A pool that answers or fails as told."""

    def __init__(self, outcome: PageResult | Exception, clock: ManualClock, *, takes_s: float = 0.0) -> None:
        self.outcome = outcome
        self.clock = clock
        self.takes_s = takes_s
        self.calls: list[tuple[Any, float, float | None]] = []
        self.seen = False

    async def call(self, job: Any, *, timeout_s: float, queue_timeout_s: float | None = None) -> Any:
        self.calls.append((job, timeout_s, queue_timeout_s))
        self.seen = job.path.exists()
        self.clock.advance(self.takes_s)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def put(path: Path) -> None:
    path.write_bytes(b"pixels")


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def make_page(path: Path, *, spooled: bool = True) -> PageSource:
    async def render(spec: RenderSpec) -> PageImage:
        assert spec.encoding is ImageEncoding.RAW_RGB
        put(path)
        return PageImage(
            path=path, encoding=spec.encoding, width_px=10, height_px=20, bytes=6, ink_share=0.25, spooled=spooled
        )

    return PageSource(number=1, width_px=10, height_px=20, render=render)


def request(clock: ManualClock, *, timeout_s: float = 30.0) -> RecogniseRequest:
    return RecogniseRequest(deadline=Deadline.after(timeout_s, clock), languages=("de",))


async def test_a_picture_that_nobody_drew_for_it_is_left_alone(tmp_path: Path, clock: ManualClock) -> None:
    runner = Runner(PageResult(engine=EngineName.EMBEDDED, text="Moin"), clock)
    engine = EmbeddedEngine(runner, EmbeddedSettings())
    await engine.recognise(make_page(tmp_path / "p.npy", spooled=False), request(clock))
    assert left_in(tmp_path) == [tmp_path / "p.npy"]


async def test_reads_a_page_and_deletes_its_picture(tmp_path: Path, clock: ManualClock) -> None:
    runner = Runner(PageResult(engine=EngineName.EMBEDDED, text="Moin"), clock)
    engine = EmbeddedEngine(runner, EmbeddedSettings(page_timeout_s=60, queue_timeout_s=10))
    result = await engine.recognise(make_page(tmp_path / "p.npy"), request(clock))
    assert (result.text, result.ink_share) == ("Moin", 0.25)
    ((job, timeout_s, queue_timeout_s),) = runner.calls
    assert (job.languages, timeout_s, queue_timeout_s) == (("de",), 30.0, 10)
    assert runner.seen
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (WorkerLost(LossReason.CRASH, exit_code=-11, private_text=SECRET), "engine-failed"),
        (WorkerLost(LossReason.MEMORY, private_text=SECRET), "engine-failed"),
        (WorkerLost(LossReason.OUTPUT), "engine-failed"),
        (WorkerLost(LossReason.TIMEOUT), "engine-timeout"),
        (WorkerLost(LossReason.CPU), "engine-timeout"),
        (WorkerLost(LossReason.START), "engine-unavailable"),
        (JobFailed("ValueError", private_text=SECRET), "engine-failed"),
        (PoolBusy(BusyReason.QUEUE_FULL), "engine-busy"),
        (PoolBusy(BusyReason.QUEUE_TIMEOUT), "engine-busy"),
        (PoolBusy(BusyReason.CLOSED), "engine-unavailable"),
    ],
)
async def test_failures_have_names_and_keep_their_secrets(
    tmp_path: Path, clock: ManualClock, failure: Exception, reason: str
) -> None:
    engine = EmbeddedEngine(Runner(failure, clock), EmbeddedSettings())
    with pytest.raises(IronleafError) as caught:
        await engine.recognise(make_page(tmp_path / "p.npy"), request(clock))
    assert caught.value.entry.reason == reason
    assert caught.value.__cause__ is failure
    assert SECRET not in str(caught.value)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("failure", [WorkerLost(LossReason.TIMEOUT), PoolBusy(BusyReason.QUEUE_TIMEOUT)])
async def test_the_end_of_the_request_is_not_the_engines_fault(
    tmp_path: Path, clock: ManualClock, failure: Exception
) -> None:
    engine = EmbeddedEngine(Runner(failure, clock, takes_s=5.0), EmbeddedSettings())
    with pytest.raises(IronleafError) as caught:
        await engine.recognise(make_page(tmp_path / "p.npy"), request(clock, timeout_s=5.0))
    assert caught.value.entry.reason == "deadline-exceeded"


async def test_nothing_is_drawn_once_the_time_is_over(tmp_path: Path, clock: ManualClock) -> None:
    runner = Runner(PageResult(engine=EngineName.EMBEDDED), clock)
    late = request(clock, timeout_s=1.0)
    clock.advance(2.0)
    with pytest.raises(IronleafError) as caught:
        await EmbeddedEngine(runner, EmbeddedSettings()).recognise(make_page(tmp_path / "p.npy"), late)
    assert caught.value.entry.reason == "deadline-exceeded"
    assert runner.calls == []
    assert left_in(tmp_path) == []


async def test_declares_itself(clock: ManualClock) -> None:
    runner = Runner(PageResult(engine=EngineName.EMBEDDED), clock)
    engine = EmbeddedEngine(runner, EmbeddedSettings())
    assert (engine.name, engine.alias) == (EngineName.EMBEDDED, "embedded")
    assert engine.capabilities.needs_image
    assert "Cyrl" not in engine.capabilities.scripts
    await engine.aclose()
    await engine.aclose()
