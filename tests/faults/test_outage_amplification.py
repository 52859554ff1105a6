"""An outage is not made worse by asking: hits a request, time beyond the deadline."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ironleaf.application.bootstrap import build_backends, build_readers, build_watches
from ironleaf.application.settings import VlSettings
from ironleaf.document import EngineName
from ironleaf.faults import FaultyEngine, FaultyModelServer, ManualClock
from ironleaf.foundation.clock import Deadline, SystemClock
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.canary import make_canary_page
from ironleaf.services.engines.ladder import LadderEngine
from ironleaf.services.engines.ledger import FileLedger
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ironleaf.foundation.clock import Clock
    from ironleaf.services.engines.probe import BackendWatch

pytestmark = pytest.mark.anyio

REQUESTS = 500
HITS_PER_REQUEST_MAX = 1.2
EMBEDDED = "read by the embedded engine"


@asynccontextmanager
async def build(
    server: FaultyModelServer, clock: Clock, directory: Path, **settings: object
) -> AsyncGenerator[tuple[LadderEngine, BackendWatch]]:
    backend = BackendSettings(alias="reader", base_url=server.base_url, model="reader-model", connect_timeout_s=0.5)
    vl = VlSettings(backends=(backend,), **settings)  # type: ignore[arg-type]
    readers = build_readers(vl)
    guarded = build_backends(vl, clock, random.Random(11), readers)
    (watch,) = build_watches(vl, readers, guarded, FileLedger(directory, bytes_max=1 << 20), clock)
    embedded = FaultyEngine(EMBEDDED, name=EngineName.EMBEDDED, alias="embedded")
    ladder = LadderEngine((*guarded, embedded), clock=clock)
    try:
        yield ladder, watch
    finally:
        await ladder.aclose()


async def read(ladder: LadderEngine, clock: Clock, timeout_s: float = 60.0) -> str:
    request = RecogniseRequest(deadline=Deadline.after(timeout_s, clock))
    return (await ladder.recognise(replace(make_canary_page(), number=2), request)).text


@pytest.mark.parametrize("fault", ["500-stack", "503", "502-html", "504", "529", "reset"])
@pytest.mark.parametrize("per_s", [1, 10])
async def test_an_outage_costs_the_server_hardly_more_than_a_hit_a_request(
    fault: str, per_s: int, tmp_path: Path
) -> None:
    """The worst case for the breaker is the slowest traffic: retries, canaries and the watch all count as hits."""
    clock = ManualClock()
    async with FaultyModelServer(fault) as server, build(server, clock, tmp_path) as (ladder, watch):
        for number in range(REQUESTS):
            reading = asyncio.create_task(read(ladder, clock))
            while not reading.done():
                await asyncio.wait({reading}, timeout=0.01)
                if not reading.done() and clock.sleepers:
                    await clock.run_for(0.05)  # a retry waits for its time
            assert reading.result() == EMBEDDED
            clock.advance(1 / per_s)
            if number % per_s == 0:
                await watch.turn()
        hits = server.hits
    assert hits <= HITS_PER_REQUEST_MAX * REQUESTS
    assert hits < REQUESTS / 5, f"{hits} hits: the breaker should keep nearly all of them away"


@pytest.mark.parametrize("fault", ["silent-before-headers", "silent-after-headers", "slow-drip"])
async def test_a_silent_server_costs_no_more_than_the_deadline(fault: str, tmp_path: Path) -> None:
    clock = SystemClock()
    async with (
        FaultyModelServer(fault) as server,
        build(server, clock, tmp_path, reserve_s=0.5) as (ladder, _),
    ):
        began_s = clock.monotonic()
        assert await read(ladder, clock, timeout_s=2.0) == EMBEDDED
        assert clock.monotonic() - began_s <= 2.5


async def test_a_silent_server_alone_is_left_at_the_deadline(tmp_path: Path) -> None:
    from ironleaf.foundation.errors import IronleafError  # noqa: PLC0415

    clock = SystemClock()
    async with FaultyModelServer("silent-before-headers") as server, build(server, clock, tmp_path) as (ladder, _):
        alone = LadderEngine(ladder._rungs[:1], clock=clock)
        began_s = clock.monotonic()
        with pytest.raises(IronleafError):
            await read(alone, clock, timeout_s=1.5)
        assert clock.monotonic() - began_s <= 2.0
