"""From whatever was raised to the entry that the caller is told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from ironleaf.foundation.errors import Catalogue, Detail, Entry, IronleafError
from ironleaf.foundation.errors.foreign import find_entry_by_status
from ironleaf.foundation.errors.protocol import (
    BAD_JSON,
    BAD_OPTION,
    BAD_REQUEST,
    CLIENT_CLOSED,
    INTERNAL_ERROR,
    MALFORMED_FORM,
)
from ironleaf.web.refusal import Refusal
from ironleaf.web.validation import is_broken_json, make_details

RETRY_AFTER_S_MAX: Final = 86_400.0
"""A day; whoever says more does not mean a wait."""
CHAIN_LENGTH_MAX: Final = 16
"""Causes that are followed; chains are short, and a cycle must not hold us."""

_CORS_VALUE: Final = re.compile(rb"[ -~]{0,1000}")
KEPT_HEADERS: Final[Mapping[bytes, re.Pattern[bytes]]] = {
    b"allow": re.compile(rb"(?:[A-Z]{1,20}(?:, ?|$)){0,20}"),
    b"retry-after": re.compile(rb"[0-9]{1,10}"),
    b"www-authenticate": re.compile(rb"[A-Za-z-]{1,20}(?: +[a-z_]{1,20}=(?:\"[ !#-~]{0,60}\"|[\w-]{1,60}),?){0,6}"),
    b"content-range": re.compile(rb"[a-z]{1,10} \*/[0-9]{1,20}"),
    b"access-control-allow-origin": _CORS_VALUE,
    b"access-control-allow-credentials": _CORS_VALUE,
    b"access-control-allow-methods": _CORS_VALUE,
    b"access-control-allow-headers": _CORS_VALUE,
    b"access-control-expose-headers": _CORS_VALUE,
    b"access-control-max-age": _CORS_VALUE,
}
"""Headers of replaced answers that HTTP itself and CORS ask for, and what may stand in them: whoever raised the error
may have put anything there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error, translated: everything that may be public, and the exception for the log."""

    entry: Entry
    details: tuple[Detail, ...] = ()
    retry_after_s: float | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    exception: BaseException | None = None
    context: dict[str, object] = field(default_factory=dict[str, object])


def translate(error: BaseException, scope: Scope, catalogue: Catalogue) -> Failure:
    """Return the public face of any exception. Out of a group, the most severe error speaks."""
    leaves = list(_leaves(error))
    if leaves != [error]:
        return max((translate(leaf, scope, catalogue) for leaf in leaves), key=_severity)
    if isinstance(error, IronleafError):
        return Failure(
            entry=error.entry,
            details=error.details,
            retry_after_s=error.retry_after_s,
            headers=error.headers if isinstance(error, Refusal) else (),
            exception=error,
            context=error.context,
        )
    if isinstance(error, RequestValidationError | WebSocketRequestValidationError):
        return _translate_validation(error, scope)
    if isinstance(error, HTTPException):
        return _translate_http(error, catalogue)
    if caused_by_departure(error):
        return Failure(entry=CLIENT_CLOSED, exception=error)
    return Failure(entry=INTERNAL_ERROR, exception=error)


def translate_status(status: int, headers: list[tuple[bytes, bytes]], catalogue: Catalogue) -> Failure:
    """Return what may be said of an answer that is not ours: what its status says, no more."""
    kept = keep_headers(headers)
    return Failure(entry=find_entry_by_status(status, catalogue), headers=kept, retry_after_s=_retry_after(kept))


def keep_headers(headers: list[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """Return those headers that a replaced answer keeps."""
    return tuple(
        (name, value)
        for name, value in ((name.lower(), value) for name, value in headers)
        if name in KEPT_HEADERS and KEPT_HEADERS[name].fullmatch(value)
    )


def caused_by_departure(error: BaseException) -> bool:
    """Tell whether the caller's leaving is at the bottom of ``error``."""
    return any(isinstance(link, ClientDisconnect) for link in _chain(error))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for member in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(member)
    else:
        yield error


def _severity(failure: Failure) -> tuple[bool, str, int]:
    # A cancellation beside a real error is the group's doing, not the cause.
    real = not isinstance(failure.exception, asyncio.CancelledError)
    return (real, failure.entry.level.value, failure.entry.http_status)


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(CHAIN_LENGTH_MAX):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__


def _translate_validation(error: RequestValidationError | WebSocketRequestValidationError, scope: Scope) -> Failure:
    errors = error.errors()
    if is_broken_json(errors):
        return Failure(entry=BAD_JSON, exception=error)
    return Failure(entry=BAD_OPTION, details=make_details(errors, scope), exception=error)


def _translate_http(error: HTTPException, catalogue: Catalogue) -> Failure:
    if caused_by_departure(error):
        return Failure(entry=CLIENT_CLOSED, exception=error)
    raw = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in (error.headers or {}).items()
    ]
    kept = keep_headers(raw)
    entry = find_entry_by_status(error.status_code, catalogue)
    if entry is BAD_REQUEST:
        # The framework wraps whatever happens while it reads a body.
        known = next((link for link in _chain(error) if isinstance(link, IronleafError)), None)
        if known is not None:
            return translate(known, {}, catalogue)
    if entry is BAD_REQUEST and any(isinstance(link, MultiPartException) for link in _chain(error)):
        entry = MALFORMED_FORM
    return Failure(entry=entry, headers=kept, retry_after_s=_retry_after(kept), exception=error)


def _retry_after(headers: tuple[tuple[bytes, bytes], ...]) -> float | None:
    for name, value in headers:
        if name == b"retry-after" and value.isdigit():
            return min(float(value), RETRY_AFTER_S_MAX)
    return None
