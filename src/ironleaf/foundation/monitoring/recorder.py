"""Takes in events at once and writes them down within the second. What happens to the database stops nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.database import DatabaseUnavailable
from ironleaf.foundation.monitoring.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.database import Database
    from ironleaf.foundation.monitoring.causes import Causes
    from ironleaf.foundation.monitoring.events import ErrorEvent, WorkMeasured
    from ironleaf.foundation.monitoring.tally import Tally
    from ironleaf.foundation.monitoring.totals import Totals
    from ironleaf.foundation.monitoring.windows import Window
    from ironleaf.foundation.monitoring.work import WorkGroups

WRITE_EVERY_S: Final = 0.7
"""Between two writes: with what a write takes, an event is in the database within a second."""
AWAY_WAIT_S_MAX: Final = 5.0
"""The longest pause between two tries while the database is away."""
DROP_EVERY_S: Final = 60.0
"""Between two looks for rows that are too old."""
LAST_WRITE_S: Final = 2.0
"""How long closing waits for the last write."""
JUMP_S_MAX: Final = 2.0
"""Wall time that passes faster or slower than the monotonic clock by more than this between two writes has jumped."""
STEADY_S: Final = 60.0
"""For so long a clock must not have jumped before anything is thrown away on its word."""

logger = logging.getLogger(__name__)


class Recorder:
    """The statistics of this process, and its part of everybody's.

    ``hear`` may be called from any thread; the rest from the event loop's.
    ``writer`` is a name that no other process has or had: a new one at each start.
    ``gather`` has whoever still keeps events back tell them now.
    """

    def __init__(
        self, database: Database, *, writer: str, clock: Clock, gather: Callable[[], None] = lambda: None
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._gather = gather
        self._journal = Journal()
        self._steadiness = Steadiness(clock)
        self._dropped_s = clock.monotonic()
        self._wait_s = WRITE_EVERY_S
        self._writing = asyncio.Lock()
        self.failures = 0
        """Events that could not be folded in: a defect of ours."""
        self.last_written_s: float | None = None
        """In monotonic seconds; None before the first write."""

    @property
    def totals(self) -> Totals:
        """Counts since the start of this process."""
        self._gather()
        return self._journal.totals

    @property
    def lost(self) -> int:
        """Events that were dropped since the start."""
        return self._journal.lost + self.failures

    @property
    def causes(self) -> Causes:
        """The root causes that this process has met since its start."""
        return self._journal.causes

    def hear(self, event: ErrorEvent | WorkMeasured) -> None:
        """Fold one event in; never raises, never waits."""
        try:
            self._journal.hear(event)
        except Exception as error:  # noqa: BLE001 - statistics are no part of the work that they count
            self._note_failures(1, error)

    def hear_work(self, groups: WorkGroups) -> None:
        """Fold measurements in; never raises, never waits."""
        try:
            self._journal.hear_work(groups)
        except Exception as error:  # noqa: BLE001 - as above
            self._note_failures(sum(map(len, groups.values())), error)

    def _note_failures(self, count: int, error: Exception) -> None:
        if self.failures == 0:
            logger.warning("an event could not be counted: %s", type(error).__name__)
        self.failures += count

    def read(self, window: Window) -> Tally:
        """Return what this process has heard in the window that ends now."""
        self._gather()
        return self._journal.read(window, self._clock.now().timestamp())

    def split(self, window: Window) -> tuple[tuple[int, Tally], ...]:
        """Return start (seconds of the epoch) and content of each period of the window, as this process heard it."""
        return self._journal.split(window, self._clock.now().timestamp())

    async def read_all(self, windows: tuple[Window, ...]) -> dict[Window, Tally]:
        """Return what all replicas have written in each of the windows that end now.

        Raises:
            DatabaseUnavailable: the database cannot be reached.
        """
        from ironleaf.foundation.monitoring import store  # noqa: PLC0415  (loads SQLAlchemy: only when used)

        read = partial(store.read_windows, windows=windows, now_s=self._clock.now().timestamp())
        return await self._database.run(read, read_only=True)

    async def read_causes(self) -> Causes:
        """Return the root causes that all replicas have met.

        Raises:
            DatabaseUnavailable: the database cannot be reached.
        """
        from ironleaf.foundation.monitoring import store  # noqa: PLC0415

        return await self._database.run(store.read_causes, read_only=True)

    async def read_request_hours(self) -> dict[datetime, int]:
        """Return the requests of all replicas in the hours of the last week.

        Raises:
            DatabaseUnavailable: the database cannot be reached.
        """
        from ironleaf.foundation.monitoring import store  # noqa: PLC0415

        read = partial(store.read_request_hours, now_s=self._clock.now().timestamp())
        return await self._database.run(read, read_only=True)

    async def run(self) -> None:
        """Write what was heard, again and again, until cancelled."""
        while True:
            await self._clock.sleep(self._wait_s)
            written = await self.write()
            self._wait_s = WRITE_EVERY_S if written else min(2 * self._wait_s, AWAY_WAIT_S_MAX)

    async def write(self) -> bool:
        """Write everything that was heard until now; tell whether that worked. Never raises but for cancellation."""
        async with self._writing:
            try:
                return await self._write()
            except DatabaseUnavailable:
                return False  # whoever looks after the database says so; here it is kept and tried again
            except Exception as error:  # noqa: BLE001 - as above
                logger.warning("statistics could not be written: %s", type(error).__name__)
                return False

    async def aclose(self) -> None:
        """Write what is left, if that works at once."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WRITE_S):
                await self.write()

    async def _write(self) -> bool:
        from ironleaf.foundation.monitoring import store  # noqa: PLC0415

        now = self._clock.now()
        steady = self._steadiness.look()
        self._gather()
        self._journal.cut(now.timestamp(), prune=steady)
        while (batch := self._journal.next_batch()) is not None:
            await self._database.run(partial(store.add_batch, writer=self._writer, batch=batch, now=now))
            self._journal.confirm()
        self.last_written_s = self._clock.monotonic()
        if steady and self.last_written_s - self._dropped_s >= DROP_EVERY_S:
            self._dropped_s = self.last_written_s
            await self._database.run(partial(store.drop_old, now=now))
        return True


class Steadiness:
    """Tells whether the wall clock has kept pace with the monotonic one for a while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_s = self._offset()
        self._since_s = clock.monotonic()

    def look(self) -> bool:
        """Return whether the wall clock can be believed when it says that something is long past."""
        offset_s = self._offset()
        if abs(offset_s - self._offset_s) > JUMP_S_MAX:
            self._since_s = self._clock.monotonic()
        self._offset_s = offset_s
        return self._clock.monotonic() - self._since_s >= STEADY_S

    def _offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()
