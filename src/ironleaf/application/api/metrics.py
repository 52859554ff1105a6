"""`/metrics`: for Prometheus. Free on this machine, beyond it with a key of scope `ops`."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry

from ironleaf.application.access.guard import GUARD_ERRORS, Guard
from ironleaf.application.access.keys import Scope
from ironleaf.application.metrics import MEDIA_TYPE, render
from ironleaf.web import answer_heads, document_errors


def make_router(registry: CollectorRegistry, *, guard: Guard) -> APIRouter:
    """Return the route for Prometheus."""
    router = APIRouter(tags=["health"])

    @router.get(
        "/metrics",
        response_class=PlainTextResponse,
        dependencies=[Depends(guard.require_off_loopback(Scope.OPS))],
        responses=document_errors(*GUARD_ERRORS),
    )
    async def show_metrics() -> PlainTextResponse:  # pyright: ignore[reportUnusedFunction]
        """Counters, histograms and states of this process in the text format of Prometheus."""
        return PlainTextResponse(render(registry), media_type=MEDIA_TYPE)

    answer_heads(router)
    return router
