"""Logging a browser in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from ironleaf.application.access import keys
from ironleaf.application.access.credentials import CredentialKind, find_credential
from ironleaf.application.access.desk import Access
from ironleaf.application.access.errors import LOGIN_LINK_SPENT
from ironleaf.application.access.guard import GUARD_ERRORS, caller_of
from ironleaf.application.access.sessions import SESSION_S
from ironleaf.foundation.errors import BusinessError
from ironleaf.foundation.errors.protocol import RATE_LIMITED
from ironleaf.web import Envelope, document_errors

CONSOLE_PATH: Final = "/ops"
LOGIN_PATH: Final = "/login"
PRIVATE: Final = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
"""The address holds a secret, and the answer another one."""

_audit = structlog.get_logger("ironleaf.audit")
_LOGIN_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    303: {"description": "Logged in; the console is at `Location`."},
    **document_errors(LOGIN_LINK_SPENT, RATE_LIMITED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """Who is asking, and what is open to him."""

    name: str
    """The public id of a key, or a session's name."""
    scopes: tuple[keys.Scope, ...]


def make_router(access: Access) -> APIRouter:
    """Return `/login`, `/logout` and `/v1/ops/session`."""
    router = APIRouter(tags=["sessions"])
    guarded = [Depends(access.guard.require(keys.Scope.OPS))]

    @router.get(LOGIN_PATH, status_code=303, response_class=Response, responses=_LOGIN_RESPONSES)
    async def log_in(  # pyright: ignore[reportUnusedFunction]
        request: Request,
        token: str = Query(default="", description="From the link that `ironleaf serve` prints."),
    ) -> Response:
        """Use up a login link, and give this browser a session."""
        one = len(request.query_params.getlist("token")) == 1
        secret = access.sessions.redeem(token) if one else None
        if secret is None:
            access.guard.count_guess(request.scope)
            raise BusinessError(LOGIN_LINK_SPENT)
        return enter(access, request, secret)

    @router.post("/logout", status_code=204, response_class=Response)
    async def log_out(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        """End this browser's session."""
        _end_session(access, request)
        return _set_cookie(access, Response(status_code=204, headers=PRIVATE), "", age_s=0)

    @router.get("/v1/ops/session", dependencies=guarded, responses=document_errors(*GUARD_ERRORS))
    async def show_session(request: Request) -> Envelope[SessionView]:  # pyright: ignore[reportUnusedFunction]
        """Say who is asking."""
        caller = caller_of(request.scope)
        scopes = () if caller is None else tuple(sorted(caller.scopes))
        view = SessionView(name="" if caller is None else caller.name, scopes=scopes)
        return Envelope[SessionView](data=view, request_id=request.state.request_id)

    return router


def enter(access: Access, request: Request, secret: str, *, query: str = "") -> Response:
    """Return the answer that gives this browser a new session, in place of the one that it may have, and goes on."""
    _end_session(access, request)
    session = access.sessions.find(secret)
    _audit.info(
        "audit",
        by=None if session is None else session.name,
        key=None if session is None else session.key_id or None,
        route=LOGIN_PATH,
    )
    prefix: str = request.scope.get("root_path", "").rstrip("/")
    headers = {**PRIVATE, "location": prefix + CONSOLE_PATH + query}
    return _set_cookie(access, Response(status_code=303, headers=headers), secret, age_s=int(SESSION_S))


def _end_session(access: Access, request: Request) -> None:
    headers = [header for header in request.scope["headers"] if header[0] == b"cookie"]
    held = find_credential(headers, cookie_name=access.guard.rules.cookie_name)
    if held is not None and held.kind is CredentialKind.SESSION:
        access.sessions.end(held.secret)


def _set_cookie(access: Access, response: Response, value: str, *, age_s: int) -> Response:
    response.set_cookie(
        access.guard.rules.cookie_name,
        value,
        max_age=age_s,
        path="/",
        secure=access.secure_cookies,
        httponly=True,
        samesite="strict",
    )
    return response
