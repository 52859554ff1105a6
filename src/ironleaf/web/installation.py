"""Puts the kit on a FastAPI application."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler as framework_http_handler
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from ironleaf.foundation.clock import Clock, SystemClock
from ironleaf.foundation.errors import Catalogue, Language
from ironleaf.foundation.errors.protocol import ENTRIES
from ironleaf.foundation.health import HealthBoard, Probe
from ironleaf.web import catalogue_pages, health
from ironleaf.web.docs_pages import install_docs
from ironleaf.web.exchange import SinkParts
from ironleaf.web.front_guard import FrontGuard, FrontRules
from ironleaf.web.health import HealthDetails
from ironleaf.web.inbound import BODY_BYTES_MAX
from ironleaf.web.observation import ErrorCounts, ErrorObserver, Observers, RequestObserver, log_error
from ironleaf.web.openapi import install_openapi
from ironleaf.web.request_id import RequestIds
from ironleaf.web.sink import Sink
from ironleaf.web.tap import Tap

_log = logging.getLogger("ironleaf.web")
_ERROR_STATUS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What `install` put in place."""

    catalogue: Catalogue
    health: HealthBoard
    counts: ErrorCounts
    observers: Observers
    """Whoever hears of errors; hand ``observers.error`` to `make_protocol`, so that those are heard too."""


def install(  # noqa: PLR0913 - one keyword per choice, all with a default
    app: FastAPI,
    *,
    catalogue: Catalogue | None = None,
    observer: ErrorObserver | None = None,
    request_observer: RequestObserver | None = None,
    probes: Iterable[Probe] = (),
    health_board: HealthBoard | None = None,
    default_language: Language = "en",
    own_4xx: bool = False,
    settle_dependencies: bool = True,
    body_bytes_max: int | None = BODY_BYTES_MAX,
    front: FrontRules | None = None,
    health_details: HealthDetails | None = None,
    pages: bool = True,
    root_path: str = "",
    clock: Clock | None = None,
    randomness: random.Random | None = None,
) -> Kit:
    """Give ``app`` the sink, the envelope, request ids, the catalogue's pages, health and documentation.

    To be called once, before the first request; middleware and routes may be added
    before or after.

    Args:
        app: any FastAPI application.
        catalogue: what it may answer; the generic and protocol entries are added if they are missing.
        observer: hears of every error; by default errors go to the standard library's log.
        request_observer: hears of every request.
        probes: what `/readyz` and `/health` ask.
        health_board: one that already exists, in place of ``probes``.
        default_language: for callers who name none.
        own_4xx: lets 4xx answers pass that the application built itself; what
            `HTTPException` says is replaced even then, unless the application has a handler for it.
        settle_dependencies: finish ``yield`` dependencies before a complete answer is sent, so
            that a failing commit is not answered with 200. Background tasks then must not use them.
        body_bytes_max: the largest request body that is read; ``None`` for no limit.
        front: under which host names the application answers; with it, unsafe requests that another
            site's page sends are refused, too. ``None``: any name, any page.
        health_details: says what `/health` tells this caller beside the states; ``None``: nothing, to anybody.
        pages: whether to add `/v1/errors`, `/errors`, `/livez`, `/readyz`, `/health`, `/version`
            and a `/docs` that needs no CDN.
        root_path: the path prefix under which callers see the application; whoever stands before it may
            take the prefix off a request or leave it. Empty: whatever the server says.
        clock: where time comes from.
        randomness: where request ids get theirs from.

    Raises:
        CatalogueError: an entry of the catalogue has the code or the reason of a generic one.
        RuntimeError: the application has begun to answer, or has the kit already.
    """
    if app.middleware_stack is not None or getattr(app, "_ironleaf_kit", None) is not None:
        raise RuntimeError("install the kit once, before the first request")
    clock = clock or SystemClock()
    whole = complete_catalogue(catalogue)
    counts = ErrorCounts()
    observers = Observers((counts, observer or log_error), () if request_observer is None else (request_observer,))
    parts = SinkParts(
        catalogue=whole,
        observers=observers,
        ids=RequestIds(clock, randomness or random.SystemRandom()),
        clock=clock,
        default_language=default_language,
        own_4xx=own_4xx,
        settle_dependencies=settle_dependencies,
        body_bytes_max=body_bytes_max,
        root_path=root_path,
    )
    board = health_board or HealthBoard(probes, clock)
    _wrap(app, parts, front)
    _let_errors_rise(app, own_4xx=own_4xx)
    install_openapi(app)
    if pages:
        app.include_router(catalogue_pages.make_router(whole))
        app.include_router(health.make_router(board, name=app.title, version=app.version, details=health_details))
        install_docs(app)
    kit = Kit(catalogue=whole, health=board, counts=counts, observers=observers)
    app.__dict__["_ironleaf_kit"] = kit
    return kit


def complete_catalogue(catalogue: Catalogue | None) -> Catalogue:
    """Return ``catalogue`` with those generic and protocol entries that it lacks.

    Raises:
        CatalogueError: an entry has the code or the reason of a generic one, yet differs from it.
    """
    own = tuple(catalogue or ())
    return Catalogue((*own, *(entry for entry in ENTRIES if entry not in own)))


def _wrap(app: FastAPI, parts: SinkParts, front: FrontRules | None) -> None:
    build: Callable[[], ASGIApp] = app.build_middleware_stack

    def build_with_sink() -> ASGIApp:
        if app.debug:
            _log.warning("debug mode shows stacks to callers: it is switched off")
            app.debug = False
        app.user_middleware.append(Middleware(Tap))
        stack = build() if front is None else FrontGuard(build(), front)
        return Sink(stack, parts, cors=_find_cors(app))

    app.build_middleware_stack = build_with_sink


def _find_cors(app: FastAPI) -> CORSMiddleware | None:
    """Return the application's CORS rules, for answers that are made outside its middleware."""
    for middleware in app.user_middleware:
        kind: Any = middleware.cls
        if isinstance(kind, type) and issubclass(kind, CORSMiddleware):
            rules: Any = middleware
            return CORSMiddleware(app.router, *rules.args, **rules.kwargs)
    return None


async def _raise_again(_: Request, error: Exception) -> Response:
    raise error


async def _raise_http_again(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code < _ERROR_STATUS:
        answer = await framework_http_handler(request, HTTPException(error.status_code, headers=error.headers))
        answer.body = b""
        answer.raw_headers = [header for header in answer.raw_headers if not header[0].startswith(b"content-")]
        return answer
    raise error


def _let_errors_rise(app: FastAPI, *, own_4xx: bool) -> None:
    for key in (500, Exception):
        app.exception_handlers.pop(key, None)
    app.add_exception_handler(Exception, _raise_again)
    app.add_exception_handler(RequestValidationError, _raise_again)
    for kind in (WebSocketException, WebSocketRequestValidationError):  # the framework would close with their words
        app.exception_handlers[kind] = cast("Any", _raise_again)
    kept = app.exception_handlers.get(HTTPException)
    if not own_4xx or kept is None or kept is framework_http_handler:
        app.add_exception_handler(HTTPException, _raise_http_again)
