"""The one place where errors become answers.

Four parts, because an outer wrapper alone comes too late (Starlette's own error
middleware has answered by then):

1. handlers that only re-raise, so that nothing inside answers (`installation`);
2. `Sink`, outermost: answers whatever was raised, knows whether the answer has begun;
3. `Tap`, innermost: notes an error that a middleware in between would swallow, and
   lets the teardown of dependencies finish before a complete answer is sent;
4. the last resort: an error status that is not ours gets a body of ours.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from ironleaf.foundation.errors.protocol import CLIENT_CLOSED, INTERNAL_ERROR, SHUTTING_DOWN
from ironleaf.web.answer import EXCHANGE_KEY, find_headers
from ironleaf.web.exchange import CORS_KEY, BadResponse, Exchange, SinkParts, summarise
from ironleaf.web.exits import WITHIN_REQUEST, guard_exits
from ironleaf.web.request_id import clean_traceparent
from ironleaf.web.sockets import Conversation
from ironleaf.web.translation import Failure, caused_by_departure


class Sink:
    """Outermost ASGI layer: whatever happens inside, the caller gets an answer from the catalogue, or a cut."""

    def __init__(self, app: ASGIApp, parts: SinkParts, *, cors: CORSMiddleware | None = None) -> None:
        self._app = app
        self._parts = parts
        self._cors = cors
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or EXCHANGE_KEY in scope:  # or a kit inside another
            await self._app(scope, receive, send)
            return
        self._guard_loop()
        talk = Conversation(self._parts, scope, receive, send) if scope["type"] == "websocket" else None
        exchange = talk.exchange if talk else Exchange(self._parts, scope, receive, send)
        self._mark(scope, exchange)
        names = {"request_id": exchange.request_id}
        if exchange.client_request_id is not None:
            names["client_request_id"] = exchange.client_request_id
        before = structlog.contextvars.get_contextvars().keys()
        context = structlog.contextvars.bind_contextvars(**names)
        within = WITHIN_REQUEST.set(True)
        try:
            await (talk.run(self._app) if talk else self._run(exchange))
        finally:
            WITHIN_REQUEST.reset(within)
            structlog.contextvars.reset_contextvars(**context)
            if talk is None and self._parts.observers.hears_requests:
                self._parts.observers.request(summarise(exchange))
            # Who asked, for instance: what one request bound for its log records is nobody else's.
            structlog.contextvars.unbind_contextvars(*(structlog.contextvars.get_contextvars().keys() - before))

    def _guard_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            guard_exits(loop)

    def _mark(self, scope: Scope, exchange: Exchange) -> None:
        scope[EXCHANGE_KEY] = exchange
        if self._parts.root_path:
            scope["root_path"] = self._parts.root_path
        if self._cors is not None:
            scope[CORS_KEY] = self._cors
        state = scope.setdefault("state", {})
        state["request_id"] = exchange.request_id
        state["client_request_id"] = exchange.client_request_id
        state["traceparent"] = clean_traceparent(find_headers(scope, b"traceparent"))

    async def _run(self, exchange: Exchange) -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
            await self._close(exchange)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except asyncio.CancelledError as error:
            await self._cancelled(exchange, error)
        except BaseException as error:  # noqa: BLE001 - this is the sink
            await self._failed(exchange, error)

    async def _close(self, exchange: Exchange) -> None:
        """The application returned. See that what it left is complete."""
        if exchange.held is not None:
            await exchange.answer_held()
        elif exchange.cut and not exchange.finished and exchange.noted is not None:
            await exchange.break_off(exchange.translate(exchange.noted))
        elif exchange.finished:
            return
        elif exchange.started:
            incomplete = Failure(entry=INTERNAL_ERROR, exception=BadResponse("the application left half an answer"))
            await exchange.break_off(Failure(entry=CLIENT_CLOSED) if exchange.left else incomplete)
        elif exchange.left:
            await exchange.answer(Failure(entry=CLIENT_CLOSED))
        else:
            error = exchange.noted or BadResponse("the application returned without an answer")
            await exchange.answer(exchange.translate(error))

    async def _cancelled(self, exchange: Exchange, error: asyncio.CancelledError) -> None:
        task = asyncio.current_task()
        if task is None or not task.cancelling():
            await self._failed(exchange, error)  # raised by the application, meant for nobody
            return
        entry = CLIENT_CLOSED if exchange.left else SHUTTING_DOWN
        if exchange.started:
            exchange.tell(Failure(entry=entry), started=True)
        else:
            with contextlib.suppress(Exception):
                await exchange.answer(Failure(entry=entry))
        raise error

    async def _failed(self, exchange: Exchange, error: BaseException) -> None:
        failure = exchange.translate(error)
        if exchange.left and _follows_departure(error):
            failure = Failure(entry=CLIENT_CLOSED, exception=error)
        if exchange.held is not None:
            exchange.noted = exchange.noted or error
            await exchange.answer_held()
        elif not exchange.started:
            await exchange.answer(failure)
        elif not exchange.finished:
            await exchange.break_off(failure)
        else:
            exchange.tell(failure, started=True)  # the answer is out: background work, late teardown


def _follows_departure(error: BaseException) -> bool:
    if isinstance(error, asyncio.CancelledError | OSError) or caused_by_departure(error):
        return True
    return isinstance(error, RuntimeError) and error.args == ("No response returned.",)
