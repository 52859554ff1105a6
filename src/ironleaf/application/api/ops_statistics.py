"""`/v1/ops/errors` and `/v1/ops/performance`: how often, of which kind, how fast. For operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from ironleaf.application.access.guard import GUARD_ERRORS, Guard
from ironleaf.application.access.keys import Scope
from ironleaf.application.statistics_desk import ErrorStatistics, PerformanceStatistics, StatisticsDesk, View
from ironleaf.foundation.database.errors import DATABASE_UNAVAILABLE
from ironleaf.foundation.errors.protocol import BAD_OPTION
from ironleaf.foundation.monitoring import Dimension, Window
from ironleaf.web import Envelope, document_errors

AskedWindow = Annotated[Window, Query(description="How far back.")]
AskedView = Annotated[
    View, Query(description="`all`: everybody who shares the database; `replica`: this process since its start.")
]


def make_router(desk: StatisticsDesk, *, guard: Guard) -> APIRouter:
    """Return the operators' routes about errors and speed."""
    router = APIRouter(
        prefix="/v1/ops",
        tags=["ops"],
        dependencies=[Depends(guard.require(Scope.OPS))],
        responses=document_errors(*GUARD_ERRORS, BAD_OPTION, DATABASE_UNAVAILABLE),
    )

    @router.get("/errors")
    async def show_errors(  # pyright: ignore[reportUnusedFunction]
        request: Request,
        window: AskedWindow = Window.HOUR,
        by: Annotated[Dimension, Query(description="The side by which errors are told apart.")] = Dimension.CODE,
        view: AskedView = View.ALL,
    ) -> Envelope[ErrorStatistics]:
        """How often errors came, of which kind, and their root causes."""
        found = await desk.errors(window, by, view)
        return Envelope[ErrorStatistics](data=found, request_id=request.state.request_id)

    @router.get("/performance")
    async def show_performance(  # pyright: ignore[reportUnusedFunction]
        request: Request, window: AskedWindow = Window.HOUR, view: AskedView = View.ALL
    ) -> Envelope[PerformanceStatistics]:
        """How long each stage, engine, backend and route took: count, average, least, most, percentiles, pages."""
        found = await desk.performance(window, view)
        return Envelope[PerformanceStatistics](data=found, request_id=request.state.request_id)

    return router
