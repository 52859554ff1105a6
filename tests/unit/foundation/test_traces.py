from __future__ import annotations

import asyncio

import pytest

from ironleaf.foundation.traces import current_traceparent, within_trace


async def tell() -> str | None:
    return current_traceparent()


@pytest.mark.anyio
async def test_work_belongs_to_the_trace_it_was_begun_in() -> None:
    with within_trace("one"):
        begun = asyncio.ensure_future(tell())
        with within_trace(None):
            assert await tell() is None
        assert current_traceparent() == "one"
    assert current_traceparent() is None
    assert await begun == "one"
