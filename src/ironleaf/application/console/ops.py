"""`/ops`: how the service is doing, live. The page steers through `/v1/ops`; here are the page and its feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
import structlog
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from ironleaf.application.access.desk import Access
from ironleaf.application.access.guard import GUARD_ERRORS
from ironleaf.application.access.keys import Scope
from ironleaf.application.api.sessions import CONSOLE_PATH, PRIVATE, enter
from ironleaf.application.console.ops_words import OPS_PAGE, OPS_SCRIPT
from ironleaf.application.console.pages import Pages, embed_json, find_base
from ironleaf.application.console.picture import OpsSources, draw_picture
from ironleaf.application.console.words import choose_words
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import DependencyFailure, IronleafError, Language
from ironleaf.foundation.health import HealthBoard
from ironleaf.web import Refusal, answer_heads
from ironleaf.web.catalogue_pages import find_language

LOOK_S: Final = 0.25
"""How often the picture is looked at: what happened is on the screen within a second."""
BEAT_S: Final = 15.0
"""Something is said at least so often, so that proxies keep the line and the page knows that we live."""
FEED_S_MAX: Final = 1_800.0
"""Then the browser opens a new line: nothing lasts for ever."""
SIGN_IN_BYTES_MAX: Final = 4_096
"""A form with one key."""
RETRY_MS: Final = 500
"""After a break the browser asks again so soon."""
VIEWERS_MAX: Final = 32
"""Lines open at once; operators are few."""

_REFUSALS: Final = {entry.reason: entry for entry in GUARD_ERRORS}

_log = structlog.get_logger(__name__)


Parts = dict[str, bytes]
"""The picture: each part by name, as JSON."""


class Feed:
    """Draws the picture once for all who watch in one language, and only while somebody does."""

    def __init__(self, sources: OpsSources, clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._drawn: dict[Language, tuple[float, Parts]] = {}
        self._turn = asyncio.Lock()
        self._viewers = 0

    async def watch(self, language: Language, goes_on: Callable[[], bool]) -> AsyncGenerator[bytes]:
        """Yield server-sent events while it goes on: the parts that have changed, a beat when nothing does."""
        if self._viewers >= VIEWERS_MAX:
            return
        self._viewers += 1
        try:
            began_s = told_s = self._clock.monotonic()
            shown: Parts = {}
            yield b"retry: %d\n\n" % RETRY_MS
            while goes_on() and self._clock.monotonic() - began_s < FEED_S_MAX:
                parts = await self._draw(language)
                now_s = self._clock.monotonic()
                changed = [
                    b'"%s":%s' % (name.encode(), part) for name, part in parts.items() if shown.get(name) != part
                ]
                if changed:
                    shown, told_s = parts, now_s
                    yield b"event: picture\ndata: {%s}\n\n" % b",".join(changed)
                elif now_s - told_s >= BEAT_S:
                    told_s = now_s
                    yield b"event: beat\ndata: {}\n\n"
                await self._clock.sleep(LOOK_S)
        finally:
            self._viewers -= 1

    async def _draw(self, language: Language) -> Parts:
        async with self._turn:
            drawn_s, parts = self._drawn.get(language, (float("-inf"), {}))
            if self._clock.monotonic() - drawn_s < LOOK_S / 2:
                return parts
            try:
                picture = await draw_picture(self._sources, language)
                parts = {name: orjson.dumps(part) for name, part in picture.items()}
            except IronleafError as error:  # what stands there stays until it can be drawn again
                _log.info("the operators' picture cannot be drawn", reason=error.entry.reason)
            self._drawn[language] = self._clock.monotonic(), parts
            return parts


def make_router(pages: Pages, feed: Feed, *, health: HealthBoard, access: Access) -> APIRouter:
    """Return the routes of the operators' page."""
    router = APIRouter(include_in_schema=False)
    guard = access.guard

    @router.get(CONSOLE_PATH)
    async def ops(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        language = find_language(request)
        caller = guard.recognise(request.scope)
        if caller is None or Scope.OPS not in caller.scopes:
            return _ask_who(pages, request)
        page_words = choose_words(OPS_PAGE, language)
        script: dict[str, Any] = {"say": choose_words(OPS_SCRIPT, language), "base": find_base(request)}
        return pages.render("ops", request, ops_words=page_words, script_words=embed_json(script))

    @router.post(CONSOLE_PATH)
    async def sign_in(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        try:
            caller = guard.demand_key(request.scope, await _read_key(request), Scope.OPS)
        except (Refusal, DependencyFailure) as refusal:
            _log.info("sign-in refused", reason=refusal.entry.reason)
            query = f"?lang={find_language(request)}&refused={refusal.entry.reason}"
            return Response(status_code=303, headers={**PRIVATE, "location": find_base(request) + CONSOLE_PATH + query})
        secret = access.sessions.open(key_id=caller.name, scopes=caller.scopes)
        return enter(access, request, secret, query=f"?lang={find_language(request)}")

    @router.get("/console/ops/feed", dependencies=[Depends(guard.require(Scope.OPS))])
    async def tell(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}

        def goes_on() -> bool:
            return not health.stopping and guard.stands(request.scope)

        events = feed.watch(find_language(request), goes_on)
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    answer_heads(router, CONSOLE_PATH)
    return router


def _ask_who(pages: Pages, request: Request) -> Response:
    language = find_language(request)
    refused = _REFUSALS.get(request.query_params.get("refused", ""))
    said = "" if refused is None else refused.message.in_language(language)
    return pages.render("sign_in", request, ops_words=choose_words(OPS_PAGE, language), refused=said)


async def _read_key(request: Request) -> str:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > SIGN_IN_BYTES_MAX:
            return ""
    return parse_qs(body.decode("utf-8", "replace")).get("key", [""])[0].strip()
