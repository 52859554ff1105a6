"""The request's body on its way in: bounded, and not taken for whole when it was cut off."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.formparsers import MultiPartException
from starlette.types import Message, Scope

from ironleaf.foundation.errors import BusinessError, Detail, LimitReached, Unit
from ironleaf.foundation.errors.protocol import MALFORMED_FORM, PAYLOAD_TOO_LARGE
from ironleaf.web.answer import find_header

BODY_BYTES_MAX: Final = 64 * 1024 * 1024
"""For applications that set no limit: above the usual 50 MB upload, below what fills a small disk."""
TAIL_BYTES: Final = 256
"""Holds the last line of a form: a boundary has at most 70 characters (RFC 2046)."""

_BOUNDARY = re.compile(rb'^multipart/form-data *;.*\bboundary="?([^";, ]{1,70})', re.IGNORECASE)


class FormCutOff(BusinessError, MultiPartException):
    """The form ended before its last line. Also of the framework's kind, so that it closes its spooled files."""


class BodyTooLarge(LimitReached, MultiPartException):
    """The body is larger than the limit. Also of the framework's kind, so that it closes its spooled files."""


class Inbound:
    """Counts a body and, for forms that the framework parses, watches for their last line.

    The framework drops a file that was cut off and reports its field as missing.
    """

    __slots__ = ("_bytes", "_bytes_max", "_scope", "_tail")

    def __init__(self, scope: Scope, bytes_max: int | None) -> None:
        self._scope = scope
        self._bytes_max = bytes_max
        self._bytes = 0
        self._tail = b""

    def weigh(self, message: Message) -> None:
        """Look at one message of the body.

        Raises:
            BodyTooLarge: ``payload-too-large``.
            FormCutOff: ``malformed-form``.
        """
        body: bytes = message.get("body", b"")
        if self._bytes == 0:
            self._check(_declared_length(self._scope))
        self._bytes += len(body)
        self._check(self._bytes)
        self._tail = (self._tail + body[-TAIL_BYTES:])[-TAIL_BYTES:]
        if not message.get("more_body", False) and self._bytes and self._cut_off():
            raise FormCutOff(MALFORMED_FORM)

    def _check(self, length: int) -> None:
        if self._bytes_max is not None and length > self._bytes_max:
            detail = Detail(reason=PAYLOAD_TOO_LARGE.reason, limit=self._bytes_max, actual=length, unit=Unit.BYTES)
            raise BodyTooLarge(PAYLOAD_TOO_LARGE, details=(detail,))

    def _cut_off(self) -> bool:
        content_type = find_header(self._scope, b"content-type") or b""
        boundary = _BOUNDARY.search(content_type)
        if boundary is None or not _parsed_by_framework(self._scope):
            return False
        return b"--%s--" % boundary[1] not in self._tail


def _declared_length(scope: Scope) -> int:
    value = find_header(scope, b"content-length")
    return int(value) if value is not None and value.isdigit() else 0


def _parsed_by_framework(scope: Scope) -> bool:
    """Tell whether the route declares form fields; others read the body themselves and know what they want."""
    context: Any = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return getattr(context, "body_field", None) is not None
