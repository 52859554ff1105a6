"""The watch over one backend, minute by minute on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from ironleaf.faults import FaultyEngine, ManualClock
from ironleaf.faults.engine import Late
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import ModelFailure
from ironleaf.foundation.health import HealthStatus, ProbeResult
from ironleaf.foundation.resilience import BreakerState, RetryBudget, RetryBudgetOptions
from ironleaf.services.engines import probe
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.canary import CANARY_WORDS, make_canary_page
from ironleaf.services.engines.errors import ENGINE_FAILED
from ironleaf.services.engines.examination import Finding, ProbeBudget
from ironleaf.services.engines.guarded import GuardedEngine, GuardOptions
from ironleaf.services.engines.healing import Healer, HealingOptions
from ironleaf.services.engines.ledger import HealingAction, HealingOutcome
from ironleaf.services.engines.probe import BackendWatch, ModelProbe, Standing, WatchOptions
from ironleaf.services.engines.relaunch import NEGATIVE_CACHE_S
from ironleaf.services.engines.upstream_failures import UpstreamAnswer, classify, entry_for
from ironleaf.services.engines.vision_language.answer import UpstreamFailure
from ironleaf.services.engines.vision_language.client import ModelCard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ironleaf.document import PageResult, PageSource
    from ironleaf.faults.engine import Step
    from ironleaf.services.engines.ledger import HealingEntry

pytestmark = pytest.mark.anyio

READS = " ".join(CANARY_WORDS)


def fail(status: int, body: str) -> UpstreamFailure:
    verdict = classify(UpstreamAnswer(http_status=status, body=body))
    return UpstreamFailure(entry_for(verdict.kind, verdict.level), verdict=verdict)


GONE = fail(404, '{"detail":"Model not found in the model list, uid: reader"}')
SILENT = fail(504, "")
BROKEN = fail(503, '{"detail":"no free slot"}')


class Reader(FaultyEngine):
    """A model server that knows names: an engine's double that can be asked for another model."""

    def __init__(self, *script: Step, clock: ManualClock, listed: tuple[str, ...] | Exception = ("reader",)) -> None:
        super().__init__(*script, alias="reader-1", clock=clock)
        self.model = "reader"
        self.listed = listed
        self.listings = 0
        self.launches: list[float] = []
        self.loaded_at_s = math.inf
        self.launch_failure: Exception | None = None
        self.clock = clock

    def use_model(self, model: str) -> None:
        self.model = model

    def with_model(self, _model: str) -> Reader:
        return self

    async def recognise(self, page: PageSource, request: RecogniseRequest) -> PageResult:
        if self.clock.monotonic() - self.loaded_at_s >= NEGATIVE_CACHE_S:
            self.then(READS)
        return await super().recognise(page, request)

    async def list_models(self) -> tuple[ModelCard, ...]:
        self.listings += 1
        if isinstance(self.listed, Exception):
            raise self.listed
        return tuple(ModelCard(id=name) for name in self.listed)

    async def launch_model(self, spec: Mapping[str, object], *, timeout_s: float) -> None:
        assert timeout_s >= 120
        assert spec == SPEC
        self.launches.append(self.clock.monotonic())
        if self.launch_failure is not None:
            raise self.launch_failure
        self.loaded_at_s = self.clock.monotonic()

    def then(self, *script: Step) -> None:
        self._script = (*(["-"] * self.hits), *script)


SPEC = {"model_name": "qwen2-vl-instruct", "model_uid": "reader"}


@dataclass
class Notebook:
    entries: list[HealingEntry] = field(default_factory=list)

    def record(self, entry: HealingEntry) -> None:
        self.entries.append(entry)

    def read(self, limit: int) -> tuple[HealingEntry, ...]:
        return tuple(self.entries[::-1][:limit])


@dataclass
class Bench:
    reader: Reader
    guarded: GuardedEngine
    watch: BackendWatch
    clock: ManualClock
    ledger: Notebook

    async def live(self, duration_s: float) -> None:
        """Let the watch run, as it does in the house."""
        task = asyncio.create_task(self.watch.run())
        await self.clock.run_for(duration_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def stride(self, duration_s: float) -> None:
        """The same in turns half a minute apart: hours pass quickly."""
        for _ in range(round(duration_s / 30)):
            await self.watch.turn()
            self.clock.advance(30)

    async def read(self, *, once: bool = False) -> None:
        with contextlib.suppress(ModelFailure):
            request = RecogniseRequest(deadline=Deadline.after(30, self.clock), equal_left=once)
            await self.guarded.recognise(make_canary_page(), request)


def build(
    *script: Step,
    listed: tuple[str, ...] | Exception = ("reader",),
    relaunch: bool = False,
    day_max: int | None = None,
    dry_run: bool = False,
) -> Bench:
    clock = ManualClock()
    reader = Reader(*script, clock=clock, listed=listed)
    budget = RetryBudget(options=RetryBudgetOptions(), clock=clock)
    guarded = GuardedEngine(
        reader,
        options=GuardOptions(),
        budget=budget,
        clock=clock,
        random=random.Random(3),
        on_event=lambda _event: None,
        probes=(probes := ProbeBudget(day_max, clock)),
    )
    ledger = Notebook()
    healer = Healer(
        reader,
        guarded.breaker,
        options=HealingOptions(relaunch=SPEC if relaunch else None, dry_run=dry_run),
        ledger=ledger,
        clock=clock,
        launching=asyncio.Lock(),
        budget=probes,
    )
    watch = BackendWatch(reader, guarded.breaker, healer, options=WatchOptions(), budget=probes, clock=clock)
    return Bench(reader, guarded, watch, clock, ledger)


async def test_a_quiet_backend_is_probed_every_minute() -> None:
    bench = build(READS)
    assert bench.watch.standing() is Standing.READY
    await bench.live(301)
    assert bench.reader.hits == 6, "at once, and then after each minute"
    assert (bench.watch.standing(), bench.watch.finding()) == (Standing.READY, Finding.READS)


async def test_the_first_look_can_wait_for_a_quiet_minute() -> None:
    bench = build(READS)
    task = asyncio.create_task(bench.watch.run(look_at_once=False))
    await bench.clock.run_for(59)
    assert bench.reader.hits == 0
    await bench.clock.run_for(2)
    assert bench.reader.hits == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_pages_of_callers_spare_the_probe() -> None:
    bench = build(READS)
    await bench.live(1)
    for _ in range(20):
        await bench.read()
        await bench.live(30)
    assert bench.reader.hits == 21, "the first look, and the callers' pages"


async def test_a_paid_backend_is_probed_no_oftener_than_the_day_allows() -> None:
    bench = build(READS, day_max=3)
    await bench.stride(1200)
    assert bench.reader.hits == 3
    bench.clock.advance(86_400)
    await bench.stride(600)
    assert bench.reader.hits == 6, "a new day"


async def test_a_backend_that_answers_nonsense_is_degraded_and_then_left() -> None:
    bench = build("something else entirely")
    await bench.live(1)
    assert (bench.watch.standing(), bench.watch.finding()) == (Standing.DEGRADED, Finding.NONSENSE)
    await bench.stride(600)
    assert bench.watch.standing() is Standing.DOWN


async def test_a_failed_look_is_soon_repeated() -> None:
    bench = build(READS)
    await bench.live(1)
    bench.reader.then("something else", READS)
    await bench.live(72)
    assert bench.reader.hits == 3, "at once, after a minute, and ten seconds later"
    assert bench.watch.standing() is Standing.READY


async def test_a_server_that_falls_silent_has_failed_twice_within_two_intervals() -> None:
    """The worst moment: just after a good look; and each look waits its full twenty seconds."""
    bench = build(READS)
    await bench.live(1)
    bench.reader.then(Late(duration_s=20.0, then=SILENT))
    task = asyncio.create_task(bench.watch.run())
    await bench.clock.run_for(85)
    assert bench.watch.finding() is Finding.TOO_SLOW
    assert bench.watch.standing() is Standing.DEGRADED
    await bench.clock.run_for(34)
    assert bench.watch.finding() is Finding.TOO_SLOW
    assert bench.reader.hits >= 4, "one good look, two that failed, and the next under way"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_watch_probes_when_the_open_time_is_over_so_that_no_caller_has_to() -> None:
    bench = build(READS)
    await bench.live(1)
    bench.reader.then(BROKEN)
    while bench.guarded.breaker.snapshot().state is BreakerState.CLOSED:
        await asyncio.wait_for(asyncio.gather(bench.read(), bench.clock.run_for(20)), 5)
    assert bench.watch.standing() is Standing.DOWN
    before = bench.reader.hits
    bench.reader.then(READS)
    await bench.live(7)
    assert bench.reader.hits == before + 1, "one probe"
    assert bench.watch.standing() is Standing.READY


async def test_a_failed_listing_gives_up_nothing() -> None:
    bench = build(GONE, listed=BROKEN)
    await bench.read()
    await bench.live(100)
    assert bench.reader.model == "reader"
    assert 20 <= bench.reader.listings <= 21
    assert bench.ledger.entries == []


async def test_a_model_that_comes_back_is_found_in_seconds_however_often_it_was_missed() -> None:
    """As Xinference brings a killed replica back: first still listed and stopping, then gone, then there."""
    bench = build(GONE, listed=("reader",))
    await bench.read()
    await bench.live(60)
    assert bench.watch.standing() is Standing.DOWN
    assert bench.reader.hits <= 8, "a page, a canary each half minute, and the breaker's own probes"
    bench.reader.listed = ()
    await bench.live(200)
    assert bench.guarded.breaker.snapshot().retry_after_s > 30
    bench.reader.listed = ("reader",)
    bench.reader.then(READS)
    await bench.live(6)
    assert bench.watch.standing() is Standing.READY


async def test_canary_pages_of_callers_count_for_the_day_too() -> None:
    """A doubtful failure and a caller's probe: with the day's pages used up the call itself is the probe."""
    doubtful = fail(500, '{"detail":"Internal Server Error"}')
    bench = build(doubtful, day_max=1)
    await bench.read(once=True)
    assert bench.reader.hits == 2, "the page, and the canary page"
    bench.clock.advance(6)
    await bench.read(once=True)
    assert bench.reader.hits == 3
    while bench.guarded.breaker.snapshot().state is BreakerState.CLOSED:
        await bench.read(once=True)
    before = bench.reader.hits
    bench.clock.advance(6)
    bench.reader.then(READS)
    await bench.read(once=True)
    assert bench.reader.hits == before + 1
    assert bench.guarded.breaker.snapshot().state is BreakerState.CLOSED


async def test_a_lost_model_is_loaded_again_and_asked_after_the_negative_cache() -> None:
    bench = build(GONE, listed=(), relaunch=True)
    await bench.read()
    await bench.live(59)
    assert bench.reader.launches == [], "the server may mend itself first"
    await bench.live(60)
    (launched_at_s,) = bench.reader.launches
    assert launched_at_s >= 60
    assert {entry.action for entry in bench.ledger.entries} == {HealingAction.MODEL_RELAUNCHED}
    assert sorted(entry.outcome for entry in bench.ledger.entries) == [HealingOutcome.BEGUN, HealingOutcome.DONE]
    assert bench.watch.standing() is Standing.READY


async def test_a_model_is_loaded_ten_minutes_apart_and_three_times_a_day() -> None:
    bench = build(GONE, listed=(), relaunch=True)
    bench.reader.launch_failure = BROKEN
    await bench.read()
    await bench.stride(2 * 3600)
    launches = bench.reader.launches
    assert len(launches) == 3
    assert all(later - earlier >= 600 for earlier, later in itertools.pairwise(launches))
    assert [entry.outcome for entry in bench.ledger.entries].count(HealingOutcome.FAILED) == 3
    held_back = [entry for entry in bench.ledger.entries if entry.outcome is HealingOutcome.HELD_BACK]
    assert 1 <= len(held_back) <= 3, "said once for each launch, not at every look"
    await bench.stride(25 * 3600)
    assert len(bench.reader.launches) == 6, "a new day"


async def test_nothing_is_loaded_that_is_listed_nor_without_the_operators_word() -> None:
    listed_but_broken = build(GONE, listed=("reader",), relaunch=True)
    not_told = build(GONE, listed=())
    for bench in (listed_but_broken, not_told):
        await bench.read()
        await bench.live(300)
        assert bench.reader.launches == []


async def test_a_dry_run_loads_nothing() -> None:
    bench = build(GONE, listed=(), relaunch=True, dry_run=True)
    await bench.read()
    await bench.live(300)
    assert bench.reader.launches == []
    assert [entry.outcome for entry in bench.ledger.entries] == [HealingOutcome.DRY_RUN]


async def test_a_turn_that_goes_wrong_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    bench = build(RuntimeError("no honest engine"), READS)
    await bench.live(61)
    assert "a turn of the backend watch failed" in caplog.text
    assert bench.watch.standing() is Standing.READY


class Pool:
    name = "model"

    def __init__(self, status: HealthStatus) -> None:
        self.status = status

    async def check(self) -> ProbeResult:
        return ProbeResult(status=self.status)


@pytest.mark.parametrize(
    ("embedded", "backend_up", "expected"),
    [
        (HealthStatus.HEALTHY, True, HealthStatus.HEALTHY),
        (HealthStatus.HEALTHY, False, HealthStatus.DEGRADED),
        (HealthStatus.UNHEALTHY, True, HealthStatus.DEGRADED),
        (HealthStatus.UNHEALTHY, False, HealthStatus.UNHEALTHY),
    ],
)
async def test_the_health_board_hears_what_was_seen_and_nobody_is_asked(
    embedded: HealthStatus, backend_up: bool, expected: HealthStatus
) -> None:
    bench = build(READS)
    if not backend_up:
        bench.guarded.breaker.open()
    result = await ModelProbe((bench.watch,), Pool(embedded)).check()
    assert result.status is expected
    assert "reader-1" in result.detail
    found = "就绪（尚未检查）" if backend_up else "不可用（暂停中）"
    assert f"reader-1：{found}；embedded：" in result.detail_in("zh")
    assert bench.reader.hits == 0


def test_whatever_is_found_is_told_in_chinese() -> None:
    assert set(probe._FINDINGS) == set(Finding)
    assert set(probe._STANDINGS) == set(Standing)


async def test_what_a_person_opened_rests_whatever_was_found_before() -> None:
    bench = build(GONE)
    await bench.live(1)
    assert bench.watch.finding() is Finding.MODEL_MISSING
    bench.guarded.breaker.open()
    assert bench.watch.finding() is Finding.RESTING


async def test_an_unknown_failure_is_a_failure() -> None:
    bench = build(ModelFailure(ENGINE_FAILED))
    await bench.live(1)
    assert bench.watch.finding() is Finding.FAILS
