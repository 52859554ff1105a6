"""One request to the faulty server and the ways to answer it: whole, broken, late or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
import pybase64

from ironleaf.faults.answers import Told, make_events, make_unary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ironleaf.foundation.clock import Clock

BODY_BYTES_MAX: Final = 128 * 1024 * 1024
"""Twice the largest page image as base64, with room."""
TEXT_TOKENS_BASE: Final = 12
"""What a chat template costs beyond the words of the prompt."""
IMAGE_TOKENS: Final = 1_200
"""What a page's image adds to the prompt of a model that looks at it: about a megapixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as the server saw it; images are counted and hashed, not kept."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, Any]
    """The JSON body; each image is replaced by its length."""
    body_bytes: int = 0
    image_bytes: int = 0
    """Length of the last image, decoded."""
    image_sha256: str | None = None

    @property
    def streamed(self) -> bool:
        return self.body.get("stream") is True

    @property
    def prompt(self) -> str:
        """All text of all messages."""
        return " ".join(_texts(self.body.get("messages")))


class CallerLeft(Exception):
    """The client closed the connection: private to this server."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """A call with its open connection."""

    call: Call
    number: int
    """Of the chat call since the present script began, from 1."""
    text: str
    """What a good answer says."""
    latency_s: float
    clock: Clock
    watching: asyncio.Task[bytes]
    """Ends when the client leaves, or when it sends the next request."""
    writer: asyncio.StreamWriter
    ended: bool = field(default=False)
    """True once the connection cannot serve another request."""

    async def send(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """Send a whole response; ``length`` is what the head claims, if not the truth."""
        lines = {"content-type": content_type, "content-length": str(len(body) if length is None else length)}
        await self.write(head(status, {**lines, **(headers or {})}) + body)

    async def send_json(self, status: int, payload: object, *, headers: Mapping[str, str] | None = None) -> None:
        await self.send(status, orjson.dumps(payload), headers=headers)

    async def start_stream(self, *, content_type: str = "text/event-stream") -> None:
        """Send a head whose body ends with the connection."""
        self.ended = True
        await self.write(head(200, {"content-type": content_type, "connection": "close"}))

    async def write(self, data: bytes) -> None:
        """Send bytes as they are.

        Raises:
            CallerLeft: nobody is there to take them.
        """
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            raise CallerLeft from None

    async def answer(self, told: Told) -> None:
        """Send an answer in the form that the request asked for."""
        model = str(self.call.body.get("model", "unnamed"))
        if not self.call.streamed:
            return await self.send(200, make_unary(told, model=model))
        await self.write(head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
        for event in make_events(told, model=model, with_usage="stream_options" in self.call.body):
            await self.write(b"%x\r\n%b\r\n" % (len(event), event))
        return await self.write(b"0\r\n\r\n")

    def told(self, text: str | None = None) -> Told:
        """Return a good answer, with other words if given."""
        tokens = self.text_tokens + (IMAGE_TOKENS if self.call.image_bytes else 0)
        return Told(text=self.text if text is None else text, prompt_tokens=tokens)

    @property
    def text_tokens(self) -> int:
        """What the prompt costs without its image."""
        return TEXT_TOKENS_BASE + len(self.call.prompt.split())

    def cut(self) -> None:
        """Close the connection in an orderly way, wherever the answer stands."""
        self.ended = True
        self.writer.close()

    def reset(self) -> None:
        """Close the connection with RST."""
        self.ended = True
        raw = cast("socket.socket", self.writer.get_extra_info("socket"))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def has_left(self) -> bool:
        """Tell whether the client has closed the connection."""
        return self.watching.done() and (self.watching.exception() is not None or not self.watching.result())

    async def wait_left(self) -> None:
        """Say nothing until the client gives up.

        Raises:
            CallerLeft: always, in the end.
        """
        self.ended = True
        await asyncio.wait({self.watching})
        raise CallerLeft


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return the head of a response."""
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def read_call(reader: asyncio.StreamReader, first: bytes = b"") -> Call | None:
    """Return the next request on a connection, or None if there is none that makes sense.

    ``first`` is what was read of it before.
    """
    try:
        raw = first + await reader.readuntil(b"\r\n\r\n")
        lines = raw.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        body = await _read_body(reader, headers)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
        return None
    return _make_call(method, path, headers, body)


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(min(int(headers.get("content-length", "0")), BODY_BYTES_MAX))
    parts: list[bytes] = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


def _make_call(method: str, path: str, headers: Mapping[str, str], raw: bytes) -> Call:
    try:
        body: object = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        body = {}
    images: list[bytes] = []
    clean = _without_images(body, images)
    last = images[-1] if images else b""
    return Call(
        method=method,
        path=path,
        headers=headers,
        body=cast("dict[str, Any]", clean) if isinstance(clean, dict) else {},
        body_bytes=len(raw),
        image_bytes=len(last),
        image_sha256=hashlib.sha256(last).hexdigest() if images else None,
    )


def _without_images(value: object, images: list[bytes]) -> object:
    if isinstance(value, dict):
        return {key: _without_images(item, images) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_without_images(item, images) for item in cast("list[object]", value)]
    if isinstance(value, str) and value.startswith("data:") and ";base64," in value:
        kind, _, data = value.partition(";base64,")
        images.append(_decoded(data))
        return f"{kind};base64,({len(images[-1])} bytes)"
    return value


def _decoded(data: str) -> bytes:
    try:
        return pybase64.b64decode(data, validate=True)
    except ValueError:
        return b""


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in cast("list[object]", value) for text in _texts(item)]
    if isinstance(value, dict):
        part = cast("dict[str, object]", value)
        return [text for key in ("content", "text") for text in _texts(part.get(key))]
    return []
