"""The keys in memory, so that a request asks no database, and the service answers while it is away."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from ironleaf.application.access.keys import ApiKey, Standing, proves, read_key
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import IronleafError

REFRESH_S: Final = 2.0
"""Between two looks into the database: a new key works, and a revoked one stops, so many seconds later."""
KNOWN_S_MAX: Final = 3_600.0
"""So long keys that were read last stay valid while the database is away: a restart or a move of it takes minutes,
and a revocation made elsewhere must not be missed for a day."""
USES_EVERY_S: Final = 60.0
"""Between two notes of when keys were last used: nobody needs it to the second."""

logger = logging.getLogger(__name__)


class KeyStore(Protocol):
    """Where keys are kept. Fails with `IronleafError` only."""

    async def load(self) -> tuple[ApiKey, ...]:
        """Return every key, the revoked and expired ones included."""
        ...

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Remember when keys were used last, by their ids."""
        ...


class Doubt(StrEnum):
    """Why a presented key opens nothing."""

    WRONG = "wrong"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWABLE = "unknowable"
    """No keys were read yet, or too long ago."""


class KeyRing:
    """All keys as they were read last. `run` it in one task; `find` never waits."""

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._keys: dict[str, ApiKey] = {}
        self._read_at_s: float | None = None
        self._uses: dict[str, datetime] = {}
        self._noted_at_s = clock.monotonic()
        self._away = False

    def find(self, text: str) -> ApiKey | Doubt:
        """Return the key that ``text`` proves, or why it proves none, and remember that it was used."""
        presented = read_key(text)
        if presented is None:
            return Doubt.WRONG
        if self._read_at_s is None or self._clock.monotonic() - self._read_at_s > KNOWN_S_MAX:
            return Doubt.UNKNOWABLE
        key = self._keys.get(presented.id)
        if not proves(presented, key) or key is None:
            return Doubt.WRONG
        now = self._clock.now()
        standing = key.standing(now)
        if standing is not Standing.ACTIVE:
            return Doubt.REVOKED if standing is Standing.REVOKED else Doubt.EXPIRED
        self._uses[key.id] = now
        return key

    def stands(self, key_id: str) -> bool:
        """Tell whether a key that was proven before is still good, as far as is known."""
        key = self._keys.get(key_id)
        return key is not None and key.standing(self._clock.now()) is Standing.ACTIVE

    async def run(self) -> None:
        """Look into the store every `REFRESH_S`, until cancelled."""
        while True:
            await self.refresh()
            await self._clock.sleep(REFRESH_S)

    async def refresh(self) -> None:
        """Read the keys anew and pass on when they were used; a store that is away is tried again next time."""
        try:
            self.take(await self._store.load())
            if self._clock.monotonic() - self._noted_at_s >= USES_EVERY_S:
                await self.note_uses()
        except IronleafError as error:
            self._say_away(error)
        except Exception:  # a turn that fails must not end the task: revocations would be missed
            if not self._away:
                logger.exception("keys could not be read")
            self._away = True
        else:
            if self._away:
                logger.info("keys are read again")
            self._away = False

    def take(self, keys: Iterable[ApiKey]) -> None:
        """Let ``keys`` be all that there are, as of now."""
        self._keys = {key.id: key for key in keys}
        self._read_at_s = self._clock.monotonic()

    async def note_uses(self) -> None:
        """Tell the store which keys were used since the last time.

        Raises:
            IronleafError: the store is away; the uses are kept for the next time.
        """
        uses, self._uses = self._uses, {}
        self._noted_at_s = self._clock.monotonic()
        if not uses:
            return
        try:
            await self._store.note_uses(uses)
        except IronleafError:
            self._uses = uses | self._uses
            raise

    async def aclose(self) -> None:
        """Tell the store for the last time which keys were used, if it is there."""
        with contextlib.suppress(IronleafError):
            await self.note_uses()

    def _say_away(self, error: IronleafError) -> None:
        if not self._away:
            known = "none" if self._read_at_s is None else str(len(self._keys))
            logger.warning("keys cannot be read: %s; known: %s", error.entry.reason, known)
        self._away = True
