"""One application with every escape in it, as it comes (bare) and with the kit."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator  # noqa: TC003 - FastAPI reads annotations
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
import uvicorn
from fastapi import BackgroundTasks, Depends, FastAPI, Request, UploadFile
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from ironleaf.web import ErrorSeen, RequestSeen, install, run_while_connected
from ironleaf.web.protocol import ProtocolLimits, make_protocol, make_serve_options

CANARY = "canary-10.1.2.3-/srv/models/7f3a"
ORIGIN = "http://console.example"
BODY_BYTES_MAX = 100_000


class Login(BaseModel):
    user: str
    password: str


@dataclass
class Subject:
    """The application under test, with what its observers heard."""

    app: FastAPI
    kit: bool
    errors: list[ErrorSeen] = field(default_factory=list)
    requests: list[RequestSeen] = field(default_factory=list)
    finished: threading.Event = field(default_factory=threading.Event)
    """Set when the slow work ran to its end."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when the slow work was cancelled."""
    heard: threading.Event = field(default_factory=threading.Event)

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://service")

    def hear(self, seen: ErrorSeen) -> None:
        self.errors.append(seen)
        self.heard.set()


def _fail() -> None:
    raise RuntimeError(CANARY)


async def _commit() -> AsyncIterator[int]:
    yield 1
    raise RuntimeError(CANARY)


async def _chunks() -> AsyncIterator[bytes]:
    yield b"first "
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    raise RuntimeError(CANARY)


async def _events() -> AsyncIterator[bytes]:
    yield b"data: 1\n\n"
    raise RuntimeError(CANARY)


def _add_routes(app: FastAPI, subject: Subject) -> None:
    app.add_api_route("/boom", _fail)
    app.add_api_route("/stream", lambda: StreamingResponse(_chunks(), media_type="text/plain"))
    app.add_api_route("/events", lambda: StreamingResponse(_events(), media_type="text/event-stream"))

    @app.post("/login")
    def login(body: Login) -> str:
        return body.user

    @app.get("/told")
    def told() -> None:
        try:
            _fail()
        except RuntimeError as error:
            raise HTTPException(400, str(error)) from error

    @app.get("/later")
    def later(tasks: BackgroundTasks) -> dict[str, int]:
        tasks.add_task(_fail)
        return {"saved": 1}

    @app.get("/save")
    def save(_: int = Depends(_commit)) -> dict[str, int]:
        return {"saved": 1}

    @app.get("/cancel")
    async def cancel() -> None:
        raise asyncio.CancelledError(CANARY)

    @app.post("/upload")
    def upload(file: UploadFile) -> dict[str, int | None]:
        return {"bytes": file.size}

    @app.get("/slow")
    async def slow(request: Request) -> str:
        work = _work(subject)
        return await (run_while_connected(request, work) if subject.kit else work)


async def _work(subject: Subject) -> str:
    try:
        for _ in range(100):
            await asyncio.get_running_loop().run_in_executor(None, threading.Event().wait, 0.01)
    except asyncio.CancelledError:
        subject.stopped.set()
        raise
    subject.finished.set()
    return "done"


def _build(*, kit: bool, debug: bool = False) -> Subject:
    app = FastAPI(debug=debug, telemetry={"auto_configure": False})
    subject = Subject(app=app, kit=kit)
    _add_routes(app, subject)

    @app.middleware("http")
    async def pass_on(request: Request, call_next: Callable[[Request], object]) -> object:
        return await call_next(request)  # type: ignore[misc]

    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN])
    if kit:
        install(app, observer=subject.hear, request_observer=subject.requests.append, body_bytes_max=BODY_BYTES_MAX)
    return subject


@pytest.fixture
def bare() -> Subject:
    return _build(kit=False)


@pytest.fixture
def kit() -> Subject:
    return _build(kit=True)


@pytest.fixture
def build() -> Callable[..., Subject]:
    return _build


@contextmanager
def _serve(subject: Subject) -> Iterator[tuple[str, int]]:
    """Run the application under uvicorn in a thread, on a free port of the loopback."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    options = {"http": "httptools", "ws": "none", "log_config": None}
    if subject.kit:
        protocol = make_protocol(limits=ProtocolLimits(header_s=0.3, body_stall_s=0.3), observer=subject.hear)
        options = make_serve_options(protocol, shutdown_s=1)
    server = uvicorn.Server(uvicorn.Config(subject.app, **{**options, "lifespan": "off"}))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def serve() -> Callable[[Subject], object]:
    return _serve
