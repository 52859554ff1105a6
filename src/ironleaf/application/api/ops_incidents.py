"""`/v1/ops/incidents`, `/v1/ops/silences`, `/v1/ops/deliveries`: what is wrong, who was told, and a person's orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ironleaf.application.access.guard import GUARD_ERRORS, Guard, caller_of
from ironleaf.application.access.keys import Scope
from ironleaf.application.api.incident_views import (
    Deliveries,
    IncidentLine,
    IncidentPage,
    IncidentStory,
    IncidentViews,
    SilenceLine,
    Silences,
    show_delivery,
)
from ironleaf.foundation.alerting.board import (
    Board,
    IncidentClosed,
    NoSuchIncident,
    NoSuchSilence,
    TooManySilences,
)
from ironleaf.foundation.alerting.deliveries import DeliveryState
from ironleaf.foundation.alerting.desk import IncidentDesk
from ironleaf.foundation.alerting.errors import INCIDENT_CLOSED, INCIDENT_NOT_FOUND, TOO_MANY_SILENCES
from ironleaf.foundation.alerting.incidents import Incident, IncidentState, make_id
from ironleaf.foundation.alerting.silences import SILENCE_S_MAX, SILENCE_S_MIN, Silence
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import BusinessError
from ironleaf.foundation.errors.protocol import BAD_JSON, BAD_OPTION
from ironleaf.foundation.observability import Redactor
from ironleaf.web import Envelope, document_errors

PAGE_DEFAULT: Final = 50
PAGE_MAX: Final = 200
NOTE_CHARACTERS_MAX: Final = 200
_ID: Final = r"^[0-9A-HJKMNP-TV-Z]{26}$"
_PATTERN: Final = r"^[A-Za-z0-9_.:/{}*-]{1,100}$"

IncidentId = Annotated[str, Path(pattern=_ID, description="The incident's number.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
_NOTE: Final = r"^[^\x00-\x1f\x7f]*$"
Note = Annotated[
    str, Field(max_length=NOTE_CHARACTERS_MAX, pattern=_NOTE, description="Shown to operators beside the act.")
]
Pattern = Annotated[str, Field(pattern=_PATTERN, description="Exact, or with `*` for any characters.")]


class Order(BaseModel):
    """A person's order about one incident."""

    model_config = ConfigDict(extra="forbid")

    by: Note = ""
    why: Note = ""


class IncidentSilenceOrder(Order):
    """Tell nobody about this cause for a time."""

    duration_s: int = Field(ge=SILENCE_S_MIN, le=SILENCE_S_MAX)


class SilenceOrder(IncidentSilenceOrder):
    """Tell nobody about what fits, for a time. All three must fit."""

    rule: Pattern = "*"
    component: Pattern = "*"
    cause: Pattern = "*"


def make_router(desk: IncidentDesk, *, guard: Guard, redactor: Redactor, clock: Clock) -> APIRouter:
    """Return the operators' routes about incidents."""
    router = APIRouter(
        prefix="/v1/ops",
        tags=["ops"],
        dependencies=[Depends(guard.require(Scope.OPS))],
        responses=document_errors(*GUARD_ERRORS),
    )
    views = IncidentViews(redactor)
    _add_incidents(router, desk, views)
    _add_orders(router, desk, views, clock)
    _add_silences(router, desk, views, clock)
    return router


def _add_incidents(router: APIRouter, desk: IncidentDesk, views: IncidentViews) -> None:
    @router.get("/incidents", responses=document_errors(BAD_OPTION))
    async def list_incidents(  # pyright: ignore[reportUnusedFunction]
        request: Request,
        state: Annotated[list[IncidentState], Query(description="Only these; without it, all.")] = [],  # noqa: B006
        before: Annotated[str, Query(pattern=r"^([0-9A-HJKMNP-TV-Z]{26})?$")] = "",
        limit: Limit = PAGE_DEFAULT,
    ) -> Envelope[IncidentPage]:
        """Incidents, the newest first."""
        chosen = tuple(each.value for each in state)
        found = await desk.list_incidents(states=chosen, before=before, limit=limit + 1)
        page = IncidentPage(
            incidents=tuple(map(views.line, found[:limit])),
            next_before=found[limit - 1].id if len(found) > limit else None,
            database="away" if desk.away else "here",
        )
        return Envelope[IncidentPage](data=page, request_id=request.state.request_id)

    @router.get("/incidents/{incident_id}", responses=document_errors(INCIDENT_NOT_FOUND, BAD_OPTION))
    async def show_incident(  # pyright: ignore[reportUnusedFunction]
        request: Request, incident_id: IncidentId
    ) -> Envelope[IncidentStory]:
        """One incident with its card, its history, and who was told."""
        found = await desk.find(incident_id)
        if found is None:
            raise BusinessError(INCIDENT_NOT_FOUND)
        return Envelope[IncidentStory](data=views.story(*found), request_id=request.state.request_id)

    @router.get("/deliveries", responses=document_errors(BAD_OPTION))
    async def list_deliveries(  # pyright: ignore[reportUnusedFunction]
        request: Request, state: DeliveryState = DeliveryState.DEAD, limit: Limit = PAGE_DEFAULT
    ) -> Envelope[Deliveries]:
        """Notices that wait, were sent, or were given up (`dead`)."""
        found = await desk.list_deliveries(state=state.value, limit=limit)
        data = Deliveries(deliveries=tuple(map(show_delivery, found)))
        return Envelope[Deliveries](data=data, request_id=request.state.request_id)


def _add_orders(router: APIRouter, desk: IncidentDesk, views: IncidentViews, clock: Clock) -> None:
    refusals = document_errors(BAD_JSON, INCIDENT_NOT_FOUND, INCIDENT_CLOSED, BAD_OPTION)

    async def change(request: Request, act: Callable[[Board], Incident]) -> Envelope[IncidentLine]:
        try:
            incident = await desk.act(act)
        except NoSuchIncident:
            raise BusinessError(INCIDENT_NOT_FOUND) from None
        except IncidentClosed:
            raise BusinessError(INCIDENT_CLOSED) from None
        return Envelope[IncidentLine](data=views.line(incident), request_id=request.state.request_id)

    @router.post("/incidents/{incident_id}/acknowledge", responses=refusals)
    async def acknowledge(  # pyright: ignore[reportUnusedFunction]
        request: Request, incident_id: IncidentId, order: Order
    ) -> Envelope[IncidentLine]:
        """Say that a person has taken it."""
        by = _name(request, order)
        return await change(request, lambda board: board.acknowledge(incident_id, by=by, now=clock.now()))

    @router.post("/incidents/{incident_id}/resolve", responses=refusals)
    async def resolve(  # pyright: ignore[reportUnusedFunction]
        request: Request, incident_id: IncidentId, order: Order
    ) -> Envelope[IncidentLine]:
        """Say that it is over. It is closed at once; what goes on is told as another incident after the grace."""
        by = _name(request, order)
        return await change(request, lambda board: board.resolve(incident_id, by=by, why=order.why, now=clock.now()))


def _add_silences(router: APIRouter, desk: IncidentDesk, views: IncidentViews, clock: Clock) -> None:
    async def put(request: Request, make: Callable[[Board], Silence]) -> Envelope[SilenceLine]:
        def order(board: Board) -> Silence:
            silence = make(board)
            board.silence(silence, clock.now())
            return silence

        try:
            silence = await desk.act(order)
        except NoSuchIncident:
            raise BusinessError(INCIDENT_NOT_FOUND) from None
        except TooManySilences:
            raise BusinessError(TOO_MANY_SILENCES) from None
        return Envelope[SilenceLine](data=views.silence(silence), request_id=request.state.request_id)

    @router.post(
        "/incidents/{incident_id}/silence",
        responses=document_errors(BAD_JSON, INCIDENT_NOT_FOUND, TOO_MANY_SILENCES, BAD_OPTION),
    )
    async def silence_incident(  # pyright: ignore[reportUnusedFunction]
        request: Request, incident_id: IncidentId, order: IncidentSilenceOrder
    ) -> Envelope[SilenceLine]:
        """Tell nobody about this incident's cause for a time."""

        def find(board: Board) -> Silence:
            incident = board.incidents.get(incident_id)
            if incident is None:
                raise NoSuchIncident
            return _make_silence(request, order, ("*", incident.component, incident.cause), clock.now())

        return await put(request, find)

    @router.post("/silences", responses=document_errors(BAD_JSON, TOO_MANY_SILENCES, BAD_OPTION))
    async def add_silence(  # pyright: ignore[reportUnusedFunction]
        request: Request, order: SilenceOrder
    ) -> Envelope[SilenceLine]:
        """Tell nobody about what fits, for a time."""
        fits = (order.rule, order.component, order.cause)
        return await put(request, lambda _: _make_silence(request, order, fits, clock.now()))

    _add_silence_list(router, desk, views, clock)


def _add_silence_list(router: APIRouter, desk: IncidentDesk, views: IncidentViews, clock: Clock) -> None:
    @router.get("/silences")
    async def list_silences(request: Request) -> Envelope[Silences]:  # pyright: ignore[reportUnusedFunction]
        """The silences in force."""
        data = Silences(silences=tuple(map(views.silence, await desk.list_silences())))
        return Envelope[Silences](data=data, request_id=request.state.request_id)

    @router.post("/silences/{silence_id}/expire", responses=document_errors(INCIDENT_NOT_FOUND, BAD_OPTION))
    async def expire_silence(  # pyright: ignore[reportUnusedFunction]
        request: Request, silence_id: IncidentId
    ) -> Envelope[SilenceLine]:
        """End a silence before its time."""
        try:
            ended = await desk.act(lambda board: board.expire(silence_id, clock.now()))
        except NoSuchSilence:
            raise BusinessError(INCIDENT_NOT_FOUND) from None
        return Envelope[SilenceLine](data=views.silence(ended), request_id=request.state.request_id)


def _make_silence(request: Request, order: IncidentSilenceOrder, fits: tuple[str, str, str], now: datetime) -> Silence:
    rule, component, cause = fits
    return Silence(
        id=make_id("|".join(fits), now, request.state.request_id),
        rule=rule,
        component=component,
        cause=cause,
        starts_at=now,
        ends_at=now + timedelta(seconds=order.duration_s),
        by=_name(request, order),
        why=order.why,
    )


def _name(request: Request, order: Order) -> str:
    """Return who gives the order: the name given, and the key that was shown."""
    caller = caller_of(request.scope)
    key = caller.name if caller else ""
    return f"{order.by} ({key})" if order.by and key else order.by or key
