"""Keeps the board: in the database, or in this process's memory while that is away, and then brings both together.

What happened meanwhile is carried back by the first step that reaches the
database: nobody is told twice of what this replica has told already.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from ironleaf.foundation.alerting.board import Board, IncidentPolicy
from ironleaf.foundation.alerting.deliveries import DeliveryState
from ironleaf.foundation.alerting.memory import Outbox, rename
from ironleaf.foundation.alerting.reconciling import reconcile
from ironleaf.foundation.database import DatabaseConflict, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime

    from ironleaf.foundation.alerting.card import Change
    from ironleaf.foundation.alerting.deliveries import Delivery
    from ironleaf.foundation.alerting.incidents import Incident, Step
    from ironleaf.foundation.clock import Clock

T = TypeVar("T")

RETRY_S: Final = 5.0
"""Between two tries at a database that is away: an alert waits no longer than one of its own timeouts."""
STEPS_MAX: Final = 2_000
"""Lines of history kept while the database is away; the oldest are dropped."""
UNTOLD_S: Final = 30.0
"""What this replica asked for so lately may not have been sent by anyone when the database goes away."""

logger = logging.getLogger(__name__)


class AlertStore(Protocol):
    """What outlives the process; every method raises DatabaseUnavailable when it cannot be used."""

    async def step(self, act: Callable[[Board], tuple[T, tuple[Delivery, ...]]], now: datetime) -> tuple[T, Board]: ...

    async def take(self, channels: Iterable[str], now: datetime, limit: int) -> tuple[Delivery, ...]: ...

    async def record(self, delivery: Delivery) -> None: ...

    async def find(self, incident_id: str) -> tuple[Incident, tuple[Step, ...], tuple[Delivery, ...]] | None: ...

    async def list_incidents(self, *, states: tuple[str, ...], before: str, limit: int) -> tuple[Incident, ...]: ...

    async def list_deliveries(self, *, state: str, limit: int) -> tuple[Delivery, ...]: ...

    async def note_settings(self, replica: str, prints: Mapping[str, str], now: datetime) -> Change | None: ...

    async def prune(self, now: datetime) -> int: ...


class Keeper:
    """The board, wherever it is at present. Without a store it is always in memory."""

    def __init__(self, store: AlertStore | None, *, policy: IncidentPolicy, clock: Clock, replica: str) -> None:
        self._store = store
        self._clock = clock
        self._replica = replica
        self._board = Board(policy=policy)
        """As last seen; the truth while the store is away."""
        self._away = store is None
        self._carry = False
        """Whether memory has something that the store does not know."""
        self._next_try_s = 0.0
        self._turn = asyncio.Lock()
        self._outbox = Outbox()
        self._untold: dict[str, Delivery] = {}

    @property
    def away(self) -> bool:
        """Whether the store cannot be reached."""
        return self._away

    @property
    def board(self) -> Board:
        """The board as last seen; not to be changed."""
        return self._board

    async def step(self, act: Callable[[Board], tuple[T, tuple[Delivery, ...]]]) -> T:
        """Move the board by ``act``, which also returns what is to be told; ``act`` may be called twice.

        Raises:
            Exception: whatever ``act`` raises; nothing has changed then.
        """
        async with self._turn:
            return await self._step(act)

    async def _step(self, act: Callable[[Board], tuple[T, tuple[Delivery, ...]]]) -> T:
        now = self._clock.now()
        if self._may_try():
            drained = self._outbox.drain()
            try:
                return await self._step_stored(act, drained, now)
            except (DatabaseUnavailable, DatabaseConflict) as failure:
                self._outbox.add(drained)
                self._go_away(failure)
            except BaseException:
                self._outbox.add(drained)
                raise
        result, deliveries = act(self._board)
        del self._board.steps[:-STEPS_MAX]
        self._outbox.add(deliveries)
        return result

    async def take(self, channels: Iterable[str], limit: int) -> tuple[Delivery, ...]:
        """Return deliveries that are due, for this replica alone to send."""
        now, names = self._clock.now(), tuple(channels)
        stored = await self._ask(lambda store: store.take(names, now, limit), None)
        return self._outbox.take(names, now, limit) if stored is None else stored

    async def record(self, delivery: Delivery) -> None:
        """Note what came of a try."""
        if delivery.state is not DeliveryState.PENDING:
            self._untold.pop(delivery.id, None)
        if delivery.id in self._outbox or self._store is None or not self._may_try():
            self._outbox.record(delivery)
            return
        try:
            await self._store.record(delivery)
        except (DatabaseUnavailable, DatabaseConflict) as failure:
            self._outbox.record(delivery)
            self._go_away(failure)

    async def find(self, incident_id: str) -> tuple[Incident, tuple[Step, ...], tuple[Delivery, ...]] | None:
        """Return an incident with its history and deliveries."""
        found = await self._ask(lambda store: store.find(incident_id), None)
        if found is not None or incident_id not in self._board.incidents:
            return found
        steps = tuple(step for step in self._board.steps if step.incident_id == incident_id)
        return self._board.incidents[incident_id], steps, self._outbox.list(incident_id)

    async def list_incidents(self, *, states: tuple[str, ...], before: str, limit: int) -> tuple[Incident, ...]:
        """Return incidents, the newest first; while the store is away, those of the last hour."""
        stored = await self._ask(lambda store: store.list_incidents(states=states, before=before, limit=limit), None)
        if stored is not None:
            return stored
        known = sorted(self._board.incidents.values(), key=lambda each: each.id, reverse=True)
        fitting = [
            each for each in known if (not states or each.state.value in states) and (not before or each.id < before)
        ]
        return tuple(fitting[:limit])

    async def list_deliveries(self, *, state: str, limit: int) -> tuple[Delivery, ...]:
        """Return deliveries in a state, the newest first."""
        stored = await self._ask(lambda store: store.list_deliveries(state=state, limit=limit), None)
        return tuple(reversed(self._outbox.list(state=state)))[:limit] if stored is None else stored

    async def note_settings(self, replica: str, prints: Mapping[str, str]) -> tuple[bool, Change | None]:
        """Remember this start's settings; return whether that was possible, and the last change."""
        now = self._clock.now()
        if self._store is None or not self._may_try():
            return self._store is None, None
        try:
            return True, await self._store.note_settings(replica, prints, now)
        except (DatabaseUnavailable, DatabaseConflict) as failure:
            self._go_away(failure)
            return False, None

    async def prune(self) -> None:
        """Remove what is older than it is kept."""
        now = self._clock.now()
        await self._ask(lambda store: store.prune(now), 0)

    async def _step_stored(
        self, act: Callable[[Board], tuple[T, tuple[Delivery, ...]]], drained: tuple[Delivery, ...], now: datetime
    ) -> T:
        carry, away, replica = self._carry, self._board, self._replica
        asked: list[Delivery] = []

        def act_on_both(board: Board) -> tuple[T, tuple[Delivery, ...]]:
            renamed = reconcile(board, away, replica) if carry else {}
            result, deliveries = act(board)
            asked[:] = deliveries
            return result, (*rename(drained, renamed), *deliveries)

        assert self._store is not None  # noqa: S101  (`_may_try` has said so)
        result, self._board = await self._store.step(act_on_both, now)
        if self._away:
            logger.info("alerting: the database is back")
        self._away = self._carry = False
        self._untold = _keep_young({**self._untold, **{each.id: each for each in asked}}, now)
        return result

    async def _ask(self, ask: Callable[[AlertStore], Awaitable[T]], otherwise: T) -> T:
        if self._store is None or not self._may_try():
            return otherwise
        try:
            return await ask(self._store)
        except (DatabaseUnavailable, DatabaseConflict) as failure:
            self._go_away(failure)
            return otherwise

    def _may_try(self) -> bool:
        return self._store is not None and (not self._away or self._clock.monotonic() >= self._next_try_s)

    def _go_away(self, failure: DatabaseUnavailable | DatabaseConflict) -> None:
        self._next_try_s = self._clock.monotonic() + RETRY_S
        if not self._away:
            logger.warning("alerting: the database is away (%s): one alert for each replica", failure.entry.reason)
            self._outbox.add(_keep_young(self._untold, self._clock.now()).values())
            self._board.steps.clear()
        self._away = self._carry = True


def _keep_young(deliveries: Mapping[str, Delivery], now: datetime) -> dict[str, Delivery]:
    oldest = now - timedelta(seconds=UNTOLD_S)
    return {name: each for name, each in deliveries.items() if each.created_at >= oldest}
