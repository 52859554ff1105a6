"""`GET /runbooks/{rule}`: what a card links to. Public, as the pages of the errors are: nothing in it is private."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from ironleaf.application.runbooks import find_runbook
from ironleaf.foundation.errors import BusinessError
from ironleaf.foundation.errors.protocol import BAD_OPTION, NOT_FOUND
from ironleaf.web import answer_heads, document_errors
from ironleaf.web.catalogue_pages import find_language, make_page, respond_page


def make_router() -> APIRouter:
    """Return the route of the runbooks."""
    router = APIRouter(tags=["runbooks"])

    @router.get("/runbooks/{rule}", response_class=HTMLResponse, responses=document_errors(NOT_FOUND, BAD_OPTION))
    async def show_runbook(  # pyright: ignore[reportUnusedFunction]
        request: Request, rule: Annotated[str, Path(max_length=100, description="As a card names it.")]
    ) -> Response:
        """One alert, explained: meaning, impact, check, mend; in English or Chinese."""
        runbook = find_runbook(rule)
        if runbook is None:
            raise BusinessError(NOT_FOUND)
        language = find_language(request)
        return respond_page(make_page(runbook.rule, runbook.in_language(language), language), language)

    answer_heads(router)
    return router
