"""WebSockets end as requests do: what the other side is told comes from the catalogue.

Before a socket is open, an error is an HTTP answer like any other where the server
can send one, else a refusal without words. Once it is open, it is closed with a
code and the reason's name; whatever an exception says stays on the private side.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from starlette.exceptions import HTTPException, WebSocketException
from starlette.status import (
    WS_1008_POLICY_VIOLATION,
    WS_1011_INTERNAL_ERROR,
    WS_1013_TRY_AGAIN_LATER,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from ironleaf.foundation.errors import Entry
from ironleaf.foundation.errors.protocol import (
    BAD_REQUEST,
    CLIENT_CLOSED,
    FORBIDDEN,
    INTERNAL_ERROR,
    NOT_FOUND,
    SERVICE_UNAVAILABLE,
    SHUTTING_DOWN,
)
from ironleaf.web.exchange import REQUEST_ID_HEADER, UNKNOWN_ROUTE, BadResponse, Exchange, SinkParts, find_route
from ironleaf.web.translation import Failure

METHOD: Final = "WEBSOCKET"
"""What the log has in place of a method."""
_EXTENSION: Final = "websocket.http.response"
_ERROR_STATUS: Final = 400
_SERVER_ERROR_STATUS: Final = 500
_TRY_AGAIN_STATUSES: Final = frozenset({429, 503})
_QUIET_DEPARTURES: Final = frozenset({1000, 1001, 1005})
"""How a socket ends when nothing is wrong: done, gone elsewhere, no code given."""
_OUR_FAULT_CODES: Final = frozenset({WS_1011_INTERNAL_ERROR, 1012, 1014})


class Conversation:
    """One WebSocket and what has become of it."""

    def __init__(self, parts: SinkParts, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._can_answer = _EXTENSION in (scope.get("extensions") or {})
        self._denied: int | None = None
        self._open = False
        self._ended = False
        scope.setdefault("method", METHOD)
        self.exchange = Exchange(parts, scope, receive, self._refuse)

    async def run(self, app: ASGIApp) -> None:
        """Let ``app`` talk, and see that it ends well."""
        try:
            await app(self.exchange.scope, self._hear, self._say)
            if self._denied is not None:
                await self._fail(Failure(entry=_find_denial(self._denied, self.exchange)))
            elif not self._open and not self._ended:
                silent = BadResponse("the application returned without an answer")
                await self._fail(Failure(entry=INTERNAL_ERROR, exception=silent))
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                await self._fail(self.exchange.translate(error))  # raised by the application, meant for nobody
                return
            with contextlib.suppress(Exception):
                await self._fail(Failure(entry=CLIENT_CLOSED if self.exchange.left else SHUTTING_DOWN))
            raise
        except BaseException as error:  # noqa: BLE001 - this is the sink
            await self._end(error)

    async def _hear(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._ended = True
            self.exchange.left = message.get("code", 1005) not in _QUIET_DEPARTURES
        return message

    async def _say(self, message: Message) -> None:
        """Pass the application's words on, unless they refuse a socket: that is an error's answer."""
        kind = message["type"]
        if kind == "websocket.accept":
            number = (REQUEST_ID_HEADER, self.exchange.request_id.encode())
            message = {**message, "headers": [*message.get("headers", ()), number]}
            self._open = True
        elif kind == "websocket.close":
            if not self._open:
                self._denied = 0
                return
            self._ended = True
        elif kind.startswith(_EXTENSION):
            await self._deny(message)
            return
        await self._send(message)

    async def _deny(self, message: Message) -> None:
        if message["type"].endswith("start") and message["status"] >= _ERROR_STATUS and not self.exchange.ours:
            self._denied = message["status"]
        if self._denied is None:
            await self._send(message)
            self._ended = True

    async def _end(self, error: BaseException) -> None:
        if not isinstance(error, WebSocketDisconnect):
            await self._fail(_translate(error, self.exchange), code=_find_code(error))
        elif error.code not in _QUIET_DEPARTURES:
            self.exchange.tell(Failure(entry=CLIENT_CLOSED, exception=error), started=self._open)

    async def _fail(self, failure: Failure, *, code: int | None = None) -> None:
        """Refuse, or close: from the catalogue either way."""
        if self._ended:
            self.exchange.tell(failure, started=self._open)
        elif not self._open:
            self._ended = True
            await self.exchange.answer(failure)
        else:
            self._ended = True
            self.exchange.status = failure.entry.http_status
            words = {"code": code or _choose_code(failure.entry), "reason": failure.entry.reason}
            with contextlib.suppress(OSError):  # nobody is there any more
                await self._send({"type": "websocket.close", **words})
            self.exchange.tell(failure, started=True)

    async def _refuse(self, message: Message) -> None:
        """Send what the exchange answers as the server of a socket takes it."""
        if self._can_answer:
            await self._send({**message, "type": f"websocket.{message['type']}"})
        elif message["type"] == "http.response.start":
            await self._send({"type": "websocket.close", "code": WS_1008_POLICY_VIOLATION})


def _translate(error: BaseException, exchange: Exchange) -> Failure:
    if isinstance(error, WebSocketException):
        ours = error.code in _OUR_FAULT_CODES
        entry = SERVICE_UNAVAILABLE if error.code == WS_1013_TRY_AGAIN_LATER else BAD_REQUEST
        return Failure(entry=INTERNAL_ERROR if ours else entry, exception=error)
    return exchange.translate(error)


def _find_code(error: BaseException) -> int | None:
    """Return the code that the application chose; what it said beside it may be anything."""
    return error.code if isinstance(error, WebSocketException) else None


def _find_denial(status: int, exchange: Exchange) -> Entry:
    if status:
        return exchange.translate(HTTPException(status)).entry
    return NOT_FOUND if find_route(exchange.scope) == UNKNOWN_ROUTE else FORBIDDEN


def _choose_code(entry: Entry) -> int:
    if entry.http_status in _TRY_AGAIN_STATUSES:
        return WS_1013_TRY_AGAIN_LATER
    return WS_1011_INTERNAL_ERROR if entry.http_status >= _SERVER_ERROR_STATUS else WS_1008_POLICY_VIOLATION
