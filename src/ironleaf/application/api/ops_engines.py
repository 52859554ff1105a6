"""`/v1/ops/engines` and `/v1/ops/healing`: the engines as operators see and steer them. Addresses, but no keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ironleaf.application.access.guard import GUARD_ERRORS, Guard
from ironleaf.application.access.keys import Scope
from ironleaf.application.api.gate import note_act
from ironleaf.application.engine_desk import BackendReport, EngineDesk, UnknownBackend
from ironleaf.foundation.errors import BusinessError
from ironleaf.foundation.errors.protocol import BAD_JSON, BAD_OPTION, NOT_FOUND
from ironleaf.services.engines.ledger import HealingEntry
from ironleaf.services.engines.ledger_words import tell_in
from ironleaf.web import Envelope, document_errors
from ironleaf.web.catalogue_pages import find_language

PAGE_DEFAULT: Final = 50
PAGE_MAX: Final = 200
"""Entries in one answer: some tens of kilobytes."""
OFFSET_MAX: Final = 10_000
"""As far back as the ledger is read: more entries than its file holds."""
ALIAS_CHARACTERS_MAX: Final = 64

Breaker = Literal["open", "close", "reset"]


class BreakerOrder(BaseModel):
    """What is to be done with a breaker."""

    model_config = ConfigDict(extra="forbid")

    action: Breaker = Field(
        description="`open`: ask this backend nothing until it is closed by hand or this replica starts anew; `close`: "
        "ask it again; `reset`: ask it again and forget its past."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The model servers behind the VL engine, in the order in which they are asked."""

    backends: tuple[BackendReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingPage:
    """Entries of the ledger, the newest first."""

    entries: tuple[HealingEntry, ...]
    next_offset: int | None
    """For the next page; none after the last one."""


def make_router(desk: EngineDesk, *, guard: Guard) -> APIRouter:
    """Return the operators' routes about the engines."""
    router = APIRouter(
        prefix="/v1/ops",
        tags=["ops"],
        dependencies=[Depends(guard.require(Scope.OPS))],
        responses=document_errors(*GUARD_ERRORS),
    )
    actions: dict[Breaker, Callable[[str], BackendReport]] = {
        "open": desk.open,
        "close": desk.close,
        "reset": desk.reset,
    }

    @router.get("/engines")
    def show_engines(request: Request) -> Envelope[Backends]:  # pyright: ignore[reportUnusedFunction]
        """Each backend: where it is, what was found there, its breaker, its limits."""
        return Envelope[Backends](data=Backends(backends=desk.report()), request_id=request.state.request_id)

    @router.post("/engines/{name}/breaker", responses=document_errors(BAD_JSON, NOT_FOUND, BAD_OPTION))
    async def set_breaker(  # pyright: ignore[reportUnusedFunction]
        request: Request,
        name: Annotated[str, Path(max_length=ALIAS_CHARACTERS_MAX, description="The backend's alias.")],
        order: BreakerOrder,
    ) -> Envelope[BackendReport]:
        """Open, close or reset a backend's breaker by hand."""
        try:
            report = actions[order.action](name)
        except UnknownBackend:
            raise BusinessError(NOT_FOUND) from None
        note_act(request.scope, breaker=order.action, backend=report.alias)
        return Envelope[BackendReport](data=report, request_id=request.state.request_id)

    @router.get("/healing", responses=document_errors(BAD_OPTION))
    def show_healing(  # pyright: ignore[reportUnusedFunction]
        request: Request,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
    ) -> Envelope[HealingPage]:
        """What was done about the backends without asking anyone, and by hand: cause, bounds, outcome, undo."""
        found = desk.history(offset + limit + 1)[offset:]
        more = len(found) > limit
        language = find_language(request)
        entries = tuple(tell_in(entry, language) for entry in found[:limit])
        page = HealingPage(entries=entries, next_offset=offset + limit if more else None)
        return Envelope[HealingPage](data=page, request_id=request.state.request_id)

    return router
