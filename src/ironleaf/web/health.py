"""`/livez`, `/readyz`, `/health`, `/version`: what a load balancer may know, and no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from ironleaf.foundation.errors.protocol import SERVICE_UNAVAILABLE, SHUTTING_DOWN
from ironleaf.foundation.health import HealthBoard, HealthReport, HealthStatus
from ironleaf.web.answer import answer_error
from ironleaf.web.envelope import document_errors
from ironleaf.web.heads import answer_heads


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
    details: dict[str, str] | None = Field(default=None, description="What each component says; for operators only.")


class Version(BaseModel):
    """What runs here."""

    name: str
    version: str


HealthDetails = Callable[[Request, HealthReport], Awaitable[Mapping[str, str] | None]]
"""Returns what this caller may know of each component beside its state; nothing for most callers."""

_NO_STORE = {"cache-control": "no-store"}


def make_router(board: HealthBoard, *, name: str, version: str, details: HealthDetails | None = None) -> APIRouter:
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
    async def health(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        """How is each component? Details are for operators only."""
        report = await board.report()
        components = {component: result.status.value for component, result in report.components.items()}
        body: dict[str, Any] = {"status": report.status.value, "components": components}
        told = None if details is None else await details(request, report)
        if told is not None:
            body["details"] = dict(told)
        return JSONResponse(body, headers=_NO_STORE)

    @router.get("/version", response_model=Version)
    async def tell_version() -> Response:  # pyright: ignore[reportUnusedFunction]
        """What runs here?"""
        return JSONResponse({"name": name, "version": version})

    answer_heads(router)
    return router
