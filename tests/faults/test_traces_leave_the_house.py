"""A request is traced to a real collector: with every call of a failing model server, and without a word of its."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.fixtures.served_house import serve
from tests.fixtures.service import EXAMPLES

from ironleaf.faults import CANARIES, FaultyModelServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """Speaks OTLP over HTTP and keeps what it is sent."""

    def __init__(self) -> None:
        bodies = self.bodies = list[bytes]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}/v1/traces"

    def spans(self) -> list[Any]:
        batches = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for batch in batches
            for resource in batch.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    yield collector
    collector.server.shutdown()
    thread.join()
    collector.server.server_close()


async def test_a_traced_request_shows_each_call_and_no_secret(tmp_path: Path, collector: Collector) -> None:
    picture = (EXAMPLES / "chinese.png").read_bytes()
    settings = {"tracing.endpoint": collector.endpoint, "engines.vl.canary": False}
    async with FaultyModelServer("500-stack") as upstream, serve(tmp_path, upstream, **settings) as (port, _):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            answer = await client.post(
                "/v1/convert",
                files={"file": ("secret-name.png", picture)},
                headers={"traceparent": f"00-{TRACE}-{SPAN}-01"},
            )
            await client.get("/livez")
        assert answer.status_code == 200
    spans = collector.spans()
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    by_name = {span.name: span for span in spans}
    assert by_name["POST /v1/convert"].parent_span_id.hex() == SPAN
    assert {"receive", "admission", "check", "open", "assemble", "page 1", "prepare", "recognise", "clean"} <= {
        *by_name
    }
    assert {"ask reader", "chat reader", "ask embedded"} <= {*by_name}
    tries = [span for span in spans if span.name == "chat reader"]
    assert len(tries) == upstream.hits
    facts = {each.key: each.value for each in tries[0].attributes}
    assert facts["gen_ai.request.model"].string_value == "reader"
    assert facts["error.type"].string_value
    told = b"".join(collector.bodies)
    assert b"secret-name" not in told
    assert answer.json()["data"]["pages"][0]["text"][:4].encode() not in told
    assert not [secret for secret in CANARIES if secret.encode() in told]


async def test_a_collector_that_is_not_there_holds_nothing_up(tmp_path: Path) -> None:
    settings = {"tracing.endpoint": "http://127.0.0.1:9/v1/traces"}
    async with FaultyModelServer() as upstream, serve(tmp_path, upstream, **settings) as (port, house):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            for _ in range(3):
                answer = await client.post("/v1/convert", files={"file": ("page.txt", b"Every word is there.")})
                assert answer.status_code == 200
        assert house.watching.failures == 0
