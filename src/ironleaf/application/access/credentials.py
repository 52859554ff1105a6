"""What a request brings to prove who sent it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from ironleaf.application.access.sessions import SESSION_PREFIX

API_KEY_NAME: Final = "X-API-Key"
COOKIE_NAME: Final = "ironleaf_session"
SECURE_COOKIE_NAME: Final = "__Host-ironleaf_session"
"""On https the browser itself vouches that no other host and no plain connection has set it."""
COOKIES_MAX: Final = 100
"""Pairs that are looked at."""


class CredentialKind(Enum):
    """What it is."""

    KEY = "key"
    SESSION = "session"
    CONTRADICTION = "contradiction"
    """Several keys at once: nobody should guess which one is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """It proves nothing yet."""

    kind: CredentialKind
    secret: str = field(default="", repr=False)


def find_credential(headers: list[tuple[bytes, bytes]], *, cookie_name: str) -> Credential | None:
    """Return what the headers bring: a key before a session. Other schemes than ``Bearer`` are not ours."""
    authorizations = [value.decode("latin-1") for name, value in headers if name == b"authorization"]
    keys = {value.decode("latin-1").strip() for name, value in headers if name == b"x-api-key"}
    keys.update(token for value in authorizations if (token := _read_bearer(value)) is not None)
    if len(keys) > 1 or (keys and len(authorizations) > 1):
        return Credential(kind=CredentialKind.CONTRADICTION)
    if keys:
        return Credential(kind=CredentialKind.KEY, secret=keys.pop())
    sessions = set(_find_cookies(headers, cookie_name))
    if len(sessions) > 1:
        return Credential(kind=CredentialKind.CONTRADICTION)
    return Credential(kind=CredentialKind.SESSION, secret=sessions.pop()) if sessions else None


def _read_bearer(value: str) -> str | None:
    scheme, _, token = value.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _find_cookies(headers: list[tuple[bytes, bytes]], cookie_name: str) -> list[str]:
    text = ";".join(value.decode("latin-1") for name, value in headers if name == b"cookie")
    pairs = (pair.strip().partition("=") for pair in text.split(";", COOKIES_MAX)[:COOKIES_MAX])
    return [value for name, _, value in pairs if name == cookie_name and value.startswith(SESSION_PREFIX)]
