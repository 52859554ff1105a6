"""The store of last resort: this process's own memory, for the time in which the database is away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.alerting.deliveries import LEASE_S, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ironleaf.foundation.alerting.deliveries import Delivery

DELIVERIES_MAX: Final = 2_000
"""Kept; the oldest that were sent or given up are dropped first."""


class Outbox:
    """Deliveries in memory, with the same promises as in a database: one for each incident, kind and channel."""

    def __init__(self) -> None:
        self._deliveries: dict[str, Delivery] = {}
        self._taken: dict[str, datetime] = {}

    def __contains__(self, delivery_id: str) -> bool:
        return delivery_id in self._deliveries

    def add(self, deliveries: Iterable[Delivery]) -> None:
        """Add those that are not there yet."""
        for each in deliveries:
            self._deliveries.setdefault(each.id, each)
        for each in list(self._deliveries.values()):
            if len(self._deliveries) <= DELIVERIES_MAX:
                break
            if each.state is not DeliveryState.PENDING:
                del self._deliveries[each.id]

    def take(self, channels: Iterable[str], now: datetime, limit: int) -> tuple[Delivery, ...]:
        """Return deliveries that are due, for whoever asks to send; nobody else gets them for ``LEASE_S``."""
        known = set(channels)
        due = [
            each
            for each in self._deliveries.values()
            if each.state is DeliveryState.PENDING
            and each.channel in known
            and each.next_at <= now
            and self._taken.get(each.id, now) <= now
        ][:limit]
        self._taken |= {each.id: now + timedelta(seconds=LEASE_S) for each in due}
        return tuple(due)

    def record(self, delivery: Delivery) -> None:
        """Note what came of a try."""
        self._taken.pop(delivery.id, None)
        self._deliveries[delivery.id] = delivery

    def drain(self) -> tuple[Delivery, ...]:
        """Take out everything that nobody is sending just now."""
        free = tuple(each for each in self._deliveries.values() if each.id not in self._taken)
        for each in free:
            del self._deliveries[each.id]
        return free

    def list(self, incident_id: str = "", state: str = "") -> tuple[Delivery, ...]:
        """Return deliveries about an incident, or in a state."""
        return tuple(
            each
            for each in self._deliveries.values()
            if incident_id in {"", each.incident_id} and state in {"", each.state.value}
        )


def rename(deliveries: Iterable[Delivery], ids: Mapping[str, str]) -> tuple[Delivery, ...]:
    """Return the deliveries, those of joined incidents under the other one's id."""
    return tuple(replace(each, incident_id=ids.get(each.incident_id, each.incident_id)) for each in deliveries)
