"""HEAD beside GET: load balancers and link checkers ask for no body (RFC 9110, section 9.1)."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute


def answer_heads(router: APIRouter) -> None:
    """Let every GET route of ``router`` answer HEAD too; the HTTP server leaves the body out."""
    for route in [each for each in router.routes if isinstance(each, APIRoute) and "GET" in (each.methods or ())]:
        router.add_api_route(
            route.path.removeprefix(router.prefix),
            route.endpoint,
            methods=["HEAD"],
            include_in_schema=False,
            response_model=None,
        )
