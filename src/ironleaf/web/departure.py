"""Stops work whose caller has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from ironleaf.foundation.errors import BusinessError
from ironleaf.foundation.errors.protocol import CLIENT_CLOSED

T = TypeVar("T")


async def run_while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of ``work``, or cancel it as soon as the caller leaves.

    To be used once the request's body has been read: what still arrives then is
    the news of the departure.

    Raises:
        BusinessError: ``client-closed``; it ends as 499 in the logs.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_wait_for_departure(request))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise BusinessError(CLIENT_CLOSED)
    finally:
        for each in (task, watch):
            each.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _wait_for_departure(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
