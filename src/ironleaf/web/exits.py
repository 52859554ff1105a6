"""No request ends the process, whichever of its tasks tries to.

A `SystemExit` that leaves a task tears down the whole event loop, past every
handler. Frameworks run streams in tasks of their own, so no layer of an
application sees it. Here the tasks that a request starts turn it into an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Final

WITHIN_REQUEST: Final[ContextVar[bool]] = ContextVar("ironleaf.within_request", default=False)
"""Set by the sink; tasks inherit it."""


class ExitRefused(Exception):
    """The application tried to end the process from inside a request."""


class _Guarded(Coroutine[Any, Any, Any]):
    """A coroutine whose `SystemExit` is an error like others. Everything else about it is its own."""

    __slots__ = ("__weakref__", "_inner")

    def __init__(self, inner: Coroutine[Any, Any, Any]) -> None:
        self._inner = inner

    def send(self, value: Any) -> Any:
        try:
            return self._inner.send(value)
        except SystemExit as error:
            raise ExitRefused("a request may not end the process") from error

    def throw(self, *error: Any) -> Any:
        try:
            return self._inner.throw(*error)
        except SystemExit as exit_:
            raise ExitRefused("a request may not end the process") from exit_

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Any:
        return self._inner.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)  # names and states, which task groups and debuggers ask for


class _TaskFactory:
    """Guards the tasks of requests; the rest is left to the factory that was there before."""

    def __init__(self, former: Callable[..., Any] | None) -> None:
        self._make = former or _make_task

    def __call__(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        guarded = _Guarded(coro) if WITHIN_REQUEST.get() else coro
        return self._make(loop, guarded, **options)


def _make_task(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coro, loop=loop, **options)


def guard_exits(loop: asyncio.AbstractEventLoop) -> None:
    """Let tasks that requests start on ``loop`` end by `ExitRefused` where they would end the process."""
    former = loop.get_task_factory()
    if not isinstance(former, _TaskFactory):
        loop.set_task_factory(_TaskFactory(former))
