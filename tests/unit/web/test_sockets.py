"""WebSockets: refused and closed from the catalogue, and what went wrong is in the log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from starlette.exceptions import HTTPException, WebSocketException
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocketDisconnect

from ironleaf.foundation.errors import BusinessError, LimitReached
from ironleaf.foundation.errors.protocol import CONFLICT, SERVICE_BUSY
from ironleaf.web import ErrorSeen, FrontRules, HostRules, RequestSeen, install
from ironleaf.web.observation import list_details

CANARY = "canary-postgres://u:p@10.0.0.7/db"
pytestmark = pytest.mark.anyio
Endpoint = Callable[[WebSocket], Awaitable[None]]


class Line:
    """A socket's other side: what it sends, what it gets, and what the observers hear of it."""

    def __init__(self, endpoint: Endpoint | None = None, **options: Any) -> None:
        self.app = FastAPI(telemetry={"auto_configure": False})
        self.errors: list[ErrorSeen] = []
        self.requests: list[RequestSeen] = []
        if endpoint is not None:
            self.app.add_api_websocket_route("/talk/{room}", endpoint)
        install(self.app, observer=self.errors.append, request_observer=self.requests.append, **options)
        self.said: list[Any] = []

    async def call(self, *then: Any, path: str = "/talk/1", query: str = "", extension: bool = True) -> list[Any]:
        waiting = [{"type": "websocket.connect"}, *then]
        scope = {
            "type": "websocket",
            "path": path,
            "headers": [(b"host", b"service.example"), (b"accept-language", b"zh")],
            "query_string": query.encode(),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}} if extension else {},
        }

        async def receive() -> Any:
            return waiting.pop(0)

        async def send(message: Any) -> None:
            self.said.append(message)

        await self.app(scope, receive, send)
        assert CANARY not in repr(self.said)
        return self.said

    @property
    def heard(self) -> list[tuple[str, str, str, bool]]:
        return [(seen.entry.reason, seen.method, seen.route, seen.started) for seen in self.errors]


def raising(error: BaseException, *, accept: bool = False) -> Endpoint:
    async def talk(websocket: WebSocket) -> None:
        if accept:
            await websocket.accept()
        raise error

    return talk


def read(said: list[Any]) -> dict[str, Any]:
    """Return the envelope of a refusal."""
    assert [message["type"] for message in said] == ["websocket.http.response.start", "websocket.http.response.body"]
    return {"status": said[0]["status"], **json.loads(said[1]["body"])}


ERRORS: dict[str, tuple[BaseException, str, int, int]] = {
    "foreign": (RuntimeError(CANARY), "internal-error", 500, 1011),
    "exit": (SystemExit(CANARY), "internal-error", 500, 1011),
    "cancelled": (asyncio.CancelledError(CANARY), "internal-error", 500, 1011),
    "group": (ExceptionGroup(CANARY, [ValueError(CANARY)]), "internal-error", 500, 1011),
    "ours": (BusinessError(CONFLICT, context={"why": CANARY}), "conflict", 409, 1008),
    "busy": (LimitReached(SERVICE_BUSY), "service-busy", 429, 1013),
    "http": (HTTPException(404, CANARY), "not-found", 404, 1008),
    "their code": (WebSocketException(4001, CANARY), "bad-request", 400, 4001),
    "their fault": (WebSocketException(1011, CANARY), "internal-error", 500, 1011),
    "their load": (WebSocketException(1013, CANARY), "service-unavailable", 503, 1013),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_an_error_before_the_socket_is_open_is_an_answer_of_the_catalogue(name: str) -> None:
    error, reason, status, _ = ERRORS[name]
    line = Line(raising(error))
    answer = read(await line.call())
    assert (answer["status"], answer["error"]["reason"]) == (status, reason)
    assert answer["request_id"] == line.errors[0].request_id
    assert line.heard == [(reason, "WEBSOCKET", "/talk/{room}", False)]
    assert line.errors[0].exception is not None


@pytest.mark.parametrize("name", ERRORS)
async def test_an_open_socket_is_closed_with_a_code_and_the_name_of_the_reason(name: str) -> None:
    error, reason, _, code = ERRORS[name]
    line = Line(raising(error, accept=True))
    accepted, closed = await line.call()
    assert dict(accepted["headers"])[b"x-request-id"].decode() == line.errors[0].request_id
    assert closed == {"type": "websocket.close", "code": code, "reason": reason}
    assert line.heard == [(reason, "WEBSOCKET", "/talk/{room}", True)]


async def test_a_server_that_cannot_answer_refuses_without_words() -> None:
    line = Line(raising(RuntimeError(CANARY)))
    assert await line.call(extension=False) == [{"type": "websocket.close", "code": 1008}]
    assert line.heard == [("internal-error", "WEBSOCKET", "/talk/{room}", False)]


async def test_a_socket_to_nowhere_is_not_found() -> None:
    line = Line()
    answer = read(await line.call(path=f"/{CANARY}"))
    assert (answer["status"], answer["message"]) == (404, "这个地址没有内容。")
    assert line.heard == [("not-found", "WEBSOCKET", "-", False)]


async def test_what_an_application_refuses_by_itself_is_forbidden() -> None:
    async def refuse(websocket: WebSocket) -> None:
        await websocket.close(code=4003, reason=CANARY)

    async def deny(websocket: WebSocket) -> None:
        await websocket.send_denial_response(PlainTextResponse(CANARY, 418))

    assert read(await Line(refuse).call())["status"] == 403
    assert read(await Line(deny).call())["status"] == 400


async def test_bad_input_names_the_field_and_repeats_nothing() -> None:
    async def talk(websocket: WebSocket, number: int) -> None: ...

    line = Line(talk)
    answer = read(await line.call(query=f"number={CANARY}"))
    assert answer["status"] == 422
    assert list_details(line.errors[0]) == ["wrong-type: field number"]
    assert answer["error"]["details"] == [{"field": "number", "reason": "wrong-type"}]


async def test_an_application_that_says_nothing_is_at_fault() -> None:
    async def talk(websocket: WebSocket) -> None: ...

    line = Line(talk)
    assert read(await line.call())["status"] == 500
    assert line.heard == [("internal-error", "WEBSOCKET", "/talk/{room}", False)]


async def test_a_talk_that_ends_well_is_left_alone() -> None:
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept("chat")
        await websocket.send_text(await websocket.receive_text())
        await websocket.close(code=4000, reason="enough")

    line = Line(talk)
    accepted, text, closed = await line.call({"type": "websocket.receive", "text": "hello"})
    assert (accepted["subprotocol"], text["text"]) == ("chat", "hello")
    assert (closed["code"], closed["reason"]) == (4000, "enough")
    assert line.errors == line.requests == []


async def listen(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        await websocket.receive_text()


async def test_who_says_goodbye_is_no_error_and_who_vanishes_is_one_of_his_own() -> None:
    line = Line(listen)
    assert len(await line.call({"type": "websocket.disconnect", "code": 1001})) == 1
    assert line.heard == []
    assert len(await line.call({"type": "websocket.disconnect", "code": 1006})) == 2
    assert line.heard == [("client-closed", "WEBSOCKET", "/talk/{room}", True)]
    assert line.errors[0].status == 499


async def test_an_error_after_the_end_is_only_heard() -> None:
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            await websocket.receive_text()
        except WebSocketDisconnect:
            raise RuntimeError(CANARY) from None

    line = Line(talk)
    assert len(await line.call({"type": "websocket.disconnect", "code": 1000})) == 1
    assert line.heard == [("internal-error", "WEBSOCKET", "/talk/{room}", True)]


async def test_sockets_of_foreign_pages_are_refused_before_the_application_hears_of_them() -> None:
    line = Line(listen, front=FrontRules(hosts=HostRules.of(("other.example",))))
    assert read(await line.call())["error"]["reason"] == "bad-host"


async def test_a_socket_on_its_way_out_is_told_so_when_the_server_stops() -> None:
    reached = asyncio.Event()

    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        reached.set()
        await asyncio.Event().wait()

    line = Line(talk)
    task = asyncio.ensure_future(line.call())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert line.said[-1] == {"type": "websocket.close", "code": 1013, "reason": "shutting-down"}
