"""What every engine promises, whoever it is. An engine joins by one builder in `BUILDERS`."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pytest

from ironleaf.document import EngineName, PageImage, PageResult, PageSource, RenderSpec
from ironleaf.faults import FaultyEngine, FaultyModelServer, Silence
from ironleaf.foundation.clock import Deadline, SystemClock
from ironleaf.foundation.errors import IronleafError, ModelFailure
from ironleaf.foundation.processes import LossReason, WorkerLost
from ironleaf.foundation.resilience import RetryBudget, RetryBudgetOptions
from ironleaf.services.engines.base import Engine, RecogniseRequest
from ironleaf.services.engines.embedded.engine import EmbeddedEngine
from ironleaf.services.engines.errors import ENGINE_FAILED
from ironleaf.services.engines.guarded import GuardedEngine, GuardOptions
from ironleaf.services.engines.ladder import LadderEngine
from ironleaf.services.engines.profiles import load_profile
from ironleaf.services.engines.settings import EmbeddedSettings
from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

TEXT = "Twelve crates of apples"
Build = Callable[[str], AbstractAsyncContextManager[Engine]]
"""Makes an engine that reads `TEXT` (``works``), fails (``fails``) or never comes back (``hangs``)."""


@contextlib.asynccontextmanager
async def build_faulty(mood: str) -> AsyncIterator[Engine]:
    yield FaultyEngine({"works": TEXT, "fails": ModelFailure(ENGINE_FAILED), "hangs": Silence()}[mood])


@contextlib.asynccontextmanager
async def build_vision_language(mood: str) -> AsyncIterator[Engine]:
    fault = {"works": "ok", "fails": "500-stack", "hangs": "silent-before-headers"}[mood]
    async with FaultyModelServer(fault, text=TEXT) as server:
        settings = BackendSettings(alias="main", base_url=server.base_url, model="m")
        engine = VisionLanguageEngine(settings, profile=load_profile("generic"))
        yield engine
        await engine.aclose()


class ScriptedPool:
    """A pool of workers that answers, breaks or hangs: what stands between the embedded engine and its processes."""

    def __init__(self, mood: str) -> None:
        self._mood = mood

    async def call(self, job: object, *, timeout_s: float, queue_timeout_s: float | None = None) -> PageResult:
        if self._mood == "fails":
            raise WorkerLost(LossReason.CRASH, exit_code=-11)
        if self._mood == "hangs":
            await asyncio.get_running_loop().create_future()
        return PageResult(engine=EngineName.EMBEDDED, text=TEXT)


@contextlib.asynccontextmanager
async def build_embedded(mood: str) -> AsyncIterator[Engine]:
    yield EmbeddedEngine(ScriptedPool(mood), EmbeddedSettings())


@contextlib.asynccontextmanager
async def build_guarded(mood: str) -> AsyncIterator[Engine]:
    clock = SystemClock()
    async with build_faulty(mood) as inner:
        yield GuardedEngine(
            inner,
            options=GuardOptions(canary=False),
            budget=RetryBudget(options=RetryBudgetOptions(), clock=clock),
            clock=clock,
            random=random.Random(1),
            on_event=lambda _event: None,
        )


@contextlib.asynccontextmanager
async def build_ladder(mood: str) -> AsyncIterator[Engine]:
    async with build_faulty(mood) as rung:
        yield LadderEngine((rung,), clock=SystemClock())


BUILDERS: dict[str, Build] = {
    "faulty": build_faulty,
    "vision_language": build_vision_language,
    "embedded": build_embedded,
    "guarded": build_guarded,
    "ladder": build_ladder,
}


@pytest.fixture(params=sorted(BUILDERS))
def build(request: pytest.FixtureRequest) -> Build:
    return BUILDERS[request.param]


@pytest.fixture
def page(tmp_path: Path) -> PageSource:
    numbers = itertools.count()

    async def render(spec: RenderSpec) -> PageImage:
        path = tmp_path / f"page-{next(numbers)}.jpg"
        path.write_bytes(b"not looked at by these engines")
        size = path.stat().st_size
        return PageImage(path=path, encoding=spec.encoding, width_px=90, height_px=120, bytes=size, ink_share=0.1)

    return PageSource(number=1, width_px=90, height_px=120, render=render)


def ask(duration_s: float = 10.0) -> RecogniseRequest:
    return RecogniseRequest(deadline=Deadline.after(duration_s, SystemClock()))


async def test_it_reads_and_says_who_it_is(build: Build, page: PageSource) -> None:
    async with build("works") as engine:
        result = await engine.recognise(page, ask())
    assert isinstance(result, PageResult)
    assert TEXT in result.text
    assert result.engine is engine.name
    assert isinstance(engine.name, EngineName)
    assert result.model in {engine.alias, None}
    assert engine.alias


async def test_it_reads_many_pages_at_once(build: Build, page: PageSource) -> None:
    async with build("works") as engine:
        results = await asyncio.gather(*(engine.recognise(page, ask()) for _ in range(8)))
    assert all(TEXT in result.text for result in results)


async def test_a_failure_is_one_of_the_catalogue(build: Build, page: PageSource) -> None:
    async with build("fails") as engine:
        with pytest.raises(IronleafError) as caught:
            await engine.recognise(page, ask())
    assert caught.value.entry.http_status >= 400


async def test_a_failure_does_not_spoil_the_next_page(build: Build, page: PageSource) -> None:
    async with build("fails") as engine:
        for _ in range(2):
            with pytest.raises(IronleafError):
                await engine.recognise(page, ask())


async def test_cancelling_ends_it_at_once(build: Build, page: PageSource) -> None:
    async with build("hangs") as engine:
        task = asyncio.create_task(engine.recognise(page, ask(60)))
        await asyncio.wait({task}, timeout=0.05)
        assert not task.done()
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
        assert task.cancelled()


async def test_what_drawing_the_page_raises_comes_out_as_it_is(build: Build) -> None:
    async def refuse(spec: RenderSpec) -> PageImage:
        raise failure

    failure = ModelFailure(ENGINE_FAILED)
    async with build("works") as engine:
        if not engine.capabilities.needs_image:
            return
        with pytest.raises(IronleafError) as caught:
            await engine.recognise(PageSource(number=1, width_px=9, height_px=9, render=refuse), ask())
    assert caught.value is failure


async def test_closing_twice_does_no_harm(build: Build, page: PageSource) -> None:
    async with build("works") as engine:
        await engine.recognise(page, ask())
        await engine.aclose()
        await engine.aclose()
