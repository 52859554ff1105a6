"""Fifty callers at the moment at which an open breaker may be tried: the model server gets one call, through the
real door."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.fixtures.served_house import serve

from ironleaf.faults import FaultyModelServer
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.resilience import BreakerState
from ironleaf.services.engines.canary import CANARY_PATH, CANARY_WORDS
from ironleaf.services.engines.probe import BackendWatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ironleaf.application.bootstrap import House
    from ironleaf.foundation.resilience import BreakerSnapshot

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CALLERS = 50
GOOD_TEXT = f"{' '.join(CANARY_WORDS)} and more"
SETTINGS: dict[str, object] = {
    "engines.vl.breaker.open_first_s": 1.0,
    "engines.vl.breaker.open_growth": 60.0,
    "engines.vl.breaker.half_open_retry_s": 60.0,
    "server.conversions_max": CALLERS,
}
"""The first opening is short; after a probe that failed, and while one runs, nobody comes near for a minute."""


@pytest.fixture(autouse=True)
def watch_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the probing to callers: whoever looks after the backend would be the one otherwise."""

    async def rest(_watch: BackendWatch) -> None:
        return

    monkeypatch.setattr(BackendWatch, "turn", rest)


class Held(SystemClock):
    """The model server's time: its answers wait until they are released."""

    def __init__(self) -> None:
        self.released = asyncio.Event()

    async def sleep(self, duration_s: float) -> None:
        await (self.released.wait() if duration_s > 0 else super().sleep(0))


def look(house: House) -> BreakerSnapshot:
    return house.desk.report()[0].breaker


@asynccontextmanager
async def serve_opened(
    upstream: FaultyModelServer, directory: Path, **settings: object
) -> AsyncGenerator[tuple[House, httpx.AsyncClient]]:
    """Serve a house whose breaker a failure has opened, at the moment at which its time is over."""
    async with (
        serve(directory, upstream, **{**SETTINGS, **settings}) as (port, house),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=httpx.Limits(max_connections=None)) as client,
    ):
        assert (await convert(client)).json()["error"]["reason"] == "model-unavailable"
        assert look(house).state is BreakerState.OPEN
        while look(house).retry_after_s > 0:
            await house.clock.sleep(0.02)
        yield house, client


async def convert(client: httpx.AsyncClient) -> httpx.Response:
    files = {"file": ("a.png", CANARY_PATH.read_bytes())}
    return await client.post("/v1/convert", files=files, data={"engine": "vl"}, timeout=60)


@pytest.mark.parametrize("canary", [True, False], ids=["with the canary page", "with the caller's page"])
async def test_of_fifty_callers_exactly_one_reaches_a_server_that_is_still_sick(tmp_path: Path, canary: bool) -> None:
    async with (
        FaultyModelServer("400-model-gone") as upstream,
        serve_opened(upstream, tmp_path, **{"engines.vl.canary": canary}) as (house, client),
    ):
        before = upstream.hits
        answers = await asyncio.gather(*(convert(client) for _ in range(CALLERS)))
        assert upstream.hits == before + 1
        assert look(house).state is BreakerState.OPEN
    reasons = Counter(answer.json()["error"]["reason"] for answer in answers)
    assert {answer.status_code for answer in answers} == {503}
    assert reasons == {"circuit-open": CALLERS} if canary else {"circuit-open": CALLERS - 1, "model-unavailable": 1}


async def test_while_the_one_probes_the_others_are_refused_and_afterwards_all_are_read(tmp_path: Path) -> None:
    clock = Held()
    async with (
        FaultyModelServer("400-model-gone", text=GOOD_TEXT, latency_s=1.0, clock=clock) as upstream,
        serve_opened(upstream, tmp_path) as (house, client),
    ):
        await upstream.use("ok")
        before = upstream.hits
        asking = {asyncio.create_task(convert(client)) for _ in range(CALLERS)}
        refused: set[asyncio.Task[httpx.Response]] = set()
        while len(refused) < CALLERS - 1:
            done, asking = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            refused |= done
        assert upstream.hits == before + 1, "the canary page of the one who probes"
        assert {task.result().json()["error"]["reason"] for task in refused} == {"circuit-open"}
        clock.released.set()
        (probing,) = asking
        assert (await probing).json()["data"]["pages"][0]["engine"] == "vl"
        assert upstream.hits == before + 2, "then his own page"
        assert (await convert(client)).status_code == 200
        assert look(house).state is BreakerState.CLOSED
