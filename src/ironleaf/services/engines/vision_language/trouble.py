"""What can go wrong between us and a model server, as data."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ironleaf.services.engines.upstream_failures.base import UpstreamAnswer


class Trouble(StrEnum):
    """Families of client-side failures; the values are exception names, from which the classifier reads a meaning."""

    REFUSED = "ConnectionRefusedError"
    RESET = "ConnectionResetError"
    CONNECT = "ClientConnectorError"
    DNS = "ClientConnectorDNSError"
    TLS = "ClientConnectorSSLError"
    CERTIFICATE = "ClientConnectorCertificateError"
    PROXY = "ClientProxyConnectionError"
    CONNECT_TIMEOUT = "ConnectionTimeoutError"
    READ_TIMEOUT = "ReadTimeout"
    """No first token, or too long between two."""
    TOTAL_TIMEOUT = "TimeoutError"
    DISCONNECTED = "ServerDisconnectedError"
    CUT = "ClientPayloadError"
    """The body ended before it was whole."""
    MALFORMED = "RemoteProtocolError"
    OVERSIZE = "UnexpectedResponseSize"
    REDIRECTED = "UnexpectedResponseRedirect"
    ADDRESS = "InvalidURL"
    NOT_JSON = "JSONDecodeError"
    INCOMPLETE_STREAM = "IncompleteStream"
    """A stream that ended without a finish_reason."""
    NO_CONTENT = "EmptyCompletion"
    """A success without anything in it."""
    ERROR_EVENT = "ErrorInSuccess"
    """An error object under status 200."""


class TransportFailed(Exception):
    """The HTTP library gave up; private to this package.

    ``http_status`` is what a proxy answered instead of opening the way to the server.
    """

    def __init__(self, trouble: Trouble, *, http_status: int | None = None) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.http_status = http_status


class AnswerUnusable(Exception):
    """A 200 that is no answer; private to this package. ``body`` is the telling part of it."""

    def __init__(self, trouble: Trouble, *, body: str) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.body = body


class CallFailed(Exception):
    """A call gave no usable answer; private to the engines.

    ``answer`` holds the server's own words: for the classifier and for redacted
    logs, never for a caller.
    """

    def __init__(self, answer: UpstreamAnswer, *, trouble: Trouble | None = None) -> None:
        super().__init__(trouble.value if trouble else f"status {answer.http_status}")
        self.answer = answer
        self.trouble = trouble
