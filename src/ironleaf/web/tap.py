"""The innermost layer: sees errors before any middleware can swallow or disguise them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ironleaf.web.answer import EXCHANGE_KEY
from ironleaf.web.exchange import SSE_TYPE, Exchange
from ironleaf.web.exits import ExitRefused

_BODILESS: Final = frozenset({204, 304})


class Tap:
    """Notes an error for the sink and passes it on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange | None = scope.get(EXCHANGE_KEY)
        if exchange is None or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        gate = _Gate(scope, send, settle=exchange.parts.settle_dependencies)
        try:
            await self._app(scope, receive, gate.send)
        except SystemExit as error:
            exchange.noted = error
            # Under a task group it would end the whole server.
            raise ExitRefused("a request may not end the process") from error
        except BaseException as error:
            exchange.noted = error
            exchange.cut = gate.started and not gate.finished
            raise


class _Gate:
    """Holds the start of an answer until its first body, so that teardown can still turn it into an error."""

    __slots__ = ("_held", "_scope", "_send", "_settle", "finished", "started")

    def __init__(self, scope: Scope, send: Send, *, settle: bool) -> None:
        self._scope = scope
        self._send = send
        self._settle = settle
        self._held: Message | None = None
        self.started = False
        self.finished = False

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start" and not _is_event_stream(message):
            self._held = message
            return
        last = kind != "http.response.start" and not message.get("more_body", False)
        if self._held is not None:
            if last and self._settle and _is_complete(self._held):
                await self._finish_dependencies()
            held, self._held = self._held, None
            self.started = True
            await self._send(held)
        self.started = True
        await self._send(message)
        self.finished = last

    async def _finish_dependencies(self) -> None:
        stack: Any = self._scope.get("fastapi_inner_astack")
        if isinstance(stack, AsyncExitStack):
            await stack.aclose()


def _is_complete(start: Message) -> bool:
    """Tell a response that was made in one piece, by the task that entered the dependencies, from a stream."""
    return start["status"] in _BODILESS or any(name.lower() == b"content-length" for name, _ in start["headers"])


def _is_event_stream(start: Message) -> bool:
    # A browser waits for these headers, and the first event may be long in coming.
    return any(
        name.lower() == b"content-type" and value.startswith(SSE_TYPE) for name, value in start.get("headers", ())
    )
