"""What operators are shown of incidents, stuffed with secrets, and a store of it that fails on command."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.faults.leaks.canaries import ALL, KEY, PAGE_TEXT

from ironleaf.foundation.alerting.deliveries import DeliveryState
from ironleaf.foundation.alerting.silences import Silence
from ironleaf.foundation.monitoring import Signal, SignalState, Tally, Urgency

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.faults.leaks.seams import Seams

    from ironleaf.application.bootstrap import House
    from ironleaf.foundation.alerting.board import Board
    from ironleaf.foundation.alerting.deliveries import Delivery

NOTHING = "01JDA2B3C4D5E6F7G8H9J0K1M2"
"""The number of an incident that there is not."""
STEPS_KEPT = 20
_AGO = timedelta(minutes=5)


class SeamStore:
    """Incidents in memory; whoever asks for them may be thrown at, as by a database."""

    def __init__(self, seams: Seams, board: Board) -> None:
        self._seams = seams
        self.board = board
        self.deliveries: tuple[Delivery, ...] = ()

    async def step(self, act: Callable[[Board], tuple[Any, tuple[Delivery, ...]]], now: datetime) -> tuple[Any, Board]:
        self._seams.strike("incidents")
        result, _ = act(self.board)
        del self.board.steps[:-STEPS_KEPT]
        return result, self.board

    async def find(self, incident_id: str) -> Any:
        self._seams.strike("incidents")
        found = self.board.incidents.get(incident_id)
        return None if found is None else (found, tuple(self.board.steps), self.deliveries)

    async def list_incidents(self, *, states: tuple[str, ...], before: str, limit: int) -> Any:
        self._seams.strike("incidents")
        return tuple(self.board.incidents.values())[:limit]

    async def list_deliveries(self, *, state: str, limit: int) -> Any:
        self._seams.strike("incidents")
        return self.deliveries[:limit]


def furnish(house: House, seams: Seams) -> str:
    """Give the house incidents full of secrets, and seams where operators' statistics come from; return one's id."""
    desk = house.alerting.desk
    keeper: Any = desk._keeper
    board: Board = keeper.board
    now = house.clock.now()
    evidence = {"answer": ALL, "said": KEY, "page": PAGE_TEXT}
    for rule, component, cause in (
        ("backend-down", "vl:reader-1", "model-failed"),
        ("needs-a-person", "database", "full"),
    ):
        signal = Signal(
            rule=rule,
            component=component,
            cause=cause,
            state=SignalState.FIRING,
            urgency=Urgency.PAGE,
            at=now - _AGO,
            since=now - _AGO,
            evidence=evidence,
        )
        board.hear(signal, desk.replica)
    _, deliveries = desk._move(board, (), (), ())
    said = f"{KEY} {ALL}"  # what they write themselves they may read; a key they mask even so
    incident = next(iter(board.incidents))
    board.acknowledge(incident, by=said, now=now)
    board.silence(
        Silence(
            id=NOTHING,
            rule="*",
            component="nowhere",
            cause="*",
            starts_at=now,
            ends_at=now + timedelta(days=1),
            by=said,
            why=said,
        ),
        now,
    )
    store = SeamStore(seams, board)
    store.deliveries = tuple(deliveries)
    assert all(each.state is DeliveryState.PENDING for each in store.deliveries)
    keeper._store, keeper._away, keeper._may_try = store, False, lambda: True

    async def read_all(windows: tuple[Any, ...]) -> dict[Any, Tally]:
        seams.strike("statistics")
        return {window: house.recorder.read(window) for window in windows}

    async def read_causes() -> Any:
        seams.strike("statistics")
        return house.recorder.causes

    recorder: Any = house.recorder
    recorder.read_all, recorder.read_causes = read_all, read_causes
    return incident
