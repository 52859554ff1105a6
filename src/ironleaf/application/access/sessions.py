"""Login links and sessions of operators, in this process's memory: a restart ends them all.

Secrets are kept as hashes, like keys: a dump of the table opens nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from ironleaf.application.access.keys import Scope
from ironleaf.foundation.clock import Clock

LINK_S: Final = 600.0
"""A link is there to be clicked now."""
LINKS_MAX: Final = 8
"""Unused links at once; the oldest falls out."""
IDLE_S: Final = 1_800.0
"""Without a request: whoever left the desk is logged out when the break is over."""
SESSION_S: Final = 43_200.0
"""A working day, whatever happens in it."""
SESSIONS_MAX: Final = 64
"""Operators with a browser each; the one that was idle longest falls out."""
LINK_PREFIX: Final = "ill_"
SESSION_PREFIX: Final = "ils_"
"""By them the redaction of logs knows a link's token and a cookie's value."""
NAME_CHARACTERS: Final = 10

MakeSecret = Callable[[], str]
"""Returns at least 160 random bits as letters and digits (`secrets.token_hex`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that was let in by a link or a key."""

    name: str
    """Public: stands in logs."""
    digest: str = field(repr=False)
    ends_at_s: float
    """In the clock's monotonic seconds, as all times here."""
    used_at_s: float
    key_id: str = ""
    """The key that let the browser in: the session ends with it. Empty after a link."""
    scopes: frozenset[Scope] = frozenset(Scope)

    def is_over(self, now_s: float) -> bool:
        """Tell whether the session has ended by itself."""
        return now_s >= self.ends_at_s or now_s - self.used_at_s >= IDLE_S


class SessionTable:
    """All links and sessions of this process."""

    def __init__(self, clock: Clock, make_secret: MakeSecret) -> None:
        self._clock = clock
        self._make_secret = make_secret
        self._links: dict[str, float] = {}
        self._sessions: dict[str, Session] = {}

    def issue_link(self) -> str:
        """Return the token of a new link: good for one login within `LINK_S`."""
        self._drop_old()
        while len(self._links) >= LINKS_MAX:
            del self._links[next(iter(self._links))]
        token = LINK_PREFIX + self._make_secret()
        self._links[_digest(token)] = self._clock.monotonic() + LINK_S
        return token

    def redeem(self, token: str) -> str | None:
        """Use up a link; return the secret of a new session, or nothing if it is no link (any more)."""
        ends_at_s = self._links.pop(_digest(token), None)
        if ends_at_s is None or self._clock.monotonic() >= ends_at_s:
            return None
        return self.open()

    def open(self, *, key_id: str = "", scopes: frozenset[Scope] = frozenset(Scope)) -> str:
        """Return the secret of a new session, for whoever has proven who it is."""
        self._drop_old()
        now_s = self._clock.monotonic()
        while len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[min(self._sessions.values(), key=lambda each: each.used_at_s).digest]
        secret = SESSION_PREFIX + self._make_secret()
        digest = _digest(secret)
        name = f"session-{digest[:NAME_CHARACTERS]}"
        self._sessions[digest] = Session(
            name=name, digest=digest, ends_at_s=now_s + SESSION_S, used_at_s=now_s, key_id=key_id, scopes=scopes
        )
        return secret

    def find(self, secret: str) -> Session | None:
        """Return the session that ``secret`` opens, and count this as a use of it."""
        session = self._sessions.get(_digest(secret))
        now_s = self._clock.monotonic()
        if session is None or session.is_over(now_s):
            return None
        self._sessions[session.digest] = used = replace(session, used_at_s=now_s)
        return used

    def end(self, secret: str) -> None:
        """Log out."""
        self._sessions.pop(_digest(secret), None)

    def _drop_old(self) -> None:
        now_s = self._clock.monotonic()
        self._links = {digest: ends for digest, ends in self._links.items() if ends > now_s}
        self._sessions = {each.digest: each for each in self._sessions.values() if not each.is_over(now_s)}


def _digest(secret: str) -> str:
    return hashlib.sha256(f"ironleaf session\0{secret}".encode("utf-8", "surrogatepass")).hexdigest()
