"""`/`: give it a file in the browser. The page itself uses the public API; here are only the page and its news."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ironleaf.application.console.pages import Pages, embed_json, find_base
from ironleaf.application.console.state import describe_state
from ironleaf.application.console.words import SCRIPT, choose_notices, choose_words
from ironleaf.application.engine_desk import EngineDesk
from ironleaf.application.options import EngineChoice
from ironleaf.application.progress import ProgressBoard
from ironleaf.foundation.errors import BusinessError, NoticeEntry
from ironleaf.foundation.errors.protocol import NOT_FOUND
from ironleaf.foundation.health import HealthBoard
from ironleaf.services.files.errors import PASSWORD_REQUIRED, WRONG_PASSWORD
from ironleaf.services.files.settings import FileLimits
from ironleaf.web.catalogue_pages import find_language

PATIENCE_S: Final = 330.0
"""Without news for longer than the longest deadline, whoever watches is watching nothing."""
TICKET: Final = re.compile(r"[0-9a-f]{32}")
BYTES_PER_MEGABYTE: Final = 1024**2


def make_router(
    pages: Pages,
    *,
    desk: EngineDesk,
    health: HealthBoard,
    progress: ProgressBoard,
    limits: FileLimits,
    engines: tuple[EngineChoice, ...],
    notices: tuple[NoticeEntry, ...],
) -> APIRouter:
    """Return the routes of the first page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def home(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        language = find_language(request)
        say = choose_words(SCRIPT, language)
        return pages.render(
            "home",
            request,
            state=await describe_state(desk, health, language),
            megabytes=limits.bytes_max // BYTES_PER_MEGABYTE,
            pages_max=limits.pages_max,
            engines=[{"value": each.value, "text": say[f"engine_{each.value}"]} for each in _choices(engines)],
            script_words=embed_json(
                {
                    "say": say,
                    "notices": choose_notices(notices, language),
                    "base": find_base(request),
                    "locked": [PASSWORD_REQUIRED.reason, WRONG_PASSWORD.reason],
                }
            ),
        )

    @router.get("/console/state")
    async def state(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        lines = await describe_state(desk, health, find_language(request))
        return JSONResponse({"data": [asdict(line) for line in lines]}, headers={"cache-control": "no-store"})

    @router.get("/console/progress/{ticket}")
    async def watch(ticket: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        if not TICKET.fullmatch(ticket):
            raise BusinessError(NOT_FOUND)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_tell(progress, ticket), media_type="text/event-stream", headers=headers)

    return router


def _choices(engines: tuple[EngineChoice, ...]) -> tuple[EngineChoice, ...]:
    return tuple(each for each in engines if each in {EngineChoice.VL, EngineChoice.EMBEDDED})


async def _tell(progress: ProgressBoard, ticket: str) -> AsyncGenerator[bytes]:
    async for news in progress.watch(ticket, patience_s=PATIENCE_S):
        yield b"event: stage\ndata: %s\n\n" % orjson.dumps(asdict(news))
    yield b"event: end\ndata: {}\n\n"
