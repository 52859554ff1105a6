"""`/livez`, `/readyz`, `/health`, `/version`: what a load balancer may know, and no more."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from ironleaf.foundation.errors.protocol import SERVICE_UNAVAILABLE, SHUTTING_DOWN
from ironleaf.foundation.health import HealthBoard, HealthStatus
from ironleaf.web.answer import answer_error
from ironleaf.web.envelope import document_errors


class Alive(BaseModel):
    """The process runs and its event loop turns."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The service takes traffic."""

    status: Literal["ready"] = "ready"


class Health(BaseModel):
    """The public face of health: names and states of the components."""

    status: HealthStatus
    components: dict[str, HealthStatus]


class Version(BaseModel):
    """What runs here."""

    name: str
    version: str


_NO_STORE = {"cache-control": "no-store"}


def make_router(board: HealthBoard, *, name: str, version: str) -> APIRouter:
    """Return the routes of health."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", response_model=Alive)
    async def live() -> Response:  # pyright: ignore[reportUnusedFunction]
        """Should the process be restarted? Touches nothing but the event loop."""
        return JSONResponse({"status": "alive"}, headers=_NO_STORE)

    @router.get("/readyz", response_model=Ready, responses=document_errors(SERVICE_UNAVAILABLE, SHUTTING_DOWN))
    async def ready(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Should traffic be sent here?"""
        if board.stopping:
            return answer_error(request, SHUTTING_DOWN)
        if (await board.report()).status is HealthStatus.UNHEALTHY:
            return answer_error(request, SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ready"}, headers=_NO_STORE)

    @router.get("/health", response_model=Health)
    async def health() -> Response:  # pyright: ignore[reportUnusedFunction]
        """How is each component? Details are for operators only."""
        report = await board.report()
        components = {component: result.status.value for component, result in report.components.items()}
        return JSONResponse({"status": report.status.value, "components": components}, headers=_NO_STORE)

    @router.get("/version", response_model=Version)
    async def tell_version() -> Response:  # pyright: ignore[reportUnusedFunction]
        """What runs here?"""
        return JSONResponse({"name": name, "version": version})

    return router
