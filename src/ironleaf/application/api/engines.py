"""`GET /v1/engines`: the ladder as callers may know it."""

from __future__ import annotations

from fastapi import APIRouter, Request

from ironleaf.application.engine_desk import EngineDesk, EngineLadder
from ironleaf.web import Envelope, answer_heads


def make_router(desk: EngineDesk) -> APIRouter:
    """Return the public route about the engines."""
    router = APIRouter(prefix="/v1", tags=["engines"])

    @router.get("/engines")
    async def list_engines(request: Request) -> Envelope[EngineLadder]:  # pyright: ignore[reportUnusedFunction]
        """Who reads pages here, in the order of asking, and who can at present."""
        return Envelope[EngineLadder](data=await desk.ladder(), request_id=request.state.request_id)

    answer_heads(router)
    return router
