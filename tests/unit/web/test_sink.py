"""The sink: what comes out, whatever happens inside."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ironleaf.foundation.errors import (
    BusinessError,
    Catalogue,
    CatalogueError,
    Detail,
    Entry,
    Family,
    Kind,
    Level,
    LimitReached,
    SystemFault,
    Text,
    Unit,
)
from ironleaf.foundation.errors.protocol import (
    ENTRIES,
    INTERNAL_ERROR,
    NOT_FOUND,
    PAYLOAD_TOO_LARGE,
    SERVICE_BUSY,
    SERVICE_UNAVAILABLE,
)
from ironleaf.web import ErrorSeen, Kit, RequestSeen, answer_error, document_errors, install

CANARY = "canary-postgres://u:p@10.0.0.7/db"
pytestmark = pytest.mark.anyio
Route = Callable[..., Any]


class Item(BaseModel):
    count: int = Field(ge=1, le=9)
    mode: Literal["fast", "exact"] = "fast"
    labels: dict[str, int] = {}
    name: str = Field(default="x", max_length=3)


class Subject:
    """An application with the kit, and what its observers heard."""

    def __init__(self, **options: Any) -> None:
        self.app = FastAPI(telemetry={"auto_configure": False})
        self.errors: list[ErrorSeen] = []
        self.requests: list[RequestSeen] = []
        self.options = options
        self.kit: Kit | None = None

    def install(self) -> Kit:
        if self.kit is None:
            options = {"observer": self.errors.append, "request_observer": self.requests.append, **self.options}
            self.kit = install(self.app, **options)
        return self.kit

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        self.install()
        transport = httpx.ASGITransport(self.app)  # raises whatever leaves the sink
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.request(method, path, **options)

    async def ask_route(self, route: Route, **options: Any) -> httpx.Response:
        self.app.add_api_route("/route", route)
        return await self.ask("GET", "/route", **options)


@pytest.fixture
def subject() -> Subject:
    return Subject()


def raising(error: BaseException) -> Route:
    async def route() -> None:
        raise error

    return route


async def test_an_entry_with_details_becomes_the_envelope(subject: Subject) -> None:
    detail = Detail(reason=PAYLOAD_TOO_LARGE.reason, limit=10, actual=12, unit=Unit.BYTES)
    answer = await subject.ask_route(raising(LimitReached(PAYLOAD_TOO_LARGE, details=(detail,))))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "code": 41330,
        "message": "The request body is larger than the limit. (12 bytes seen, the limit is 10 bytes)",
        "data": None,
        "request_id": answer.headers["x-request-id"],
        "error": {
            "reason": "payload-too-large",
            "kind": "too_large",
            "level": "L2",
            "retryable": False,
            "retry_after_s": None,
            "doc_url": "/errors/payload-too-large",
            "details": [{"reason": "payload-too-large", "limit": 10, "actual": 12, "unit": "bytes"}],
        },
    }


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.reason)
async def test_every_entry_answers_in_both_languages_and_formats(subject: Subject, entry: Entry) -> None:
    subject.app.add_api_route("/route", raising(SystemFault(entry, context={"dsn": CANARY})))
    told = {}
    for language in ("en", "zh"):
        plain = await subject.ask("GET", "/route", headers={"accept-language": language})
        document = await subject.ask(
            "GET", "/route", headers={"accept-language": language, "accept": "application/problem+json"}
        )
        body, problem = plain.json(), document.json()
        assert document.headers["content-type"] == "application/problem+json"
        assert plain.headers["content-language"] == language
        assert body["code"] // 100 == plain.status_code == problem["status"] == document.status_code
        assert {name: problem[name] for name in ("reason", "kind", "level", "retryable", "details")} == {
            name: body["error"][name] for name in ("reason", "kind", "level", "retryable", "details")
        }
        assert problem["detail"] == body["message"]
        assert CANARY not in plain.text + document.text
        told[language] = body["message"]
    assert told["en"] != told["zh"]
    assert subject.errors[0].entry is entry
    assert subject.errors[0].context == {"dsn": CANARY}


async def test_waiting_is_always_advised_with_429_and_503(subject: Subject) -> None:
    busy = await subject.ask_route(raising(LimitReached(SERVICE_BUSY, retry_after_s=6.2)))
    assert (busy.headers["retry-after"], busy.json()["error"]["retry_after_s"]) == ("7", 7)
    subject.app.add_api_route("/down", raising(SystemFault(SERVICE_UNAVAILABLE)))
    assert (await subject.ask("GET", "/down")).headers["retry-after"] == "2"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(CANARY),
        MemoryError(CANARY),
        RecursionError(CANARY),
        asyncio.CancelledError(CANARY),
        SystemExit(CANARY),
        StopIteration(CANARY),
        UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, CANARY),
        ExceptionGroup(CANARY, [HTTPException(404, CANARY), ValueError(CANARY)]),
        BaseExceptionGroup(CANARY, [asyncio.CancelledError(CANARY)]),
        HTTPException(599, CANARY),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_the_unforeseen_is_internal_and_says_nothing(subject: Subject, error: BaseException) -> None:
    answer = await subject.ask_route(raising(error))
    assert answer.status_code == 500
    assert answer.json()["error"]["reason"] == "internal-error"
    assert CANARY not in answer.text + str(answer.headers)
    (seen,) = subject.errors
    assert (seen.entry, seen.route, seen.method) == (INTERNAL_ERROR, "/route", "GET")
    assert seen.exception is not None


async def test_endless_recursion_is_internal(subject: Subject) -> None:
    def deeper() -> None:
        deeper()

    assert (await subject.ask_route(deeper)).json()["code"] == 50030


async def test_an_entry_inside_a_group_is_found(subject: Subject) -> None:
    group = ExceptionGroup("", [BusinessError(NOT_FOUND), ExceptionGroup("", [BusinessError(SERVICE_BUSY)])])
    assert (await subject.ask_route(raising(group))).json()["error"]["reason"] == "service-busy"


async def test_validation_names_our_fields_and_never_the_callers_words(subject: Subject) -> None:
    @subject.app.post("/items/{number}")
    def create(number: int, body: Item) -> None: ...

    body = {"count": 99, "mode": CANARY, "labels": {CANARY: "x", "count": "x"}, "name": CANARY}
    answer = await subject.ask("POST", f"/items/{CANARY[:6]}", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == [
        {"field": "number", "reason": "wrong-type"},
        {"field": "count", "reason": "value-out-of-range", "limit": 9, "allowed": ["<= 9"]},
        {"field": "mode", "reason": "value-not-allowed", "allowed": ["fast", "exact"]},
        {"field": "labels", "reason": "wrong-type"},
        {"field": "labels.count", "reason": "wrong-type"},
        {"field": "name", "reason": "value-too-long", "limit": 3, "unit": "characters"},
    ]
    assert "canary" not in answer.text


async def test_an_included_router_gives_its_whole_template_and_its_fields(subject: Subject) -> None:
    router = APIRouter()

    @router.get("/things/{number}")
    def read(number: int) -> None: ...

    subject.app.include_router(router, prefix="/v9")
    answer = await subject.ask("GET", "/v9/things/none")
    assert answer.json()["error"]["details"][0]["field"] == "number"
    assert subject.errors[0].route == "/v9/things/{number}"


async def test_a_form_or_json_that_is_none_is_called_so(subject: Subject) -> None:
    @subject.app.post("/items")
    def create(body: Item) -> None: ...

    broken = await subject.ask("POST", "/items", content=b'{"count":', headers={"content-type": "application/json"})
    assert broken.json()["error"]["reason"] == "bad-json"


async def test_what_an_application_answers_itself_is_replaced(subject: Subject) -> None:
    headers = {"Retry-After": "9", "X-Secret": CANARY}
    answer = await subject.ask_route(lambda: JSONResponse({"why": CANARY}, 429, headers))
    assert answer.json()["error"]["reason"] == "rate-limited"
    assert answer.headers["retry-after"] == "9"
    assert CANARY not in answer.text + str(answer.headers)


async def test_own_4xx_may_pass_by_choice_and_5xx_never(subject: Subject) -> None:
    subject.options["own_4xx"] = True
    subject.app.add_api_route("/own", lambda: JSONResponse({"own": 1}, 418))
    subject.app.add_api_route("/fault", lambda: PlainTextResponse(CANARY, 503))
    subject.app.add_api_route("/told", raising(HTTPException(418, CANARY)))
    own = await subject.ask("GET", "/own")
    assert (own.status_code, own.json()) == (418, {"own": 1})
    assert len(own.headers["x-request-id"]) == 26
    assert (await subject.ask("GET", "/fault")).json()["error"]["reason"] == "service-unavailable"
    assert CANARY not in (await subject.ask("GET", "/told")).text


async def test_an_application_inside_the_application_is_covered(subject: Subject) -> None:
    inner = FastAPI(debug=True, telemetry={"auto_configure": False})
    inner.add_api_route("/known", raising(BusinessError(SERVICE_BUSY)))
    inner.add_api_route("/unknown", raising(RuntimeError(CANARY)))
    inner.add_api_route("/told", raising(HTTPException(403, CANARY)))
    subject.app.mount("/inner", inner)
    reasons = [
        (await subject.ask("GET", f"/inner/{path}")).json()["error"]["reason"]
        for path in ("known", "unknown", "told", "nowhere")
    ]
    assert reasons == ["service-busy", "internal-error", "forbidden", "not-found"]


async def test_an_inner_application_may_have_the_kit_too(subject: Subject) -> None:
    inner = FastAPI(telemetry={"auto_configure": False})
    detail = Detail(reason="x", limit=3)
    inner.add_api_route("/full", raising(LimitReached(SERVICE_BUSY, details=(detail,))))
    install(inner)
    subject.app.mount("/inner", inner)
    answer = await subject.ask("GET", "/inner/full")
    assert answer.json()["error"]["details"] == [{"reason": "x", "limit": 3}]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert len(subject.errors) == 1


async def test_what_fails_after_the_caller_left_is_heard_and_is_no_5xx(subject: Subject) -> None:
    async def route(request: Request) -> None:
        assert (await request.receive())["type"] == "http.request"
        assert (await request.receive())["type"] == "http.disconnect"
        raise RuntimeError(CANARY)

    subject.app.add_api_route("/route", route)
    subject.install()
    arriving: list[Any] = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return arriving.pop(0)

    async def send(_: Any) -> None: ...

    scope = {"type": "http", "method": "GET", "path": "/route", "headers": [], "query_string": b""}
    await subject.app(scope, receive, send)
    assert [(seen.entry, seen.status) for seen in subject.errors] == [(INTERNAL_ERROR, 499)]
    assert [seen.status for seen in subject.requests] == [499]


async def test_405_names_the_methods_and_redirects_work(subject: Subject) -> None:
    subject.app.add_api_route("/old", raising(HTTPException(307, headers={"location": "/new"})))
    answer = await subject.ask("DELETE", "/old")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    moved = await subject.ask("GET", "/old")
    assert (moved.status_code, moved.headers["location"], moved.content) == (307, "/new", b"")


async def test_a_header_that_http_forbids_is_caught_before_it_is_sent(subject: Subject) -> None:
    answer = await subject.ask_route(lambda: PlainTextResponse("x", headers={"x-a": "one\r\ntwo"}))
    assert answer.json()["code"] == 50030


async def test_a_range_outside_a_file_keeps_what_http_asks_for(subject: Subject, tmp_path: Any) -> None:
    path = tmp_path / "page.txt"
    path.write_text("abc")
    answer = await subject.ask_route(lambda: FileResponse(path), headers={"range": "bytes=50-60"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */3")
    assert answer.json()["error"]["reason"] == "range-not-satisfiable"


async def test_a_stream_that_fails_before_its_first_byte_gets_a_true_status(subject: Subject) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        raise BusinessError(SERVICE_BUSY)
        yield b""

    assert (await subject.ask_route(lambda: StreamingResponse(chunks()))).status_code == 429


async def test_a_middleware_that_answers_for_a_failed_route_may_do_so(subject: Subject) -> None:
    @subject.app.middleware("http")
    async def recover(request: Request, call_next: Callable[[Request], Awaitable[Any]]) -> Any:
        try:
            return await call_next(request)
        except RuntimeError:
            return PlainTextResponse("a cached page")

    answer = await subject.ask_route(raising(RuntimeError(CANARY)))
    assert (answer.status_code, answer.text) == (200, "a cached page")


opened: list[str] = []


async def session() -> AsyncIterator[list[str]]:
    opened.append("open")
    yield opened
    opened.append("closed")


async def test_dependencies_stay_open_while_a_stream_uses_them(subject: Subject) -> None:
    opened.clear()

    async def chunks(used: list[str]) -> AsyncIterator[str]:
        yield used[-1]
        yield used[-1]

    async def route(used: Annotated[list[str], Depends(session)]) -> StreamingResponse:
        return StreamingResponse(chunks(used))

    assert (await subject.ask_route(route)).text == "openopen"
    assert opened == ["open", "closed"]


async def test_a_cancelled_server_says_that_it_is_shutting_down(subject: Subject) -> None:
    entered = asyncio.Event()

    async def route() -> None:
        entered.set()
        await asyncio.Event().wait()

    asking = asyncio.ensure_future(subject.ask_route(route))
    await entered.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (seen,) = subject.errors
    assert (seen.entry.reason, seen.status) == ("shutting-down", 503)


async def test_a_socket_is_closed_without_repeating_what_was_sent(subject: Subject) -> None:
    @subject.app.websocket("/socket")
    async def talk(websocket: WebSocket, number: int) -> None: ...

    subject.install()
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/socket",
        "headers": [],
        "query_string": f"number={CANARY}".encode(),
        "subprotocols": [],
    }
    await subject.app(scope, receive, send)
    assert sent[0]["type"] == "websocket.close"
    assert CANARY not in repr(sent)


async def test_an_observer_that_fails_costs_nothing(subject: Subject, caplog: pytest.LogCaptureFixture) -> None:
    def failing(_: ErrorSeen) -> None:
        raise ValueError(CANARY)

    subject.options["observer"] = failing
    with caplog.at_level(logging.ERROR):
        assert (await subject.ask_route(raising(RuntimeError()))).status_code == 500
    assert "ValueError" in caplog.text
    assert CANARY not in caplog.text


async def test_levels_decide_how_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI(telemetry={"auto_configure": False})
    app.add_api_route("/boom", raising(RuntimeError("why")))
    kit = install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        with caplog.at_level(logging.INFO, "ironleaf.web"):
            await client.get("/nowhere")
            await client.get("/boom")
    records = [record for record in caplog.records if record.name == "ironleaf.web"]
    assert [(record.levelno, record.exc_text is not None) for record in records] == [
        (logging.INFO, False),
        (logging.ERROR, True),
    ]
    assert kit.counts.by_level() == {Level.L1: 1, Level.L3: 1}
    assert kit.counts.by_code() == {40430: 1, 50030: 1}


async def test_requests_are_seen_by_template_and_request_id(subject: Subject) -> None:
    @subject.app.get("/users/{name}")
    def read(request: Request, name: str) -> list[str | None]:
        return [request.state.request_id, request.state.client_request_id, request.state.traceparent]

    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await subject.ask("GET", f"/users/{CANARY[:6]}", headers={"x-request-id": "mine-1", "traceparent": trace})
    assert answer.json() == [answer.headers["x-request-id"], "mine-1", trace]
    (seen,) = subject.requests
    assert (seen.route, seen.status, seen.client_request_id) == ("/users/{name}", 200, "mine-1")
    assert seen.body_bytes == len(answer.content)


async def test_an_error_may_be_answered_without_being_one(subject: Subject) -> None:
    async def route(request: Request) -> Any:
        return answer_error(request, SERVICE_UNAVAILABLE)

    answer = await subject.ask_route(route)
    assert answer.json()["code"] == 50330
    assert subject.errors == []


async def test_a_foreign_catalogue_is_joined_with_the_generic_entries(subject: Subject) -> None:
    teapot = Entry(
        code=41801,
        reason="teapot",
        family=Family.VALIDATION,
        level=Level.L1,
        kind=Kind.UNSUPPORTED,
        message=Text("This is a teapot.", "这是茶壶。"),
        user_advice=Text("Use a coffee maker.", "请使用咖啡机。"),
        operator_advice=Text("None.", "无。"),
    )
    subject.options["catalogue"] = Catalogue((teapot,))
    answer = await subject.ask_route(raising(HTTPException(418, CANARY)))
    assert answer.json()["error"]["reason"] == "teapot"
    clash = Entry(
        code=40499,
        reason="not-found",
        family=teapot.family,
        level=teapot.level,
        kind=teapot.kind,
        message=teapot.message,
        user_advice=teapot.user_advice,
        operator_advice=teapot.operator_advice,
    )
    with pytest.raises(CatalogueError):
        install(FastAPI(), catalogue=Catalogue((clash,)))


async def test_the_kit_is_put_on_once_and_in_time(subject: Subject) -> None:
    await subject.ask("GET", "/livez")
    with pytest.raises(RuntimeError):
        install(subject.app)


async def test_the_schema_documents_our_errors_and_not_the_frameworks(subject: Subject) -> None:
    @subject.app.get("/items/{number}", responses=document_errors(NOT_FOUND, SERVICE_BUSY))
    def read(number: int) -> None: ...

    schema = (await subject.ask("GET", "/openapi.json")).json()
    responses = schema["paths"]["/items/{number}"]["get"]["responses"]
    assert set(responses) == {"200", "404", "422", "429", "default"}
    assert set(responses["429"]["content"]["application/json"]["examples"]) == {"service-busy"}
    text = (await subject.ask("GET", "/openapi.json")).text
    assert "HTTPValidationError" not in text
    names = set(schema["components"]["schemas"])
    references = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert references <= names
    assert "#/$defs/" not in text
