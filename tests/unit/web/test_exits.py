"""A request may not end the process: not from a stream, not from any task that it started."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from ironleaf.web import ErrorSeen, install
from ironleaf.web.exits import WITHIN_REQUEST, ExitRefused, guard_exits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = pytest.mark.anyio


async def leave() -> None:
    await anyio.lowlevel.checkpoint()
    raise SystemExit(3)


async def in_pieces() -> AsyncIterator[bytes]:
    yield b"first"
    raise SystemExit(3)


def in_a_thread() -> Iterator[bytes]:
    yield b"first"
    raise SystemExit(3)


async def at_once() -> AsyncIterator[bytes]:
    raise SystemExit(3)
    yield b""


def ask(source: Any) -> tuple[list[ErrorSeen], list[Any]]:
    """Return what the observers hear and what is sent; an exit that ends the loop comes out of here."""
    app = FastAPI(telemetry={"auto_configure": False})
    errors: list[ErrorSeen] = []
    app.add_api_route("/stream", lambda: StreamingResponse(source(), media_type="text/plain"))
    install(app, observer=errors.append)

    sent: list[Any] = []

    asked: list[Any] = [{"type": "http.request"}]

    async def receive() -> Any:
        return asked.pop() if asked else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/stream", "headers": [], "query_string": b""}
    asyncio.run(app({**scope, "asgi": {"version": "3.0", "spec_version": "2.3"}}, receive, send))
    return errors, sent


@pytest.mark.parametrize("source", [in_pieces, in_a_thread])
def test_an_exit_in_a_stream_cuts_the_stream_and_nothing_else(source: Any) -> None:
    errors, sent = ask(source)
    assert [(seen.entry.reason, seen.started) for seen in errors] == [("internal-error", True)]
    assert [message.get("body") for message in sent] == [None, b"first"]
    assert sent[-1]["more_body"]


def test_an_exit_before_the_first_byte_is_an_answer() -> None:
    errors, (start, body) = ask(at_once)
    assert (start["status"], json.loads(body["body"])["error"]["reason"]) == (500, "internal-error")
    assert len(errors) == 1


async def guarded(work: Any) -> None:
    loop = asyncio.get_running_loop()
    former = loop.get_task_factory()
    guard_exits(loop)
    token = WITHIN_REQUEST.set(True)
    try:
        await work()
    finally:
        WITHIN_REQUEST.reset(token)
        loop.set_task_factory(former)


async def test_tasks_and_groups_of_a_request_end_by_an_error() -> None:
    async def alone() -> None:
        with pytest.raises(ExitRefused):
            await asyncio.ensure_future(leave())

    async def go_together() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(leave)
            group.start_soon(anyio.sleep_forever)

    async def grouped() -> None:
        with pytest.raises(ExceptionGroup) as found:
            await go_together()
        assert isinstance(found.value.exceptions[0], ExitRefused)

    await guarded(alone)
    await guarded(grouped)


async def test_a_task_that_exits_while_it_is_cancelled_ends_by_an_error_too() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise SystemExit(3)

    async def cancel() -> None:
        task = asyncio.ensure_future(stubborn())
        await anyio.lowlevel.checkpoint()
        task.cancel()
        with pytest.raises(ExitRefused):
            await task

    await guarded(cancel)


async def test_a_task_that_never_began_leaves_no_warning_and_keeps_its_name() -> None:
    async def cancel() -> None:
        task = asyncio.ensure_future(leave())
        assert "leave" in repr(task)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    await guarded(cancel)


async def test_the_factory_of_the_host_still_makes_the_tasks() -> None:
    made: list[Any] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coro)
        return asyncio.Task(coro, loop=loop, **options)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)  # type: ignore[arg-type]
    try:
        guard_exits(loop)
        guard_exits(loop)
        await asyncio.ensure_future(anyio.lowlevel.checkpoint())
    finally:
        loop.set_task_factory(None)
    assert len(made) == 1
