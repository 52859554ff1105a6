"""What the kit lets others see: one event per error, one per request."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from ironleaf.foundation.errors import Detail, Entry, Level
from ironleaf.foundation.errors.detail import describe_detail
from ironleaf.foundation.errors.policy import POLICY
from ironleaf.foundation.observability import Redactor, describe_stack

_log = logging.getLogger("ironleaf.web")
_redactor: Final = Redactor()

DETAILS_LOGGED_MAX: Final = 5
"""A form has few fields, and pages that failed have records of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSeen:
    """An error met a request. ``exception`` and ``context`` are private: for redacted logs only."""

    request_id: str
    client_request_id: str | None
    entry: Entry
    method: str
    route: str
    """The route's template, such as ``/items/{id}``; ``-`` if no route matched. Never the path itself."""
    status: int
    """The status that the caller got; 499 if nobody was there to get one."""
    exception: BaseException | None = field(repr=False)
    context: dict[str, object] = field(repr=False, default_factory=dict[str, object])
    started: bool = False
    """Whether the answer had begun, so that it could only be cut."""
    duration_ms: float = 0.0
    details: tuple[Detail, ...] = ()
    """What the caller was told beside the sentence: which field, which page, which limit."""

    @property
    def level(self) -> Level:
        """The level of the entry."""
        return self.entry.level


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSeen:
    """A request was answered."""

    request_id: str
    client_request_id: str | None
    method: str
    route: str
    status: int
    duration_ms: float
    body_bytes: int
    """Bytes of body that were handed to the server."""
    traceparent: str | None = None
    """The caller's own, if it was well formed (W3C Trace Context)."""


ErrorObserver = Callable[[ErrorSeen], None]
RequestObserver = Callable[[RequestSeen], None]


def log_error(seen: ErrorSeen) -> None:
    """Write an error to the standard library's log as its level demands (`foundation/errors/policy`), redacted.

    Works without `configure_logs`: the record itself carries no exception, whose words,
    notes and values any formatter would print, but its redacted description (``stack``).
    """
    policy = POLICY[seen.level]
    if not _log.isEnabledFor(policy.log_level):
        return
    fields: dict[str, Any] = {
        "request_id": seen.request_id,
        "client_request_id": seen.client_request_id,
        "code": seen.entry.code,
        "reason": seen.entry.reason,
        "error_level": seen.level.value,
        "method": seen.method,
        "route": seen.route,
        "status": seen.status,
        "started": seen.started,
        "duration_ms": round(seen.duration_ms, 3),
        "details": list_details(seen) or None,
        "context": _redactor.redact(seen.context),
        "stack": _describe(seen.exception) if policy.with_stack and seen.exception is not None else None,
    }
    told = (seen.entry.code, seen.entry.reason, seen.route, seen.request_id)
    record = _log.makeRecord(_log.name, policy.log_level, __file__, 0, "%s %s %s %s", told, None, extra=fields)
    record.exc_text = _render(fields["stack"])  # formatters print it below the message
    _log.handle(record)


def list_details(seen: ErrorSeen) -> list[str]:
    """Return the details in words, at most `DETAILS_LOGGED_MAX`: numbers, units and names of ours."""
    told = ((each.reason, describe_detail(each, "en")) for each in seen.details[:DETAILS_LOGGED_MAX])
    return [f"{reason}: {facts}" if facts else reason for reason, facts in told]


def _describe(error: BaseException) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", _redactor.redact(describe_stack(error)))


def _render(stack: list[dict[str, Any]] | None) -> str | None:
    lines: list[str] = []
    for link in stack or []:
        lines += [" ".join(f"{link['type']}: {link['message']}".split()), *(f"  {frame}" for frame in link["frames"])]
    return "\n".join(lines) or None


class ErrorCounts:
    """How often each error was seen, by code and by level, since the start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_code: Counter[int] = Counter()
        self._by_level: Counter[Level] = Counter()

    def __call__(self, seen: ErrorSeen) -> None:
        if POLICY[seen.level].counted:
            with self._lock:
                self._by_code[seen.entry.code] += 1
                self._by_level[seen.level] += 1

    def by_code(self) -> dict[int, int]:
        """Return the counts by error code."""
        with self._lock:
            return dict(sorted(self._by_code.items()))

    def by_level(self) -> dict[Level, int]:
        """Return the counts by level."""
        with self._lock:
            return dict(sorted(self._by_level.items()))


class Observers:
    """Tells several observers; one that fails is logged by its type and never disturbs the answer."""

    def __init__(self, errors: Iterable[ErrorObserver], requests: Iterable[RequestObserver] = ()) -> None:
        self._errors: Final = tuple(errors)
        self._requests: Final = tuple(requests)

    @property
    def hears_requests(self) -> bool:
        """Whether anyone wants to hear of plain requests."""
        return bool(self._requests)

    def error(self, seen: ErrorSeen) -> None:
        """Tell everyone of an error."""
        for observer in self._errors:
            try:
                observer(seen)
            except Exception as failure:  # noqa: BLE001 - an observer is not part of the answer
                _log.error("an error observer failed: %s", type(failure).__name__)

    def request(self, seen: RequestSeen) -> None:
        """Tell everyone of a request."""
        for observer in self._requests:
            try:
                observer(seen)
            except Exception as failure:  # noqa: BLE001 - an observer is not part of the answer
                _log.error("a request observer failed: %s", type(failure).__name__)
