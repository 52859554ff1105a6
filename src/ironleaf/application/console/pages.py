"""Renders the console's pages. Templates escape all that they are given."""

from __future__ import annotations

import json
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ironleaf.application.console.static_files import Assets
from ironleaf.application.console.words import PAGE, choose_words
from ironleaf.web.catalogue_pages import find_language

PAGE_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "vary": "Accept-Language",
}


class Pages:
    """The templates, ready to be filled."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._templates = Environment(
            loader=PackageLoader("ironleaf.application.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
        )

    def render(self, name: str, request: Request, **facts: Any) -> HTMLResponse:
        """Return the page ``name`` in the language of the request."""
        language = find_language(request)
        base = find_base(request)

        def address(asset: str) -> str:
            return self._assets.address(asset, base)

        html = self._templates.get_template(f"{name}.html").render(
            language=language,
            base=base,
            here="ops" if name == "sign_in" else name,
            words=choose_words(PAGE, language),
            asset=address,
            **facts,
        )
        return HTMLResponse(html, headers={**PAGE_HEADERS, "content-language": language})


def embed_json(data: object) -> Markup:
    """Return data as JSON that no HTML parser can take for markup."""
    return Markup(json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"))  # noqa: S704 - escaped here


def find_base(request: Request) -> str:
    """Return the path prefix under which a proxy serves us."""
    return str(request.scope.get("root_path", "")).rstrip("/")
