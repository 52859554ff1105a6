"""Cutting a call when its time is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ironleaf.foundation.resilience.base import T


class Overrun(Exception):
    """The limit was reached: told apart from a ``TimeoutError`` that the call itself raised."""


async def run_within(limit_s: float, call: Callable[[], Awaitable[T]]) -> T:
    """Return what ``call`` returns, and cancel it after ``limit_s`` seconds.

    A limit of zero or less starts nothing.

    Raises:
        Overrun: the limit was reached.
    """
    if limit_s <= 0.0:
        raise Overrun
    scope = asyncio.timeout(limit_s)
    try:
        async with scope:
            return await call()
    except TimeoutError:
        if scope.expired():
            raise Overrun from None
        raise
