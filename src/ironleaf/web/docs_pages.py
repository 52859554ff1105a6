"""The interactive documentation, without a byte from elsewhere.

FastAPI's own page loads its script from a public CDN; this one serves the same
Swagger UI from the package (`assets/`, versions and hashes in `assets/README.md`).
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
}
ASSET_AGE_S: Final = 86_400
"""A day; the address carries the content's hash, so an update is seen at once."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI writes style attributes, so those are allowed; scripts are only our files."""


def _load(name: str) -> bytes:
    return files("ironleaf.web").joinpath("assets", name).read_bytes()


def install_docs(app: FastAPI) -> None:
    """Replace FastAPI's documentation pages by one that needs no CDN. Does nothing if ``docs_url`` is off."""
    if app.docs_url is None or app.openapi_url is None:
        return
    replaced = {app.docs_url, app.redoc_url, app.swagger_ui_oauth2_redirect_url} - {None}  # routers have no path
    app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", None) not in replaced]
    base, openapi_url, title = app.docs_url, app.openapi_url, app.title

    async def page(request: Request) -> Response:
        prefix = str(request.scope.get("root_path", "")).rstrip("/")
        return _page(title, f"{prefix}{base}", f"{prefix}{openapi_url}")

    app.add_route(base, page, include_in_schema=False)
    for name, media_type in ASSETS.items():
        _serve(app, f"{base}/{name}", name, media_type)


def _serve(app: FastAPI, path: str, name: str, media_type: str) -> None:
    async def asset(_: Request) -> Response:
        headers = {"cache-control": f"public, max-age={ASSET_AGE_S}", "x-content-type-options": "nosniff"}
        return Response(_load(name), headers={**headers, "content-type": media_type})

    app.add_route(path, asset, include_in_schema=False)


def _page(title: str, base: str, openapi_url: str) -> Response:
    marks = {name: _mark(name) for name in ASSETS}
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f'<link rel="stylesheet" href="{escape(base)}/swagger-ui.css?{marks["swagger-ui.css"]}">'
        f'</head><body><div id="swagger-ui" data-openapi="{escape(openapi_url)}"></div>'
        f'<script src="{escape(base)}/swagger-ui-bundle.js?{marks["swagger-ui-bundle.js"]}"></script>'
        f'<script src="{escape(base)}/docs.js?{marks["docs.js"]}"></script></body></html>'
    )
    headers = {
        "content-security-policy": _POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }
    return HTMLResponse(html, headers=headers)


def _mark(name: str) -> str:
    mark = _marks.get(name)
    if mark is None:
        mark = _marks[name] = base64.urlsafe_b64encode(hashlib.sha256(_load(name)).digest()[:9]).decode()
    return mark


_marks: dict[str, str] = {}
