"""One request and its answer on the way out: what has been sent, and what may still be said."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import Catalogue, Language
from ironleaf.foundation.errors.entry import CLIENT_CLOSED_STATUS
from ironleaf.foundation.errors.protocol import INTERNAL_ERROR
from ironleaf.web.answer import Answer, find_header, make_answer_to, make_fallback
from ironleaf.web.inbound import Inbound
from ironleaf.web.observation import ErrorSeen, Observers, RequestSeen
from ironleaf.web.request_id import RequestIds, clean_client_id
from ironleaf.web.translation import Failure, keep_headers, translate, translate_status

REQUEST_ID_HEADER: Final = b"x-request-id"
SSE_TYPE: Final = b"text/event-stream"
UNKNOWN_ROUTE: Final = "-"
CORS_KEY: Final = "ironleaf.cors"
"""Where the application's own CORS rules stand in the ASGI scope."""

_BAD_NAME = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]")
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_ERROR_STATUS: Final = 400
_SERVER_ERROR_STATUS: Final = 500


class BadResponse(Exception):
    """The application tried to answer something that HTTP cannot carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkParts:
    """What a sink works with."""

    catalogue: Catalogue
    observers: Observers
    ids: RequestIds
    clock: Clock
    default_language: Language = "en"
    own_4xx: bool = False
    """Whether 4xx answers that the application built itself may pass as they are."""
    settle_dependencies: bool = True
    """Whether ``yield`` dependencies finish before a complete answer is sent."""
    body_bytes_max: int | None = None
    """The largest request body that is read."""
    root_path: str = ""
    """The path prefix under which callers see the application; empty: whatever the server says."""


class Exchange:
    """One request and what has become of it. Lives in the scope under ``EXCHANGE_KEY``."""

    __slots__ = (
        "_receive",
        "_send",
        "body_bytes",
        "client_request_id",
        "cut",
        "default_language",
        "finished",
        "held",
        "inbound",
        "left",
        "noted",
        "ours",
        "parts",
        "request_id",
        "scope",
        "started",
        "started_at_s",
        "status",
        "stream_type",
    )

    def __init__(self, parts: SinkParts, scope: Scope, receive: Receive, send: Send) -> None:
        self.parts = parts
        self.scope = scope
        self._receive = receive
        self._send = send
        self.default_language: Language = parts.default_language
        self.request_id = parts.ids.make()
        self.client_request_id = clean_client_id(find_header(scope, REQUEST_ID_HEADER))
        self.started_at_s = parts.clock.monotonic()
        self.status = 0
        self.started = False
        self.finished = False
        self.ours = False
        """Set by a response of ours: its error status may pass."""
        self.left = False
        """The caller has gone."""
        self.noted: BaseException | None = None
        """What the tap saw."""
        self.cut = False
        """The tap saw the answer break off: no clean end may follow."""
        self.held: Message | None = None
        """The start of an error answer that is not ours, held back to be replaced."""
        self.inbound = Inbound(scope, parts.body_bytes_max)
        self.stream_type = b""
        self.body_bytes = 0

    async def receive(self) -> Message:
        """Pass a message on and notice when the caller has gone."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.left = self.left or not self.finished
        else:
            self.inbound.weigh(message)
        return message

    async def send(self, message: Message) -> None:
        """Pass the application's answer on, unless it is an error that is not ours."""
        kind = message["type"]
        if kind == "http.response.body":
            await self._send_body(message)
        elif kind == "http.response.start":
            await self._send_start(message)
        elif self.held is None:
            await self._send(message)

    async def _send_start(self, message: Message) -> None:
        status: int = message["status"]
        headers: list[tuple[bytes, bytes]] = [(name, value) for name, value in message.get("headers", ())]
        if status >= _ERROR_STATUS and not self._may_pass(status):
            self.held = message
            return
        for name, value in headers:
            if _BAD_NAME.search(name) or _BAD_VALUE.search(value):
                # The server would notice too, but only after it has marked the answer as begun.
                raise BadResponse("a response header has characters that HTTP forbids")
            if name.lower() == b"content-type":
                self.stream_type = value
        headers = [header for header in headers if header[0].lower() != REQUEST_ID_HEADER]
        headers.append((REQUEST_ID_HEADER, self.request_id.encode()))
        self.status = status
        self.started = True
        await self._send({**message, "headers": headers})

    def _may_pass(self, status: int) -> bool:
        return self.ours or (self.parts.own_4xx and status < _SERVER_ERROR_STATUS)

    async def _send_body(self, message: Message) -> None:
        last = not message.get("more_body", False)
        if self.held is not None:
            # A 5xx waits for the error behind it, which may be one that the catalogue knows.
            if last and self.held["status"] < _SERVER_ERROR_STATUS:
                await self.answer_held()
            return
        if last and self.cut:
            return
        await self._send(message)
        self.body_bytes += len(message.get("body", b""))
        self.finished = last or self.finished

    async def answer_held(self) -> None:
        """Replace the held error answer by one of ours."""
        held, self.held = self.held, None
        if held is None or self.finished:
            return
        headers: list[tuple[bytes, bytes]] = list(held.get("headers", ()))
        if self.noted is not None:
            failure = self.translate(self.noted)
            failure = replace(failure, headers=(*failure.headers, *_missing(keep_headers(headers), failure)))
        else:
            failure = translate_status(held["status"], headers, self.parts.catalogue)
        await self.answer(failure)

    def translate(self, error: BaseException) -> Failure:
        """Return the public face of ``error``. Never raises: a defect in the wording costs the details only."""
        try:
            return translate(error, self.scope, self.parts.catalogue)
        except Exception:  # noqa: BLE001 - see above
            return Failure(entry=INTERNAL_ERROR, exception=error)

    async def answer(self, failure: Failure) -> None:
        """Send our answer to ``failure`` if nothing was sent, and tell the observers."""
        try:
            answer = make_answer_to(
                failure, self.scope, request_id=self.request_id, default_language=self.default_language
            )
        except Exception:  # noqa: BLE001 - no defect of ours may keep the answer back
            answer = make_fallback(self.request_id)
        self.status = CLIENT_CLOSED_STATUS if self.left else answer.status
        self.started = self.finished = True
        self.held = None
        self.body_bytes = len(answer.body)
        try:
            await self._deliver(answer)
        finally:
            self.tell(failure, started=False)

    async def _deliver(self, answer: Answer) -> None:
        start, body = answer.messages()
        cors = self.scope.get(CORS_KEY)
        send = self._send
        if cors is None:
            await send(start)
        else:
            # The application's CORS rules hold for errors too, or browsers hide them from their page.
            await cors.send(start, send, request_headers=Headers(scope=self.scope))
        await send(body)

    async def break_off(self, failure: Failure) -> None:
        """End an answer that had begun: say so where the format allows it, then leave it incomplete."""
        if self.stream_type.startswith(SSE_TYPE) and not self.left:
            answer = make_answer_to(
                failure, self.scope, request_id=self.request_id, default_language=self.default_language
            )
            with contextlib.suppress(Exception):
                event = b"event: error\ndata: " + answer.body + b"\n\n"
                await self._send({"type": "http.response.body", "body": event, "more_body": True})
        self.tell(failure, started=True)

    def tell(self, failure: Failure, *, started: bool) -> None:
        """Tell the observers of ``failure``."""
        if failure.entry.http_status == CLIENT_CLOSED_STATUS or (self.left and not self.finished):
            self.status = CLIENT_CLOSED_STATUS
        self.parts.observers.error(
            ErrorSeen(
                request_id=self.request_id,
                client_request_id=self.client_request_id,
                entry=failure.entry,
                method=self.scope["method"],
                route=find_route(self.scope),
                status=self.status,
                exception=failure.exception,
                context=failure.context,
                started=started,
                duration_ms=self.duration_ms(),
                details=failure.details,
            )
        )

    def duration_ms(self) -> float:
        """Return the milliseconds since the request came in."""
        return (self.parts.clock.monotonic() - self.started_at_s) * 1000.0


def find_route(scope: Scope) -> str:
    """Return the template of the route that matched, with the prefix of its router; never the caller's path."""
    context: Any = scope.get("fastapi", {}).get("effective_route_context")
    path: Any = getattr(context, "path", None) or getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) and path else UNKNOWN_ROUTE


def _missing(kept: Sequence[tuple[bytes, bytes]], failure: Failure) -> list[tuple[bytes, bytes]]:
    present = {name for name, _ in failure.headers}
    return [header for header in kept if header[0] not in present]


def summarise(exchange: Exchange) -> RequestSeen:
    """Return what became of the request."""
    left = exchange.left and not exchange.finished
    return RequestSeen(
        request_id=exchange.request_id,
        client_request_id=exchange.client_request_id,
        method=exchange.scope["method"],
        route=find_route(exchange.scope),
        status=CLIENT_CLOSED_STATUS if left else exchange.status,
        duration_ms=exchange.duration_ms(),
        body_bytes=exchange.body_bytes,
        traceparent=exchange.scope.get("state", {}).get("traceparent"),
    )
