"""A model dies behind a `/health` that goes on saying 200; its operator hears of it within two minutes."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from ironleaf.application.admission import Admission
from ironleaf.application.bootstrap import build_backends, build_readers, build_watches
from ironleaf.application.catalogue import build_catalogue
from ironleaf.application.detection import Detection
from ironleaf.application.figures import build_figures
from ironleaf.application.settings import VlSettings
from ironleaf.faults import FaultyModelServer, ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.health import HealthBoard
from ironleaf.foundation.monitoring import Signal, SignalState
from ironleaf.foundation.monitoring.detection import DetectionSettings
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.canary import CANARY_WORDS, make_canary_page
from ironleaf.services.engines.ledger import FileLedger
from ironleaf.services.engines.settings import HealingSettings
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ironleaf.services.engines.guarded import GuardedEngine

pytestmark = pytest.mark.anyio

READS = f"{' '.join(CANARY_WORDS)} and more"
TWO_INTERVALS_S = 120.0


@dataclass
class Scene:
    server: FaultyModelServer
    backend: GuardedEngine
    clock: ManualClock
    said: list[Signal] = field(default_factory=list)

    async def live(self, duration_s: float) -> None:
        """Let seconds pass, each with the real time that a loopback server needs to answer."""
        for _ in range(round(duration_s)):
            await self.clock.run_for(1.0)
            for _ in range(3):
                await asyncio.wait({asyncio.ensure_future(asyncio.to_thread(lambda: None))})
                await self.clock.settle()

    async def read(self) -> None:
        request = RecogniseRequest(deadline=Deadline.after(30.0, self.clock))
        await self.backend.recognise(make_canary_page(), request)


@asynccontextmanager
async def stage(server: FaultyModelServer, directory: Path) -> AsyncGenerator[Scene]:
    clock = ManualClock()
    backend = BackendSettings(alias="reader-1", base_url=server.base_url, model="reader-vl")
    vl = VlSettings(backends=(backend,), healing=HealingSettings(ledger_directory=directory))
    readers = build_readers(vl)
    backends = build_backends(vl, clock, random.Random(5), readers)
    ledger = FileLedger(directory, bytes_max=vl.healing.ledger_bytes_max)
    watches = build_watches(vl, readers, backends, ledger, clock)
    scene = Scene(server, backends[0], clock)
    admission = Admission(running_max=1, queued_max=1, clock=clock)
    figures = build_figures((), admission, [each.bulkhead for each in backends], watches, HealthBoard((), clock))
    detection = Detection(
        DetectionSettings(), figures=figures, catalogue=build_catalogue(), say=scene.said.append, clock=clock
    )
    tasks = [asyncio.create_task(each.run()) for each in (*watches, detection)]
    try:
        yield scene
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await backends[0].aclose()


@pytest.mark.parametrize("fault", ["500-stack", "200-empty", "200-loop", "reset"])
async def test_a_model_that_dies_behind_a_healthy_front_is_told_within_two_intervals(
    fault: str, tmp_path: Path
) -> None:
    async with FaultyModelServer("ok", text=READS) as server, stage(server, tmp_path) as scene:
        await scene.live(200)
        assert scene.said == []
        await server.use(fault)
        await scene.live(TWO_INTERVALS_S)
        (signal,) = scene.said
        assert (signal.rule, signal.component, signal.state) == ("backend-down", "backend:reader-1", SignalState.FIRING)
        await server.use("ok")
        await scene.live(400)
        assert [each.state for each in scene.said] == [SignalState.FIRING, SignalState.CLEAR]


async def test_no_canary_runs_while_callers_pages_prove_health(tmp_path: Path) -> None:
    async with FaultyModelServer("ok", text=READS) as server, stage(server, tmp_path) as scene:
        await scene.live(2)
        before = server.hits
        for _ in range(10):
            await scene.live(40)
            await scene.read()
        assert server.hits - before == 10, "nothing but the callers' pages"
        await scene.live(70)
        assert server.hits - before == 11, "and the canary page again once they stay away"
