"""Which trace of its caller's a piece of work belongs to (W3C Trace Context).

Only the ``traceparent`` travels: two numbers and a flag, checked where they enter.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


@contextmanager
def within_trace(traceparent: str | None) -> Generator[None]:
    """Let what this task and those it starts ask of others be asked within this trace; None: within none."""
    token = _traceparent.set(traceparent)
    try:
        yield
    finally:
        _traceparent.reset(token)


def current_traceparent() -> str | None:
    """Return the caller's ``traceparent`` that this task works under, or nothing."""
    return _traceparent.get()
