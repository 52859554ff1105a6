"""The console's own files, served with the hash of their content in the address."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from ironleaf.foundation.errors import BusinessError
from ironleaf.foundation.errors.protocol import NOT_FOUND

ASSETS: Final = {
    "console.css": "text/css; charset=utf-8",
    "dom.js": "text/javascript; charset=utf-8",
    "ops.js": "text/javascript; charset=utf-8",
    "uplot.css": "text/css; charset=utf-8",
    "uplot.js": "text/javascript; charset=utf-8",
    "home.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
ASSET_AGE_S: Final = 31_536_000
"""A year: another content has another address."""


class Assets:
    """Every file that the console's pages may load."""

    def __init__(self) -> None:
        self._bytes = {name: _load(name) for name in ASSETS}
        self._marks = {name: _mark(content) for name, content in self._bytes.items()}

    def address(self, name: str, base: str) -> str:
        """Return where a file is to be had, below the prefix ``base``."""
        return f"{base}/console/assets/{self._marks[name]}/{name}"

    def make_router(self) -> APIRouter:
        """Return the route that serves the files."""
        router = APIRouter()

        @router.get("/console/assets/{mark}/{name}", include_in_schema=False)
        async def serve(mark: str, name: str) -> Response:  # pyright: ignore[reportUnusedFunction]
            if self._marks.get(name) != mark:
                raise BusinessError(NOT_FOUND)
            headers = {
                "cache-control": f"public, max-age={ASSET_AGE_S}, immutable",
                "x-content-type-options": "nosniff",
                "content-type": ASSETS[name],
            }
            return Response(self._bytes[name], headers=headers)

        return router


def _load(name: str) -> bytes:
    return files("ironleaf.application.console").joinpath("assets", name).read_bytes()


def _mark(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()[:9]).decode()
