"""Around all routes: nothing below `/v1/ops` is reached without its scope, whatever a router forgot."""

from __future__ import annotations

from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ironleaf.application.access import keys
from ironleaf.application.access.guard import Guard, caller_of, limit_headers
from ironleaf.web.exchange import find_route
from ironleaf.web.hosts import SAFE_METHODS

OPS_PATH: Final = "/v1/ops"
ACT_KEY: Final = "ironleaf.act"

_audit = structlog.get_logger("ironleaf.audit")


class AccessGate:
    """ASGI layer: asks for ``ops`` before the body is read, tells what is left of a key's limit, writes the audit."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def send_limits(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *limit_headers(scope)]}
            await send(message)

        if not is_ops(scope):
            await self._app(scope, receive, send_limits)
            return
        self._guard.demand(scope, keys.Scope.OPS)
        try:
            await self._app(scope, receive, send_limits)
        finally:
            if scope["method"] not in SAFE_METHODS:
                write_audit(scope, status)


def is_ops(scope: Scope) -> bool:
    """Tell whether the path lies below `/v1/ops`, with or without the prefix under which a proxy serves us."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "").rstrip("/")
    inner = path.removeprefix(prefix)
    return any(each == OPS_PATH or each.startswith(f"{OPS_PATH}/") for each in (path, inner))


def note_act(scope: Scope, **facts: object) -> None:
    """Add to the audit line of this request what was done; facts of ours, no keys."""
    scope.setdefault(ACT_KEY, {}).update(facts)


def write_audit(scope: Scope, status: int) -> None:
    """Write one line about what an operator did."""
    caller = caller_of(scope)
    facts: dict[str, Any] = scope.get(ACT_KEY, {})
    _audit.info(
        "audit",
        by=None if caller is None else caller.name,
        method=scope["method"],
        route=find_route(scope),
        status=status or None,
        facts=facts or None,
    )
