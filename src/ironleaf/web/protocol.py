"""HTTP as our server speaks it: what the server itself must refuse is answered from the catalogue too.

uvicorn's stock protocol answers bad requests in plain text, accepts headers of any
size and waits for them forever. This subclass of it (private attributes: uvicorn is
pinned to one minor version, raw-socket tests stand guard) has limits on all of it.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ironleaf.foundation.clock import Clock, SystemClock
from ironleaf.foundation.errors import Detail, Entry, Unit
from ironleaf.foundation.errors.protocol import (
    BODY_STALLED,
    MALFORMED_CHUNKING,
    MALFORMED_HEADER,
    MALFORMED_LENGTH,
    MALFORMED_REQUEST,
    REQUEST_HEADER_TOO_LARGE,
    REQUEST_TIMEOUT,
    UNSUPPORTED_HTTP_VERSION,
    UNSUPPORTED_UPGRADE,
    URI_TOO_LONG,
)
from ironleaf.web.answer import make_answer_to
from ironleaf.web.observation import ErrorObserver, ErrorSeen, Observers, log_error
from ironleaf.web.request_id import RequestIds
from ironleaf.web.translation import Failure

HEADER_BYTES_MAX: Final = 32 * 1024
"""All headers of a request together; browsers and proxies stay below 16 KiB."""
HEADERS_MAX: Final = 100
"""Nginx and Apache allow as many."""
URL_BYTES_MAX: Final = 8 * 1024
"""Nginx's and Apache's limit."""
HEADER_S: Final = 10.0
"""From the first byte of a request to the end of its headers, however slowly they drip."""
BODY_STALL_S: Final = 30.0
"""Without a byte of the body (`design.md` section 12)."""
WRITE_STALL_S: Final = 30.0
"""Without the client reading a byte of the answer."""
DRAIN_BYTES_MAX: Final = 64 * 1024 * 1024
"""Read and thrown away after an early answer, so that the client gets to read it; an upload at the limit fits."""
DRAIN_S: Final = 3.0
"""As long as the above may take."""
KEEP_ALIVE_S: Final = 30
"""Between two requests on one connection."""

_ABSOLUTE: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_VERSIONS: Final = frozenset({"1.0", "1.1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolLimits:
    """What a client may do to a connection."""

    header_bytes_max: int = HEADER_BYTES_MAX
    headers_max: int = HEADERS_MAX
    url_bytes_max: int = URL_BYTES_MAX
    header_s: float = HEADER_S
    body_stall_s: float = BODY_STALL_S
    write_stall_s: float = WRITE_STALL_S
    drain_bytes_max: int = DRAIN_BYTES_MAX
    drain_s: float = DRAIN_S


class CatalogueProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with limits, and with answers from the catalogue. Made by `make_protocol`."""

    limits: ProtocolLimits = ProtocolLimits()
    observers: Observers = Observers((log_error,))
    ids: RequestIds = RequestIds(SystemClock(), random.SystemRandom())

    _timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _phase: str = "head"
    """``head``: reading one; ``body``: reading one; ``idle``: between requests."""
    _deaf: bool = False
    """Refused, or no longer HTTP: whatever else arrives is not looked at."""
    _head_bytes: int = 0
    _raw_bytes: int = 0
    _head_lines: int = 0
    _drained_bytes: int = 0
    _messages: int = 0

    # -- connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.limits.write_stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

    # -- reading

    def data_received(self, data: bytes) -> None:
        parser = cast("Any", self.parser)
        if self._deaf or parser is None:
            return
        self._unset_keepalive_if_required()
        if self._phase == "idle":
            self._begin_head()
        in_head, messages = self._phase == "head", self._messages
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._leave_protocol()
        except httptools.HttpParserError as error:
            self._refuse(_entry_for(error, in_body=self._phase == "body"))
        else:
            if in_head and self._phase == "head" and messages == self._messages:
                # Lines that have not ended yet: the parser keeps them to itself.
                self._raw_bytes += len(data)
                self._check_head()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.limits.url_bytes_max:
            self._refuse(
                URI_TOO_LONG,
                Detail(reason=URI_TOO_LONG.reason, limit=self.limits.url_bytes_max, unit=Unit.BYTES),
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_lines += 1
        self._head_bytes += len(name) + len(value)
        self._check_head()

    def on_headers_complete(self) -> None:
        self._phase, self._drained_bytes = "body", 0
        self._messages += 1
        if self._deaf:
            return
        entry = self._judge_head()
        if entry is not None:
            self._refuse(entry)
            return
        super().on_headers_complete()
        self._arm(self.limits.body_stall_s, self._body_stalled)

    def on_body(self, body: bytes) -> None:
        if self._deaf:
            return
        if self.cycle.response_complete:
            self._drained_bytes += len(body)
            if self._drained_bytes > self.limits.drain_bytes_max:
                self._deaf = True
                self.transport.abort()
        else:
            self._arm(self.limits.body_stall_s, self._body_stalled)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._disarm()
        self._phase = "idle"
        self._head_bytes = self._head_lines = self._raw_bytes = 0
        if not self._deaf:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._phase == "body" and self.cycle.response_complete:
            # Answered before the body was here: let the client finish, within bounds.
            self._unset_keepalive_if_required()
            self._arm(self.limits.drain_s, self.transport.close)

    # -- judging

    def _begin_head(self) -> None:
        self._phase = "head"
        self._arm(self.limits.header_s, self._head_too_slow)

    def _check_head(self) -> None:
        if max(self._head_bytes, self._raw_bytes) > self.limits.header_bytes_max:
            detail = Detail(reason=REQUEST_HEADER_TOO_LARGE.reason, limit=self.limits.header_bytes_max, unit=Unit.BYTES)
            self._refuse(REQUEST_HEADER_TOO_LARGE, detail)
        elif self._head_lines > self.limits.headers_max:
            self._refuse(
                REQUEST_HEADER_TOO_LARGE,
                Detail(reason=REQUEST_HEADER_TOO_LARGE.reason, limit=self.limits.headers_max),
            )

    def _judge_head(self) -> Entry | None:
        """Return what is wrong with a head that the parser takes."""
        parser = cast("Any", self.parser)
        version = parser.get_http_version()
        if version not in _VERSIONS:
            return UNSUPPORTED_HTTP_VERSION
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            return MALFORMED_HEADER
        if parser.get_method() == b"CONNECT":
            return UNSUPPORTED_UPGRADE
        self._obey_target()
        if parser.should_upgrade() and self._get_upgrade() == b"websocket":
            return UNSUPPORTED_UPGRADE
        return None

    def _obey_target(self) -> None:
        """Let the host of ``GET http://host/path`` stand in the place of the ``Host`` header (RFC 9112 3.2.2)."""
        authority = _ABSOLUTE.match(self.url)
        if authority is not None:
            self.headers[:] = [header for header in self.headers if header[0] != b"host"]
            self.headers.append((b"host", authority[1]))

    def _leave_protocol(self) -> None:
        """An upgrade was asked for that we may ignore, such as h2c: answer, then close."""
        self._deaf = True
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None:
            cycle.keep_alive = False

    def _head_too_slow(self) -> None:
        if self._raw_bytes == 0:
            self.transport.close()  # never spoke: browsers open connections ahead of need
        else:
            self._refuse(REQUEST_TIMEOUT)

    def _body_stalled(self) -> None:
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._arm(self.limits.body_stall_s, self._body_stalled)  # it is we who are slow
        else:
            self._refuse(BODY_STALLED)

    # -- answering

    def _refuse(self, entry: Entry, *details: Detail) -> None:
        """Answer from the catalogue if an answer can still be told apart, and close."""
        if self._deaf or self.transport.is_closing():
            return
        self._deaf = True
        self._disarm()
        cycle = cast("RequestResponseCycle | None", self.cycle)
        busy = cycle if cycle is not None and not cycle.response_complete else None
        if busy is not None and self._phase != "body":
            busy.keep_alive = False  # the request before this one is still being answered; close after it
            return
        if busy is not None:
            busy.disconnected = True
            busy.message_event.set()  # the application sees http.disconnect
        if busy is None or not busy.response_started:
            self._write(entry, details)
        self.transport.close()

    def _write(self, entry: Entry, details: tuple[Detail, ...]) -> None:
        request_id = self.ids.make()
        scope: Scope = {"headers": self.headers or [], "root_path": self.root_path}
        answer = make_answer_to(Failure(entry=entry, details=details), scope, request_id=request_id)
        head = [STATUS_LINE[answer.status]]
        for name, value in (*self.server_state.default_headers, *answer.headers, (b"connection", b"close")):
            head += [name, b": ", value, b"\r\n"]
        self.transport.write(b"".join((*head, b"\r\n", answer.body)))
        self.observers.error(
            ErrorSeen(
                request_id=request_id,
                client_request_id=None,
                entry=entry,
                method="-",
                route="-",
                status=answer.status,
                exception=None,
                details=details,
            )
        )

    # -- time

    def _arm(self, duration_s: float, action: Callable[[], object]) -> None:
        self._disarm()
        self._timer = self.loop.call_later(duration_s, action)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _entry_for(error: Exception, *, in_body: bool) -> Entry:
    """Return the entry for what the parser found. Its wording decides nothing but the choice of an entry."""
    words = str(error).lower()  # not shown: chooses the entry
    if isinstance(error, httptools.HttpParserInvalidMethodError | httptools.HttpParserInvalidURLError):
        return MALFORMED_REQUEST
    if "content-length" in words or "transfer-encoding" in words:
        return MALFORMED_LENGTH
    if in_body:
        return MALFORMED_CHUNKING
    if "version" in words or "pri/upgrade" in words:
        return UNSUPPORTED_HTTP_VERSION
    return MALFORMED_HEADER if "header" in words else MALFORMED_REQUEST


def make_protocol(
    *,
    limits: ProtocolLimits | None = None,
    observer: ErrorObserver | None = None,
    clock: Clock | None = None,
    randomness: random.Random | None = None,
) -> type[CatalogueProtocol]:
    """Return the protocol class to hand to uvicorn as ``http=``."""
    parts = {
        "limits": limits or ProtocolLimits(),
        "observers": Observers((observer or log_error,)),
        "ids": RequestIds(clock or SystemClock(), randomness or random.SystemRandom()),
    }
    return type("ConfiguredProtocol", (CatalogueProtocol,), parts)


def make_serve_options(protocol: type[CatalogueProtocol], *, shutdown_s: int = 30) -> dict[str, Any]:
    """Return the keyword arguments for ``uvicorn.Config`` beside the application and the address.

    ``limit_concurrency`` stays off on purpose: uvicorn would answer in words of its own.
    """
    return {
        "http": protocol,
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "date_header": True,
        "proxy_headers": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": shutdown_s,
        "workers": 1,
    }
