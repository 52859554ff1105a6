"""A store's traffic with the database: what it hands in is written in order, however long the database was away.

The store works from memory and never waits: a conversion depends on no database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from ironleaf.foundation.database.errors import DatabaseUnavailable, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.database.database import Database

TICK_S: Final = 1.0
"""What is handed in is written within a second: so much a killed process may lose."""
LOOK_EVERY_S: Final = 10.0
"""How often one looks at what other replicas wrote."""
WAIT_MAX_S: Final = 60.0
"""The longest pause between two tries at a database that is away."""
ITEMS_MAX: Final = 10_000
"""Items that wait for the database: a few megabytes. Beyond it the oldest is dropped, counted and told."""
BATCH_MAX: Final = 500
"""Items in one transaction: tens of milliseconds of the writer's place."""
FAREWELL_S: Final = 2.0
"""The last try when the process ends."""

Item = TypeVar("Item")
Given_contra = TypeVar("Given_contra", contravariant=True)
Seen = TypeVar("Seen")
Taken_co = TypeVar("Taken_co", covariant=True)

logger = logging.getLogger(__name__)


class Trade(Protocol[Given_contra, Taken_co]):
    """Writes a batch, often an empty one, and returns what the database says, all in one transaction.

    It may be called again with the same batch: the answer to a commit can be lost. Its
    first call may write in any case; later ones with an empty batch may not.
    """

    def __call__(self, connection: Connection, batch: Sequence[Given_contra]) -> Taken_co: ...


class Exchange(Generic[Item, Seen]):
    """Takes items without waiting, and trades them for what the database says.

    ``trade`` is called on a thread of the database; ``receive`` gets its answer on the event loop.
    """

    def __init__(
        self,
        database: Database,
        trade: Trade[Item, Seen],
        receive: Callable[[Seen], None],
        *,
        clock: Clock,
        name: str,
        items_max: int = ITEMS_MAX,
    ) -> None:
        self._database = database
        self._trade = trade
        self._receive = receive
        self._clock = clock
        self._name = name
        self._items_max = items_max
        self._items: deque[Item] = deque()
        self._away = False
        self._met = False
        self.dropped = 0
        """Items that were given up: the database was away too long, or did not take them."""

    @property
    def items(self) -> tuple[Item, ...]:
        """What has not been written yet, the oldest first."""
        return tuple(self._items)

    def put(self, item: Item) -> None:
        """Take an item; it is written within ``TICK_S``, or when the database is back."""
        self._items.append(item)
        self._bound()

    async def run(self) -> None:
        """Trade for as long as the process lives: what waits within a second, and a look every ten."""
        pause_s, rested_s = TICK_S, LOOK_EVERY_S
        while True:
            if self._items or rested_s >= LOOK_EVERY_S:
                rested_s = 0.0
                pause_s = TICK_S if await self.trade_now() else min(2 * pause_s, WAIT_MAX_S)
            await self._clock.sleep(pause_s)
            rested_s += pause_s

    async def trade_now(self) -> bool:
        """Write what waits and take what is there; tell whether the database was to be had."""
        while True:
            batch = [self._items.popleft() for _ in range(min(BATCH_MAX, len(self._items)))]
            try:
                seen = await self._database.run(partial(self._trade, batch=batch), read_only=self._met and not batch)
            except asyncio.CancelledError:
                self._items.extendleft(reversed(batch))  # written or not: the next trade makes sure
                raise
            except Exception as failure:
                if isinstance(failure, DatabaseUnavailable) and failure.trouble is not Trouble.STATEMENT:
                    self._wait_for(failure, batch)
                    return False
                self.dropped += len(batch)  # a defect in a store must not end its traffic, nor anybody's conversion
                logger.exception("%s lost %d items: the database does not take them", self._name, len(batch))
            else:
                self._met = True
                self._arrive(seen)
            if not self._items:
                return True

    async def aclose(self) -> None:
        """Write what still waits, if that is quick."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self.trade_now()

    def _arrive(self, seen: Seen) -> None:
        self._receive(seen)
        if self._away:
            self._away = False
            logger.warning("the database is back: %s writes again, %d items lost so far", self._name, self.dropped)

    def _wait_for(self, failure: DatabaseUnavailable, batch: Sequence[Item]) -> None:
        self._items.extendleft(reversed(batch))
        self._bound()
        if not self._away:
            self._away = True
            logger.warning("the database is away (%s): %s keeps what comes", failure.trouble.value, self._name)

    def _bound(self) -> None:
        while len(self._items) > self._items_max:
            self._items.popleft()
            self.dropped += 1
