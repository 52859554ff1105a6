"""What the kit lets others see: one event per error, one per request."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from ironleaf.foundation.errors import Entry, Level
from ironleaf.foundation.errors.policy import POLICY

_log = logging.getLogger("ironleaf.web")


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


ErrorObserver = Callable[[ErrorSeen], None]
RequestObserver = Callable[[RequestSeen], None]


def log_error(seen: ErrorSeen) -> None:
    """Write an error to the standard library's log as its level demands (`foundation/errors/policy`)."""
    policy = POLICY[seen.level]
    if not _log.isEnabledFor(policy.log_level):
        return
    fields: dict[str, object] = {
        "request_id": seen.request_id,
        "client_request_id": seen.client_request_id,
        "code": seen.entry.code,
        "reason": seen.entry.reason,
        "level_of_error": seen.level.value,
        "method": seen.method,
        "route": seen.route,
        "status": seen.status,
        "started": seen.started,
        "duration_ms": round(seen.duration_ms, 3),
        "context": seen.context,
    }
    _log.log(
        policy.log_level,
        "%s %s %s %s",
        seen.entry.code,
        seen.entry.reason,
        seen.route,
        seen.request_id,
        extra=fields,
        exc_info=seen.exception if policy.with_stack else None,
    )


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
