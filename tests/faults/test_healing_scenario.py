"""The founding failure from end to end: the model is gone, pages are read all the same, and its namesake is found."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import pytest

from ironleaf.application.bootstrap import build_backends, build_readers, build_servers, build_watches
from ironleaf.application.engine_desk import EngineDesk
from ironleaf.application.pages import make_page
from ironleaf.application.settings import VlSettings
from ironleaf.document import EngineName, Grade, PageStatus, Quality
from ironleaf.faults import CANARIES, FAULTS, FaultyEngine, FaultyModelServer, ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.health import HealthStatus, ProbeResult
from ironleaf.foundation.resilience import BreakerState, OpenReason
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.canary import CANARY_WORDS, make_canary_page
from ironleaf.services.engines.examination import Finding
from ironleaf.services.engines.ladder import LadderEngine
from ironleaf.services.engines.ledger import FileLedger, HealingAction, HealingOutcome
from ironleaf.services.engines.ledger_words import LEDGER_WORDS
from ironleaf.services.engines.probe import ModelProbe, Standing
from ironleaf.services.engines.settings import HealingSettings
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ironleaf.document import Page
    from ironleaf.faults.exchange import Exchange
    from ironleaf.services.engines.probe import BackendWatch
    from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine

pytestmark = pytest.mark.anyio

CONFIGURED = "qwen2-vl-instruct"
REPLICA = "qwen2-vl-instruct-rep1"
GOOD_TEXT = f"{' '.join(CANARY_WORDS)} and a page of good text"


class Embedded:
    name = "model"

    async def check(self) -> ProbeResult:
        return ProbeResult(status=HealthStatus.HEALTHY)


@dataclass
class Scene:
    ladder: LadderEngine
    reader: VisionLanguageEngine
    watch: BackendWatch
    desk: EngineDesk
    ledger: FileLedger
    clock: ManualClock

    async def read(self) -> Page:
        source = replace(make_canary_page(), number=3)
        request = RecogniseRequest(deadline=Deadline.after(10.0, self.clock))
        return make_page(source, await self.ladder.recognise(source, request), Quality(grade=Grade.GOOD))


@asynccontextmanager
async def stage(
    server: FaultyModelServer, directory: Path, *, relaunch: dict[str, object] | None = None, **healing: object
) -> AsyncGenerator[Scene]:
    clock = ManualClock()
    backend = BackendSettings(alias="reader-1", base_url=server.base_url, model=CONFIGURED, relaunch=relaunch or {})
    vl = VlSettings(backends=(backend,), healing=HealingSettings(ledger_directory=directory, **healing))  # type: ignore[arg-type]
    readers = build_readers(vl)
    guarded = build_backends(vl, clock, random.Random(5), readers)
    ledger = FileLedger(directory, bytes_max=vl.healing.ledger_bytes_max)
    (watch,) = build_watches(vl, readers, guarded, ledger, clock)
    embedded = FaultyEngine("read by the embedded engine", name=EngineName.EMBEDDED, alias="embedded")
    ladder = LadderEngine((*guarded, embedded), clock=clock)
    servers = build_servers(vl, readers, guarded)
    desk = EngineDesk((watch,), Embedded(), servers=servers, ledger=ledger, clock=clock)
    try:
        yield Scene(ladder, readers[0], watch, desk, ledger, clock)
    finally:
        await ladder.aclose()


async def test_the_model_goes_pages_go_on_and_its_namesake_is_found(tmp_path: Path) -> None:
    async with (
        FaultyModelServer("400-model-gone", text=GOOD_TEXT, models=(REPLICA,)) as server,
        stage(server, tmp_path) as scene,
    ):
        first, second = await scene.read(), await scene.read()
        assert server.hits == 1
        for page, reason in ((first, "model-unavailable"), (second, "circuit-open")):
            assert (page.engine, page.status, page.degraded_reason) == (
                EngineName.EMBEDDED,
                PageStatus.DEGRADED,
                reason,
            )
        snapshot = scene.watch.breaker.snapshot()
        assert (snapshot.state, snapshot.reason) == (BreakerState.OPEN, OpenReason.MODEL_GONE)
        assert scene.watch.finding() is Finding.MODEL_MISSING
        assert [line.status for line in (await scene.desk.ladder()).engines] == ["ready", "down", "ready"]
        health = await ModelProbe((scene.watch,), Embedded()).check()
        assert (health.status, "reader-1: down (model_missing)" in health.detail) == (HealthStatus.DEGRADED, True)

        await server.use("ok")  # the replica is up, under another name
        await scene.watch.turn()
        assert scene.reader.model == REPLICA
        assert scene.watch.breaker.snapshot().state is BreakerState.CLOSED
        third = await scene.read()
        assert (third.engine, third.model, third.degraded) == (EngineName.VL, "reader-1", False)
        assert server.calls[-1].body["model"] == REPLICA
        assert scene.watch.standing() is Standing.READY

        (entry,) = scene.ledger.read(10)
        assert (entry.action, entry.outcome) == (HealingAction.MODEL_SWITCHED, HealingOutcome.DONE)
        assert (entry.backend, entry.facts) == ("reader-1", {"from": CONFIGURED, "to": REPLICA})
        assert {entry.cause, entry.guard_rail, entry.undo} <= set(LEDGER_WORDS)
        assert entry.guard_rail
        assert entry.undo
        public = repr((first, second, third, await scene.desk.ladder()))
        assert not [canary for canary in (*CANARIES, REPLICA, CONFIGURED) if canary in public]


async def test_the_configured_name_is_taken_up_again_when_it_is_back(tmp_path: Path) -> None:
    async with (
        FaultyModelServer("400-model-gone", "ok", text=GOOD_TEXT, models=(REPLICA,)) as server,
        stage(server, tmp_path) as scene,
    ):
        await scene.read()
        await scene.watch.turn()
        assert scene.reader.model == REPLICA
        server.models = (REPLICA, CONFIGURED)
        await scene.watch.turn()
        assert scene.reader.model == REPLICA, "asked again only every five minutes"
        scene.clock.advance(301)
        await scene.watch.turn()
        assert scene.reader.model == CONFIGURED
        assert scene.ledger.read(1)[0].action is HealingAction.MODEL_RESTORED


async def test_a_listed_model_that_does_not_read_is_not_taken(tmp_path: Path) -> None:
    """Listed but broken, nonsense, text-only, another family: none of them."""
    models = ("qwen2-instruct", "qwen2-vl-7b-instruct", "llava-1.6", REPLICA)
    async with (
        FaultyModelServer("400-model-gone", "200-image-ignored", text=GOOD_TEXT, models=models) as server,
        stage(server, tmp_path) as scene,
    ):
        await scene.read()
        await scene.watch.turn()
        assert {call.body["model"] for call in server.calls[1:]} == {REPLICA}
        assert scene.reader.model == CONFIGURED
        assert scene.watch.breaker.snapshot().state is BreakerState.OPEN
        assert scene.ledger.read(10) == ()


async def test_the_server_is_asked_what_it_serves_every_five_seconds_at_most(tmp_path: Path) -> None:
    async with (
        FaultyModelServer("400-model-gone", models=()) as server,
        stage(server, tmp_path) as scene,
    ):
        await scene.read()
        for _ in range(60):
            await scene.watch.turn()
            scene.clock.advance(1)
        assert server.listings == 12


async def test_a_dry_run_decides_is_written_down_once_and_changes_nothing(tmp_path: Path) -> None:
    script = ("400-model-gone", "ok", "ok", "400-model-gone")  # a page, two looks, the breaker's own probe
    async with (
        FaultyModelServer(*script, text=GOOD_TEXT, models=(REPLICA,)) as server,
        stage(server, tmp_path, dry_run=True) as scene,
    ):
        await scene.read()
        await scene.watch.turn()
        scene.clock.advance(31)
        await scene.watch.turn()
        assert (server.listings, server.hits) == (2, 4)
        assert scene.reader.model == CONFIGURED
        assert scene.watch.breaker.snapshot().state is BreakerState.OPEN
        (entry,) = scene.ledger.read(10)
        assert (entry.action, entry.outcome) == (HealingAction.MODEL_SWITCHED, HealingOutcome.DRY_RUN)


async def test_a_model_that_returns_under_its_own_name_is_asked_again_before_its_time(tmp_path: Path) -> None:
    async with (
        FaultyModelServer("400-model-gone", "ok", text=GOOD_TEXT, models=(CONFIGURED,)) as server,
        stage(server, tmp_path) as scene,
    ):
        await scene.read()
        await scene.watch.turn()
        assert scene.watch.breaker.snapshot().state is BreakerState.CLOSED
        assert scene.ledger.read(1)[0].action is HealingAction.MODEL_RETURNED


async def test_what_a_person_opened_stays_open(tmp_path: Path) -> None:
    async with (
        FaultyModelServer("ok", text=GOOD_TEXT, models=(CONFIGURED,)) as server,
        stage(server, tmp_path) as scene,
    ):
        scene.desk.open("reader-1")
        for _ in range(5):
            scene.clock.advance(400)
            await scene.watch.turn()
        assert scene.watch.breaker.snapshot().state is BreakerState.FORCED_OPEN
        assert (server.hits, server.listings) == (0, 0)
        page = await scene.read()
        assert page.degraded_reason == "circuit-open"


class Xinference(FaultyModelServer):
    """A server whose replica is lost for good, until somebody launches it again."""

    launches: ClassVar[list[dict[str, object]]] = []

    async def _answer_other(self, exchange: Exchange) -> None:
        if exchange.call.method != "POST":
            return await super()._answer_other(exchange)
        self.launches.append(exchange.call.body)
        self.models = (str(exchange.call.body["model_uid"]),)
        self._script = (FAULTS["ok"],)
        return await exchange.send_json(200, {"model_uid": self.models[0]})


async def test_a_replica_that_is_lost_for_good_is_launched_again_as_recorded(tmp_path: Path) -> None:
    spec: dict[str, object] = {"model_name": CONFIGURED, "model_uid": CONFIGURED, "model_engine": "Transformers"}
    async with (
        Xinference("404-model-gone", text=GOOD_TEXT, models=()) as server,
        stage(server, tmp_path, relaunch=spec) as scene,
    ):
        await scene.read()
        await scene.watch.turn()
        scene.clock.advance(61)
        assert server.launches == []
        turn = asyncio.create_task(scene.watch.turn())
        while not turn.done():
            await asyncio.wait({turn}, timeout=0.02)
            await scene.clock.run_for(1 if scene.clock.sleepers else 0)
        turn.result()
        assert server.launches == [spec]
        assert scene.clock.monotonic() >= 61 + 10, "the server's negative cache was waited out"
        page = await scene.read()
        assert (page.engine, page.degraded) == (EngineName.VL, False)
        assert {entry.action for entry in scene.ledger.read(5)} == {HealingAction.MODEL_RELAUNCHED}
        assert {entry.outcome for entry in scene.ledger.read(5)} == {HealingOutcome.BEGUN, HealingOutcome.DONE}
