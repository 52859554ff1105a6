"""A caller's trace reaches the model servers: the one header, well formed, and nothing else of the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from tests.fixtures.served_house import serve
from tests.fixtures.service import EXAMPLES

from ironleaf.faults import FaultyModelServer
from ironleaf.services.engines.canary import CANARY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from ironleaf.faults.exchange import Call

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHERS = {"tracestate": "mine=1", "baggage": "who=me", "x-request-id": "mine-1", "x-forwarded-for": "192.0.2.1"}
SENT = {"host", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}
"""The names of all headers of ours."""


async def convert(port: int, *traces: str) -> None:
    headers = [("traceparent", trace) for trace in traces] + list(OTHERS.items())
    picture = (EXAMPLES / "chinese.png").read_bytes()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
        answer = await client.post("/v1/convert", files={"file": ("page.png", picture)}, headers=headers)
    assert answer.status_code == 200


def split(upstream: FaultyModelServer) -> list[tuple[bool, list[Call]]]:
    """Return the looks at the canary page, and the callers' pages."""
    looks = [call for call in upstream.calls if call.image_bytes == CANARY_BYTES]
    return [(True, looks), (False, [call for call in upstream.calls if call not in looks])]


async def test_a_callers_trace_reaches_the_model_server(tmp_path: Path) -> None:
    settings = {"engines.vl.canary": False}
    async with FaultyModelServer() as upstream, serve(tmp_path, upstream, **settings) as (port, _):
        await convert(port, TRACE)
        await convert(port)
        await convert(port, TRACE, TRACE)
        await convert(port, f"{TRACE}-more")
    assert [call.headers.get("traceparent") for call in upstream.calls] == [TRACE, None, None, None]
    assert {name for call in upstream.calls for name in call.headers} == SENT | {"traceparent"}


async def test_a_look_at_the_canary_is_no_part_of_the_callers_trace(tmp_path: Path) -> None:
    async with FaultyModelServer("500-bad-image", "ok") as upstream, serve(tmp_path, upstream) as (port, _):
        await convert(port, TRACE)
    traces = {is_look: {call.headers.get("traceparent") for call in calls} for is_look, calls in split(upstream)}
    assert traces == {True: {None}, False: {TRACE}}


async def test_strangers_traces_stop_here_if_the_operator_says_so(tmp_path: Path) -> None:
    settings = {"tracing.continue_callers": False, "engines.vl.canary": False}
    async with FaultyModelServer() as upstream, serve(tmp_path, upstream, **settings) as (port, _):
        await convert(port, TRACE)
    assert [call.headers.get("traceparent") for call in upstream.calls] == [None]
