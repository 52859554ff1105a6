"""A faulty server, an engine in front of it, and a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.document import PageImage, PageSource, RenderSpec
from ironleaf.faults import FaultyModelServer
from ironleaf.services.engines.profiles import load_profile
from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

PAGE_BYTES = bytes(range(256)) * 2_000


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[FaultyModelServer]:
    del anyio_backend
    async with FaultyModelServer() as running:
        yield running


@pytest.fixture
def page(tmp_path: Path) -> PageSource:
    path = tmp_path / "page.jpg"
    path.write_bytes(PAGE_BYTES)

    async def render(spec: RenderSpec) -> PageImage:
        return PageImage(
            path=path,
            encoding=spec.encoding,
            width_px=900,
            height_px=1200,
            bytes=len(PAGE_BYTES),
            ink_share=0.1,
        )

    return PageSource(number=1, width_px=900, height_px=1200, render=render)


@pytest.fixture
async def make_engine(anyio_backend: str) -> AsyncIterator[Callable[..., VisionLanguageEngine]]:
    del anyio_backend
    made: list[VisionLanguageEngine] = []

    def make(server: FaultyModelServer, *, settings: dict[str, Any] | None = None, **rest: Any) -> VisionLanguageEngine:
        usual = {"api_key": "sk-our-own-key", "first_token_timeout_s": 5.0, "total_timeout_s": 8.0}
        backend = BackendSettings(alias="main", base_url=server.base_url, model="m", **{**usual, **(settings or {})})
        made.append(VisionLanguageEngine(backend, profile=load_profile("generic"), **rest))
        return made[-1]

    yield make
    for engine in made:
        await engine.aclose()
