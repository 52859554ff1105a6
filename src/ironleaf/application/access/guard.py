"""Asks at the doors who is there. Its methods return dependencies for routers and routes:

APIRouter(dependencies=[Depends(guard.require(Scope.OPS))])
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import structlog
from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer

from ironleaf.application.access.credentials import API_KEY_NAME, COOKIE_NAME, CredentialKind, find_credential
from ironleaf.application.access.errors import KEY_EXPIRED, KEY_REVOKED, KEYS_UNAVAILABLE
from ironleaf.application.access.keys import ApiKey, Scope
from ironleaf.application.access.peers import PeerRules
from ironleaf.application.access.ring import REFRESH_S, Doubt, KeyRing
from ironleaf.application.access.sessions import Session, SessionTable
from ironleaf.application.access.throttle import Throttle
from ironleaf.foundation.errors import DependencyFailure, Entry
from ironleaf.foundation.errors.protocol import FORBIDDEN, RATE_LIMITED, UNAUTHENTICATED
from ironleaf.web import Refusal

GUARD_ERRORS: Final = (UNAUTHENTICATED, KEY_EXPIRED, KEY_REVOKED, FORBIDDEN, RATE_LIMITED, KEYS_UNAVAILABLE)
"""What a guarded route may answer beside its own errors: `document_errors(*GUARD_ERRORS)`."""

_CALLER: Final = "ironleaf.caller"
_HEADERS: Final = "ironleaf.access_headers"
_CHALLENGE: Final = b'Bearer realm="ironleaf"'
_BEARER: Final = HTTPBearer(auto_error=False, scheme_name="bearer", description="A key of `ironleaf keys create`.")
_HEADER: Final = APIKeyHeader(name=API_KEY_NAME, auto_error=False, scheme_name="key", description="The same key.")
_COOKIE: Final = APIKeyCookie(name=COOKIE_NAME, auto_error=False, scheme_name="session", description="By a login link.")
_DOUBTS: Final = {Doubt.EXPIRED: KEY_EXPIRED, Doubt.REVOKED: KEY_REVOKED}

AsgiScope = MutableMapping[str, Any]
Dependency = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request, proven."""

    name: str
    """The public id of a key, or a session's name."""
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """What the settings say about the doors."""

    demands_keys: bool
    """Whether converting needs a key."""
    peers: PeerRules
    cookie_name: str = COOKIE_NAME


class Guard:
    """Finds out who sent a request, once for each, and lets through who may."""

    def __init__(self, ring: KeyRing, sessions: SessionTable, throttle: Throttle, rules: GuardRules) -> None:
        self._ring = ring
        self._sessions = sessions
        self._throttle = throttle
        self.rules = rules

    # -- dependencies

    def require(self, scope: Scope) -> Dependency:
        """Return a dependency that lets callers with ``scope`` through, and nobody else."""

        async def check(request: Request) -> None:
            self.demand(request.scope, scope)

        return _documented(check)

    def require_where_demanded(self, scope: Scope) -> Dependency:
        """Return a dependency that asks for ``scope`` where the settings demand keys, and else lets everybody in."""

        async def check(request: Request) -> None:
            if self.rules.demands_keys:
                self.demand(request.scope, scope)
            else:
                self.recognise(request.scope)

        return _documented(check)

    def require_off_loopback(self, scope: Scope) -> Dependency:
        """Return a dependency that asks for ``scope`` unless the caller sits on this machine, with no proxy between."""

        async def check(request: Request) -> None:
            if not self.is_local(request.scope):
                self.demand(request.scope, scope)

        return _documented(check)

    # -- what they do

    def demand(self, request: AsgiScope, scope: Scope) -> Caller:
        """Return who sent the request of this ASGI scope.

        Raises:
            Refusal: ``unauthenticated``, ``key-expired``, ``key-revoked``, ``forbidden``, ``rate-limited``.
            DependencyFailure: ``keys-unavailable``.
        """
        caller = self.identify(request)
        if caller is None:
            raise Refusal(UNAUTHENTICATED, headers=((b"www-authenticate", _CHALLENGE),))
        return _require(caller, scope)

    def demand_key(self, request: AsgiScope, key: str, scope: Scope) -> Caller:
        """Return whose key it is, brought otherwise than in a header.

        Raises:
            Refusal, DependencyFailure: as ``demand``.
        """
        return _require(self._prove(request, key), scope)

    def recognise(self, request: AsgiScope) -> Caller | None:
        """Return who sent the request, if that can be told; a credential that proves nothing is passed over.

        Raises:
            Refusal: ``rate-limited``: the key is good, and over its limit.
        """
        try:
            return self.identify(request)
        except DependencyFailure:
            return None
        except Refusal:
            if caller_of(request) is not None:
                raise
            return None

    def identify(self, request: AsgiScope) -> Caller | None:
        """Return who sent the request, or nothing if it brings no credential. Counts it once, however often asked.

        Raises:
            Refusal: the credential is not good, or over its limit.
            DependencyFailure: ``keys-unavailable``.
        """
        if _CALLER in request:
            return request[_CALLER]
        credential = find_credential(request["headers"], cookie_name=self.rules.cookie_name)
        if credential is None:
            return None
        if credential.kind is CredentialKind.SESSION:
            return self._open_session(request, credential.secret)
        if credential.kind is CredentialKind.CONTRADICTION:
            raise self._refuse_guess(request)
        return self._prove(request, credential.secret)

    def stands(self, request: AsgiScope) -> bool:
        """Tell whether what let this request in is still good: for answers that go on. Counts as a use of a session."""
        credential = find_credential(request["headers"], cookie_name=self.rules.cookie_name)
        if credential is not None and credential.kind is CredentialKind.SESSION:
            return self._find_session(credential.secret) is not None
        caller = caller_of(request)
        return caller is not None and self._ring.stands(caller.name)

    def is_local(self, request: Mapping[str, Any]) -> bool:
        """Tell whether the request comes from this machine, with no proxy between."""
        return self.rules.peers.is_local(_peer(request), request["headers"])

    def count_guess(self, request: Mapping[str, Any]) -> None:
        """Count something wrong that was brought to prove who is there.

        Raises:
            Refusal: ``rate-limited``: there were too many from this address.
        """
        client = self.rules.peers.find_client(_peer(request), request["headers"])
        allowance = self._throttle.take_guess(client)
        if not allowance.granted:
            raise Refusal(RATE_LIMITED, retry_after_s=allowance.reset_s, context={"why": "wrong keys"})

    def _prove(self, scope: AsgiScope, key: str) -> Caller:
        found = self._ring.find(key)
        if isinstance(found, Doubt):
            raise self._refuse_key(scope, found)
        return self._admit_key(scope, found)

    def _open_session(self, scope: AsgiScope, secret: str) -> Caller | None:
        session = self._find_session(secret)
        if session is None:
            return None  # it has ended: the browser is told to log in, and nobody guesses 190 bits by cookie
        return _remember(scope, Caller(name=session.name, scopes=session.scopes))

    def _find_session(self, secret: str) -> Session | None:
        session = self._sessions.find(secret)
        if session is not None and session.key_id and not self._ring.stands(session.key_id):
            self._sessions.end(secret)
            return None
        return session

    def _admit_key(self, scope: AsgiScope, key: ApiKey) -> Caller:
        caller = _remember(scope, Caller(name=key.id, scopes=key.scopes))
        allowance = self._throttle.take(key.id, key.requests_per_minute)
        if not allowance.granted:
            raise Refusal(
                RATE_LIMITED,
                headers=allowance.headers(),
                retry_after_s=allowance.reset_s,
                context={"key_id": key.id, "why": "the key's limit"},
            )
        scope[_HEADERS] = allowance.headers()
        return caller

    def _refuse_key(self, scope: AsgiScope, doubt: Doubt) -> Exception:
        if doubt is Doubt.UNKNOWABLE:
            return DependencyFailure(KEYS_UNAVAILABLE, retry_after_s=REFRESH_S)
        return self._refuse_guess(scope, _DOUBTS.get(doubt, UNAUTHENTICATED))

    def _refuse_guess(self, scope: AsgiScope, entry: Entry = UNAUTHENTICATED) -> Refusal:
        self.count_guess(scope)
        return Refusal(entry, headers=((b"www-authenticate", _CHALLENGE + b', error="invalid_token"'),))


def _require(caller: Caller, scope: Scope) -> Caller:
    if scope not in caller.scopes:
        told = _CHALLENGE + f', error="insufficient_scope", scope="{scope.value}"'.encode()
        raise Refusal(FORBIDDEN, headers=((b"www-authenticate", told),), context={"key_id": caller.name})
    return caller


def limit_headers(scope: Mapping[str, Any]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the ``RateLimit-*`` headers that the answer to this request must bear."""
    return scope.get(_HEADERS, ())


def caller_of(scope: Mapping[str, Any]) -> Caller | None:
    """Return who was found to have sent the request."""
    return scope.get(_CALLER)


def _remember(scope: AsgiScope, caller: Caller) -> Caller:
    scope[_CALLER] = caller
    structlog.contextvars.bind_contextvars(key_id=caller.name)
    return caller


def _peer(scope: Mapping[str, Any]) -> str | None:
    client: Any = scope.get("client")
    return client[0] if client else None


def _documented(check: Callable[[Request], Awaitable[None]]) -> Dependency:
    """Return ``check`` with the ways to prove oneself, so that OpenAPI names them."""

    async def guarded(
        request: Request,
        _bearer: Annotated[object, Depends(_BEARER)],
        _header: Annotated[object, Depends(_HEADER)],
        _cookie: Annotated[object, Depends(_COOKIE)],
    ) -> None:
        await check(request)

    return guarded
