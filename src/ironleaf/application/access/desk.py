"""Everything about access, joined."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from ironleaf.application.access.credentials import COOKIE_NAME, SECURE_COOKIE_NAME
from ironleaf.application.access.exposure import demands_keys, make_front_rules, make_peer_rules
from ironleaf.application.access.guard import Guard, GuardRules
from ironleaf.application.access.ring import KeyRing, KeyStore
from ironleaf.application.access.sessions import SessionTable
from ironleaf.application.access.throttle import Throttle
from ironleaf.application.settings import Settings
from ironleaf.foundation.clock import Clock
from ironleaf.web.front_guard import FrontRules

SECRET_BYTES: Final = 24
"""Of links and sessions: 192 random bits."""
SEED_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may use the service."""

    guard: Guard
    ring: KeyRing
    sessions: SessionTable
    front: FrontRules
    secure_cookies: bool
    """Whether the session's cookie may travel on https only."""


def build_access(settings: Settings, store: KeyStore, clock: Clock) -> Access:
    """Return what the settings ask for, over the keys in ``store``; nothing is read yet."""
    ring = KeyRing(store, clock)
    sessions = SessionTable(clock, lambda: secrets.token_hex(SECRET_BYTES))
    secure = settings.access.is_https
    rules = GuardRules(
        demands_keys=demands_keys(settings),
        peers=make_peer_rules(settings),
        cookie_name=SECURE_COOKIE_NAME if secure else COOKIE_NAME,
    )
    throttle = Throttle(clock, seed=secrets.token_bytes(SEED_BYTES))
    return Access(
        guard=Guard(ring, sessions, throttle, rules),
        ring=ring,
        sessions=sessions,
        front=make_front_rules(settings),
        secure_cookies=secure,
    )
