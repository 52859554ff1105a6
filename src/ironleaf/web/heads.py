"""HEAD beside GET: load balancers and link checkers ask for no body (RFC 9110, section 9.1)."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute


def answer_heads(router: APIRouter, *paths: str) -> None:
    """Let GET routes of ``router`` answer HEAD too, all or those of ``paths``; the HTTP server leaves the body out.

    Not for routes that stream: the body would be made, to no end.
    """
    for route in [each for each in router.routes if isinstance(each, APIRoute) and "GET" in (each.methods or ())]:
        if paths and route.path not in paths:
            continue
        router.add_api_route(
            route.path.removeprefix(router.prefix),
            route.endpoint,
            methods=["HEAD"],
            dependencies=route.dependencies,
            include_in_schema=False,
            response_model=None,
        )
