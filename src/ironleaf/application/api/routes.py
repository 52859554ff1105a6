"""The HTTP door to the main job. Thin: it turns a request into an order and a document into an answer."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address
from typing import Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import TypeAdapter

from ironleaf.application.access.guard import GUARD_ERRORS, Guard, caller_of
from ironleaf.application.access.keys import Scope
from ironleaf.application.api.forms import describe_form
from ironleaf.application.conversions import Asker, Conversions, FormBody
from ironleaf.document import Document, EngineName, Inspection
from ironleaf.foundation.errors import Entry
from ironleaf.web import Envelope, document_errors, run_while_connected
from ironleaf.web.exchange import find_route
from ironleaf.web.negotiation import choose_language

CUSTOMER_PREFIX_BITS: Final = 64
"""Of an IPv6 address: what one customer is given, to choose addresses within."""
_ENVELOPE: Final = TypeAdapter(Envelope[Document])
_INSPECTION: Final = TypeAdapter(Envelope[Inspection])
_ENGINES: Final = (EngineName.VL, EngineName.EMBEDDED, EngineName.TEXT_LAYER, EngineName.NATIVE)


def make_router(conversions: Conversions, *, convert_errors: tuple[Entry, ...], guard: Guard) -> APIRouter:
    """Return the routes under ``/v1`` that convert."""
    convert_errors = (*convert_errors, *(entry for entry in GUARD_ERRORS if entry not in convert_errors))
    keyed = [Depends(guard.require_where_demanded(Scope.CONVERT))]
    router = APIRouter(prefix="/v1", tags=["convert"], dependencies=keyed)
    responses: dict[int | str, dict[str, Any]] = {
        200: {"model": Envelope[Document], "description": "The document, page by page."},
        **document_errors(*convert_errors),
    }

    @router.post("/convert", response_class=Response, responses=responses, openapi_extra=describe_form())
    async def convert(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Turn one file into text."""
        async with conversions.receive(_body(request), _asker(request)) as order:
            document = await run_while_connected(request, conversions.convert(order))
        return _answer(document, order.request_id)

    inspect_responses: dict[int | str, dict[str, Any]] = {
        200: {"model": Envelope[Inspection], "description": "What would happen to the file."},
        **document_errors(*convert_errors),
    }

    @router.post("/inspect", response_class=Response, responses=inspect_responses, openapi_extra=describe_form())
    async def inspect(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Say what would happen to a file: its type, its pages, who would read them. Nothing is converted."""
        async with conversions.receive(_body(request), _asker(request)) as order:
            found = await run_while_connected(request, conversions.inspect(order))
        body = _INSPECTION.dump_json(Envelope[Inspection](data=found, request_id=order.request_id))
        return Response(body, media_type="application/json")

    return router


def _body(request: Request) -> FormBody:
    length = request.headers.get("content-length", "")
    return FormBody(
        chunks=request.stream(),
        content_type=request.headers.get("content-type"),
        content_length=int(length) if length.isascii() and length.isdigit() else None,
    )


def _asker(request: Request) -> Asker:
    return Asker(
        language=choose_language(request.headers.get("accept-language")),
        request_id=request.state.request_id,
        ticket=request.state.client_request_id,
        caller=_name_caller(request),
        traceparent=request.state.traceparent,
        route=find_route(request.scope),
    )


def _name_caller(request: Request) -> str:
    """Return whose turn it is: a key's, or else that of the connection's other end."""
    known = caller_of(request.scope)
    if known is not None:
        return known.name
    return name_peer(request.client.host) if request.client else ""


def name_peer(host: str) -> str:
    """Return what a connection's other end is told apart by: IPv6 gives one customer a whole network."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == 4:  # noqa: PLR2004
        return host
    return str(IPv6Network((address, CUSTOMER_PREFIX_BITS), strict=False))


def _answer(document: Document, request_id: str) -> Response:
    body = _ENVELOPE.dump_json(Envelope[Document](data=document, request_id=request_id))
    headers = {
        "x-ironleaf-engine": ", ".join(_engines(document)),
        "x-ironleaf-degraded": "true" if document.degraded else "false",
    }
    return Response(body, media_type="application/json", headers=headers)


def _engines(document: Document) -> tuple[str, ...]:
    used = {page.engine for page in document.pages}
    return tuple(engine.value for engine in _ENGINES if engine.value in used) or (EngineName.NONE.value,)
