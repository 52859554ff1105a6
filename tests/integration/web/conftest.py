"""A real server on the loopback, with short limits, and a way to speak to it in raw bytes."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator  # noqa: TC003 - fixtures are annotated
from dataclasses import dataclass
from typing import Any

import anyio.lowlevel
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from ironleaf.web import ErrorSeen, install
from ironleaf.web.protocol import ProtocolLimits, make_protocol, make_serve_options

LIMITS = ProtocolLimits(
    header_bytes_max=4096,
    headers_max=20,
    url_bytes_max=1024,
    header_s=0.3,
    body_stall_s=0.3,
    write_stall_s=0.3,
    drain_bytes_max=1_000_000,
    drain_s=0.5,
)


FLOOD_ENDED = threading.Event()


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        return json.loads(self.body)["error"]["reason"]


def parse_replies(raw: bytes) -> list[Reply]:
    replies: list[Reply] = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        replies.append(Reply(int(first.split(" ")[1]), headers, rest[:length]))
        raw = rest[length:]
    return replies


def _speak(address: tuple[str, int], *pieces: bytes, wait_s: float = 5.0) -> list[Reply]:
    """Send the pieces, then read to the end of the connection."""
    received = b""
    with socket.create_connection(address, timeout=wait_s) as connection:
        for piece in pieces:
            connection.sendall(piece)
        try:
            while chunk := connection.recv(65_536):
                received += chunk
        except ConnectionResetError:
            pass
    return parse_replies(received)


def _make_app(heard: list[ErrorSeen]) -> FastAPI:
    app = FastAPI(telemetry={"auto_configure": False})

    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    @app.post("/read")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.post("/refuse")
    async def refuse() -> None:
        raise RuntimeError("before the body is here")

    @app.get("/flood")
    async def flood() -> StreamingResponse:
        async def chunks() -> Any:
            try:
                while True:
                    yield b"x" * 65_536
                    await anyio.lowlevel.checkpoint()
            finally:
                FLOOD_ENDED.set()

        return StreamingResponse(chunks())

    install(app, observer=heard.append)
    return app


@pytest.fixture(scope="module")
def heard() -> list[ErrorSeen]:
    return []


@pytest.fixture(scope="module")
def address(heard: list[ErrorSeen]) -> Iterator[tuple[str, int]]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    options = make_serve_options(make_protocol(limits=LIMITS, observer=heard.append), shutdown_s=1)
    server = uvicorn.Server(uvicorn.Config(_make_app(heard), **{**options, "lifespan": "off"}))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join(10)
    listener.close()


@pytest.fixture
def speak(address: tuple[str, int]) -> Callable[..., list[Reply]]:
    return lambda *pieces, **options: _speak(address, *pieces, **options)


@pytest.fixture
def flood_ended() -> threading.Event:
    FLOOD_ENDED.clear()
    return FLOOD_ENDED
