"""An OpenAI-compatible model server that fails on command."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final

from ironleaf.faults.exchange import Call, CallerLeft, Exchange, read_call
from ironleaf.faults.scenarios import FAULTS, Fault, Reach
from ironleaf.foundation.clock import SystemClock

if TYPE_CHECKING:
    from types import TracebackType

    from ironleaf.faults.acts import Act
    from ironleaf.foundation.clock import Clock

LOOPBACK: Final = "127.0.0.1"
GOOD_TEXT: Final = "# Delivery note 4711\n\nTwelve crates of apples, to be paid by the end of March."
MODEL: Final = "qwen-vl-faulty"
DNS_NAME: Final = "model-server.invalid"
"""RFC 6761: never resolves."""
TLS_HANDSHAKE: Final = b"\x16"
"""The first byte of a TLS connection; no HTTP method begins so."""
STREAM_BUFFER_BYTES: Final = 1_048_576
CALLS_KEPT_MAX: Final = 10_000
"""Records are for tests; a long hand-driven run must not grow for ever."""


class FaultyModelServer:
    """Plays faults of the registry on a loopback port; an async context manager.

    ``faults`` are the names that the chat calls meet in turn; the last one stays.
    ``text`` is what good answers say, ``latency_s`` how long they take, ``models``
    what ``/v1/models`` lists. `base_url` depends on the fault: read it after `use`.

    Raises:
        KeyError: a fault that the registry does not know.
    """

    def __init__(
        self,
        *faults: str,
        text: str = GOOD_TEXT,
        latency_s: float = 0.0,
        models: tuple[str, ...] = (MODEL,),
        clock: Clock | None = None,
        port: int = 0,
    ) -> None:
        self.text = text
        self.latency_s = latency_s
        self.models = models
        self.calls: list[Call] = []
        """Chat calls, in the order in which they came."""
        self.hits = 0
        """How many chat calls arrived."""
        self.listings = 0
        """How often ``/v1/models`` was asked."""
        self.cut_count = 0
        """Chat calls whose client left before the answer was out."""
        self.connections = 0
        """How many connections were opened."""
        self._clock: Clock = clock or SystemClock()
        self._port = port
        self._script = _look_up(faults or ("ok",))
        self._number = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = asyncio.Event()
        self._called = asyncio.Event()

    @property
    def base_url(self) -> str:
        """Where a client finds the server, or fails to."""
        reach = self._script[-1].reach
        scheme = "https" if reach is Reach.TLS else "http"
        host = DNS_NAME if reach is Reach.DNS else LOOPBACK
        return f"{scheme}://{host}:{self._port}/v1"

    async def __aenter__(self) -> FaultyModelServer:
        if not self._port:
            self._port = _free_port()
        await self._listen_as_told()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_listening()

    async def use(self, *faults: str) -> None:
        """Play these faults from now on; open connections are closed."""
        self._script = _look_up(faults)
        self._number = 0
        await self._stop_listening()
        await self._listen_as_told()

    async def wait_for_call(self) -> None:
        """Return once a chat call has come in."""
        await self._called.wait()

    async def wait_for_cut(self) -> None:
        """Return once a client has left before its answer was out."""
        await self._cut.wait()

    async def _listen_as_told(self) -> None:
        if self._script[-1].reach is not Reach.REFUSED:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, self._port, limit=STREAM_BUFFER_BYTES)

    async def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await server.wait_closed()
        while self._writers:
            await self._clock.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        first: bytes | None = None
        try:
            first = await reader.read(1)
            if first == TLS_HANDSHAKE:
                writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
                first = None
            while first is not None and (call := await read_call(reader, first)):
                first = await self._handle(call, reader, writer)
        except ConnectionError:
            pass
        except CallerLeft:
            self.cut_count += 1
            self._cut.set()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._writers.discard(writer)

    async def _handle(self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        """Answer, and return what came in of the next request, or None when the connection is done."""
        is_chat = call.path.endswith("/chat/completions")
        if is_chat:
            self._record(call)
        watching = asyncio.create_task(reader.read(1))
        exchange = Exchange(
            call=call,
            number=self._number,
            text=self.text,
            latency_s=self.latency_s,
            clock=self._clock,
            watching=watching,
            writer=writer,
        )
        act: Act = self._act() if is_chat else self._answer_other
        first = await _act_while_watched(act, exchange)
        return None if exchange.ended else first

    def _record(self, call: Call) -> None:
        self.hits += 1
        self._called.set()
        self._number += 1
        if len(self.calls) < CALLS_KEPT_MAX:
            self.calls.append(call)

    def _act(self) -> Act:
        return self._script[min(self._number, len(self._script)) - 1].act

    async def _answer_other(self, exchange: Exchange) -> None:
        if exchange.call.path.endswith("/models"):
            self.listings += 1
            listed = [{"id": name, "object": "model", "created": 1, "owned_by": "faults"} for name in self.models]
            return await exchange.send_json(200, {"object": "list", "data": listed})
        if exchange.call.path == "/health":
            return await exchange.send_json(200, {"status": "ok"})
        return await exchange.send_json(404, {"detail": "Not Found"})


async def _act_while_watched(act: Act, exchange: Exchange) -> bytes:
    """Let ``act`` run as long as the client is there; return what the client sent meanwhile."""
    acting = asyncio.ensure_future(act(exchange))
    try:
        await asyncio.wait({acting, exchange.watching}, return_when=asyncio.FIRST_COMPLETED)
        if not acting.done() and exchange.has_left():
            raise CallerLeft
        await acting
        return exchange.watching.result() if exchange.watching.done() and not exchange.has_left() else b""
    finally:
        for task in (acting, exchange.watching):
            task.cancel()
        await asyncio.gather(acting, exchange.watching, return_exceptions=True)


def _look_up(faults: tuple[str, ...]) -> tuple[Fault, ...]:
    return tuple(FAULTS[name] for name in faults)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
