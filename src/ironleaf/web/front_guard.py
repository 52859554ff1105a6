"""Keeps foreign web pages out, before anything of a request's body is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from ironleaf.foundation.errors import BusinessError
from ironleaf.foundation.errors.protocol import BAD_HOST, CROSS_SITE_REQUEST
from ironleaf.web.answer import find_headers
from ironleaf.web.hosts import SAFE_METHODS, Authority, HostRules, is_foreign, parse_authority

LOGGED_CHARACTERS_MAX: Final = 100
"""Of a refused name, for the operator who may have forgotten to allow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontRules:
    """Who may knock."""

    hosts: HostRules
    origins: frozenset[str] = frozenset()
    """Origins beside the service's own whose pages may send unsafe requests, as `read_origin` spells them."""


class FrontGuard:
    """ASGI layer inside the sink. Raises ``bad-host`` and ``cross-site-request``, for WebSockets too."""

    def __init__(self, app: ASGIApp, rules: FrontRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            check_front(scope, self._rules)
        await self._app(scope, receive, send)


def check_front(scope: Scope, rules: FrontRules) -> None:
    """Return if the request may come in.

    Raises:
        BusinessError: ``bad-host``, ``cross-site-request``.
    """
    hosts = find_headers(scope, b"host")
    host = parse_authority(hosts[0].decode("latin-1")) if len(hosts) == 1 else None
    _check_host(scope, hosts, host, rules)
    if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
        return
    origins, sites = find_headers(scope, b"origin"), find_headers(scope, b"sec-fetch-site")
    if is_foreign(host=host, origins=origins, sites=sites, trusted=rules.origins):
        raise BusinessError(CROSS_SITE_REQUEST)


def _check_host(scope: Scope, hosts: list[bytes], host: Authority | None, rules: FrontRules) -> None:
    if not hosts and scope.get("http_version") == "1.0":
        return  # a load balancer's probe; every browser names the host
    if host is None or not rules.hosts.allows(host):
        said = b", ".join(hosts)[:LOGGED_CHARACTERS_MAX].decode("latin-1")
        raise BusinessError(BAD_HOST, context={"host": said})
