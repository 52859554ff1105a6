"""The FastAPI application: routes over a house, the kit around them."""

from __future__ import annotations

from fastapi import FastAPI

from ironleaf.application import version
from ironleaf.application.api import (
    engines,
    metrics,
    ops_engines,
    ops_incidents,
    ops_quarantine,
    ops_statistics,
    runbooks,
    sessions,
)
from ironleaf.application.api.gate import AccessGate
from ironleaf.application.api.health_details import make_health_details
from ironleaf.application.api.routes import make_router
from ironleaf.application.bootstrap import House
from ironleaf.application.console import home, ops
from ironleaf.application.console.ops import Feed
from ironleaf.application.console.pages import Pages
from ironleaf.application.console.picture import OpsSources
from ironleaf.application.console.static_files import Assets
from ironleaf.application.metrics import HouseCollector, make_registry
from ironleaf.application.settings import list_secrets
from ironleaf.application.statistics_desk import StatisticsDesk
from ironleaf.application.subscriptions import each, log_error, log_request
from ironleaf.foundation.errors.protocol import ENTRIES as PROTOCOL_ENTRIES
from ironleaf.foundation.observability import Redactor
from ironleaf.web import answer_heads, install

FORM_BYTES_MAX = 1024 * 1024
"""Around a file of the largest size: options, boundaries, part headers. Beyond both, no part of it is looked at."""
DESCRIPTION = "Files in, their text out: each page says who read it and how far it may be trusted."


def create_app(house: House) -> FastAPI:
    """Return the application over ``house``, which whoever serves it starts and closes."""
    app = FastAPI(
        title="Ironleaf",
        version=version.VERSION,
        description=DESCRIPTION,
        redirect_slashes=False,  # a redirect would echo the Host header
        redoc_url=None,
        telemetry={"auto_configure": False},  # exporters only where the operator asks for them
    )
    errors = tuple(entry for entry in house.catalogue if entry not in PROTOCOL_ENTRIES)
    guard = house.access.guard
    app.include_router(make_router(house.conversions, convert_errors=errors, guard=guard))
    app.include_router(engines.make_router(house.desk))
    app.include_router(runbooks.make_router())
    app.include_router(ops_engines.make_router(house.desk, guard=guard))
    app.include_router(ops_quarantine.make_router(house.quarantine, guard=guard))
    redactor = Redactor(secrets=list_secrets(house.settings))
    incidents = ops_incidents.make_router(house.alerting.desk, guard=guard, redactor=redactor, clock=house.clock)
    app.include_router(incidents)
    app.include_router(sessions.make_router(house.access))
    statistics = StatisticsDesk(house.recorder, catalogue=house.catalogue, clock=house.clock)
    _add_statistics(app, house, statistics)
    _add_console(app, house, statistics, redactor)
    app.add_middleware(AccessGate, guard=guard)
    install(
        app,
        catalogue=house.catalogue,
        observer=each(log_error, house.watching.hear_error),
        request_observer=each(log_request, house.watching.hear_request),
        health_board=house.health,
        front=house.access.front,
        health_details=make_health_details(guard, redactor),
        body_bytes_max=house.settings.files.limits.bytes_max + FORM_BYTES_MAX,
        root_path=house.settings.server.root_path,
        clock=house.clock,
    )
    return app


def _add_statistics(app: FastAPI, house: House, desk: StatisticsDesk) -> None:
    guard = house.access.guard
    app.include_router(ops_statistics.make_router(desk, guard=guard))
    if house.settings.monitoring.metrics:
        collector = HouseCollector(
            recorder=house.recorder,
            watching=house.watching,
            backends=house.backends,
            pools=house.pools,
            conversions=house.conversions.load,
            clock=house.clock,
        )
        app.include_router(metrics.make_router(make_registry(collector), guard=guard))


def _add_console(app: FastAPI, house: House, statistics: StatisticsDesk, redactor: Redactor) -> None:
    assets = Assets()
    pages = Pages(assets)
    sources = OpsSources(
        health=house.health,
        engines=house.desk,
        incidents=house.alerting.desk,
        statistics=statistics,
        redact=redactor.redact_text,
    )
    app.include_router(ops.make_router(pages, Feed(sources, house.clock), health=house.health, access=house.access))
    app.include_router(assets.make_router())
    first = home.make_router(
        pages,
        desk=house.desk,
        health=house.health,
        progress=house.progress,
        limits=house.settings.files.limits,
        engines=tuple(house.engines),
        notices=house.notices,
    )
    answer_heads(first, "/")
    app.include_router(first)
