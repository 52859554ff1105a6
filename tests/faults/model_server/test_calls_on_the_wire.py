"""What the server gets, and how fast it is let go."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from ironleaf.document import RenderSpec
from ironleaf.faults import FaultyModelServer
from ironleaf.foundation.clock import Deadline, SystemClock
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.vision_language.answer import UpstreamFailure
from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine

if TYPE_CHECKING:
    from ironleaf.document import PageSource

pytestmark = pytest.mark.anyio
MakeEngine = Callable[..., VisionLanguageEngine]


def ask(duration_s: float = 5) -> RecogniseRequest:
    return RecogniseRequest(deadline=Deadline.after(duration_s, SystemClock()))


async def test_the_image_arrives_whole_with_its_length_and_our_key(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource
) -> None:
    await make_engine(server, settings={"headers": {"x-team": "docs"}}).recognise(page, ask())
    call = server.calls[0]
    image = (await page.render(RenderSpec())).path.read_bytes()
    assert call.image_sha256 == hashlib.sha256(image).hexdigest()
    assert int(call.headers["content-length"]) == call.body_bytes
    assert "transfer-encoding" not in call.headers
    assert call.headers["content-type"] == "application/json"
    assert call.headers["authorization"] == "Bearer sk-our-own-key"
    assert call.headers["accept-encoding"] == "identity"
    assert call.headers["x-team"] == "docs"


async def test_without_a_key_none_is_sent(server: FaultyModelServer, make_engine: MakeEngine, page: PageSource) -> None:
    await make_engine(server, settings={"api_key": ""}).recognise(page, ask())
    assert "authorization" not in server.calls[0].headers


async def test_a_second_attempt_sends_the_same_bytes(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource
) -> None:
    await server.use("reset", "ok")
    engine = make_engine(server)
    with pytest.raises(UpstreamFailure):
        await engine.recognise(page, ask())
    await engine.recognise(page, ask())
    first, second = server.calls
    assert first.image_sha256 == second.image_sha256 is not None


@pytest.mark.parametrize("fault", ["silent-before-headers", "silent-after-headers", "slow-drip", "slow-100x"])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_cancelled_call_is_cut_within_a_second(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource, fault: str, stream: bool
) -> None:
    await server.use(fault)
    patient = {"stream": stream, "first_token_timeout_s": 60.0, "total_timeout_s": 60.0}
    task = asyncio.create_task(make_engine(server, settings=patient).recognise(page, ask(60)))
    await server.wait_for_call()
    began = monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.wait_for_cut(), 1.0)
    assert monotonic() - began < 1.0


async def test_a_deadline_cuts_the_call_and_is_no_evidence_against_the_server(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource
) -> None:
    await server.use("silent-before-headers")
    patient = {"first_token_timeout_s": 60.0, "total_timeout_s": 60.0}
    began = monotonic()
    with pytest.raises(UpstreamFailure) as caught:
        await make_engine(server, settings=patient).recognise(page, ask(0.2))
    assert monotonic() - began < 0.7
    assert caught.value.deadline_bound
    await asyncio.wait_for(server.wait_for_cut(), 1.0)


async def test_the_servers_own_time_limit_is_evidence(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource
) -> None:
    await server.use("silent-before-headers")
    with pytest.raises(UpstreamFailure) as caught:
        await make_engine(server, settings={"first_token_timeout_s": 0.2}).recognise(page, ask())
    assert not caught.value.deadline_bound


async def test_a_loop_is_cut_while_it_streams(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource
) -> None:
    await server.use("200-loop")
    seen: list[str] = []

    def watch(piece: str) -> str | None:
        seen.append(piece)
        return "loop" if len(seen) >= 20 else None

    with pytest.raises(UpstreamFailure):
        await make_engine(server, watch=lambda: watch).recognise(page, ask())
    assert len(seen) == 20


@pytest.mark.parametrize("stream", [True, False])
async def test_connections_are_used_again_where_answers_end_cleanly(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource, stream: bool
) -> None:
    engine = make_engine(server, settings={"stream": stream})
    for _ in range(3):
        await engine.recognise(page, ask())
    assert server.hits == 3
    assert server.connections == 1


async def test_redirects_are_not_followed(server: FaultyModelServer, make_engine: MakeEngine, page: PageSource) -> None:
    await server.use("redirect-loop")
    with pytest.raises(UpstreamFailure):
        await make_engine(server).recognise(page, ask())
    assert server.hits == 1


async def test_proxies_of_the_environment_are_not_used(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    result = await make_engine(server).recognise(page, ask())
    assert result.text == server.text


async def test_a_proxy_of_the_settings_is_used(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource
) -> None:
    async with FaultyModelServer("503") as proxy:
        settings = {"proxy": proxy.base_url.removesuffix("/v1")}
        with pytest.raises(UpstreamFailure):
            await make_engine(server, settings=settings).recognise(page, ask())
        assert (server.hits, proxy.hits) == (0, 1)


async def test_models_are_listed(server: FaultyModelServer, make_engine: MakeEngine) -> None:
    server.models = ("one", "two")
    assert [card.id for card in await make_engine(server).list_models()] == ["one", "two"]
    assert server.listings == 1
