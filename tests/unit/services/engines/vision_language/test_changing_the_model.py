"""One engine, one server, another model: asked for by a twin first, then by the engine itself."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import pytest

from ironleaf.faults import FaultyModelServer
from ironleaf.foundation.clock import Deadline, SystemClock
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.canary import make_canary_page
from ironleaf.services.engines.profiles import load_profile
from ironleaf.services.engines.vision_language.answer import UpstreamFailure
from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ironleaf.services.engines.vision_language.body import RequestBody

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()


def build(server: FaultyModelServer) -> VisionLanguageEngine:
    settings = BackendSettings(alias="reader", base_url=server.base_url, model="first", connect_timeout_s=0.5)
    return VisionLanguageEngine(settings, profile=load_profile("generic"))


def request() -> RecogniseRequest:
    return RecogniseRequest(deadline=Deadline.after(10, CLOCK))


async def test_a_twin_asks_for_another_model_over_the_same_connection() -> None:
    async with FaultyModelServer("ok") as server:
        engine = build(server)
        await engine.recognise(make_canary_page(), request())
        result = await engine.with_model("second").recognise(make_canary_page(), request())
        await engine.recognise(make_canary_page(), request())
        await engine.aclose()
    assert [call.body["model"] for call in server.calls] == ["first", "second", "first"]
    assert server.connections == 1
    assert result.model == "reader", "callers know the alias only"


async def test_the_engine_itself_changes_when_told() -> None:
    async with FaultyModelServer("ok") as server:
        engine = build(server)
        engine.use_model("second")
        assert engine.model == "second"
        await engine.recognise(make_canary_page(), request())
        await engine.aclose()
    assert server.calls[0].body["model"] == "second"


class Recorder:
    """A transport that writes down what would be sent, and is answered as Xinference answers."""

    status = 200
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        self._pieces = [b'{"model_uid":"qwen2-vl-instruct"}', b""]

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        body: RequestBody | None = None,
        *,
        accept: str = "application/json",
        traceparent: str | None = None,
    ) -> AsyncGenerator[Recorder]:
        self.sent.append((method, path, b"".join(body.chunks()) if body else b""))
        yield self

    async def read(self) -> bytes:
        return self._pieces.pop(0)

    async def aclose(self) -> None: ...


async def test_a_launch_is_posted_where_models_are_listed() -> None:
    recorder = Recorder()
    settings = BackendSettings(alias="reader", base_url="http://127.0.0.1:9/v1", model="first")
    engine = VisionLanguageEngine(settings, profile=load_profile("generic"), transport=recorder)
    await engine.launch_model({"model_name": "qwen2-vl-instruct", "replica": 1}, timeout_s=5)
    assert recorder.sent == [("POST", "models", b'{"model_name":"qwen2-vl-instruct","replica":1}')]


async def test_a_launch_that_fails_is_judged_like_any_failure() -> None:
    async with FaultyModelServer("refused") as server:
        engine = build(server)
        with pytest.raises(UpstreamFailure):
            await engine.launch_model({"model_name": "qwen2-vl-instruct"}, timeout_s=5)
        await engine.aclose()
