"""Threads for work that waits: few, with a bounded queue, and nobody waits longer than said."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from ironleaf.foundation.database.errors import Trouble, make_unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

T = TypeVar("T")


class WorkThreads:
    """Runs calls beside the event loop.

    A caller that gives up leaves its call behind: one that waits is taken back, one
    that runs keeps its thread until its own limits end it. So what hangs is never
    more than the threads there are.
    """

    def __init__(self, *, threads: int, queue_max: int, name: str) -> None:
        self._calls_max = threads + queue_max
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._guard = threading.Lock()
        self._calls = 0
        self._closed = False

    @property
    def calls(self) -> int:
        """How many calls run or wait."""
        return self._calls

    async def run(self, call: Callable[[], T], *, wait_s: float) -> T:
        """Return what ``call`` returns, or raise what it raises.

        Raises:
            DatabaseUnavailable: too much waits already, the time is over, or this is closed.
        """
        future = self._submit(call)
        try:
            async with asyncio.timeout(wait_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if future.done() and not future.cancelled():
                return future.result()
        raise make_unavailable(Trouble.TIMEOUT, waited_s=wait_s)

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        with self._guard:
            if self._closed:
                raise make_unavailable(Trouble.CLOSED)
            if self._calls >= self._calls_max:
                raise make_unavailable(Trouble.OVERLOADED, calls=self._calls)
            self._calls += 1
        future = self._executor.submit(copy_context().run, call)
        future.add_done_callback(self._count_down)
        return future

    def _count_down(self, _future: object) -> None:
        with self._guard:
            self._calls -= 1

    def close(self) -> None:
        """Take nothing more, forget what waits, and return once what runs has ended."""
        with self._guard:
            self._closed = True
        self._executor.shutdown(wait=True, cancel_futures=True)
