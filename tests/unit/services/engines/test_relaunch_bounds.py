"""Each launch counts once, however much of it stands in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ironleaf.services.engines.ledger import HealingAction, HealingEntry, HealingOutcome
from ironleaf.services.engines.relaunch import is_allowed

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
BEGUN, DONE, FAILED = HealingOutcome.BEGUN, HealingOutcome.DONE, HealingOutcome.FAILED


def entry(minutes_ago: float, outcome: HealingOutcome) -> HealingEntry:
    return HealingEntry(
        at=NOW - timedelta(minutes=minutes_ago),
        backend="reader",
        action=HealingAction.MODEL_RELAUNCHED,
        cause="c",
        guard_rail="g",
        outcome=outcome,
        undo="u",
    )


@pytest.mark.parametrize(
    ("past", "allowed"),
    [
        ([], True),
        ([(9, BEGUN)], False),
        ([(11, BEGUN)], True),
        ([(11, BEGUN), (9, FAILED)], False),
        ([(300, BEGUN), (299, DONE), (200, BEGUN), (199, FAILED)], True),
        ([(300, BEGUN), (200, BEGUN), (100, BEGUN)], False),
        ([(300, DONE), (200, DONE), (100, DONE)], False),
        ([(300, HealingOutcome.HELD_BACK), (9, HealingOutcome.DRY_RUN)], True),
        ([(1500, BEGUN), (1499, DONE), (200, BEGUN), (199, DONE), (100, BEGUN), (99, DONE)], True),
    ],
)
def test_a_launch_that_was_begun_counts_whether_or_not_its_end_was_seen(
    past: list[tuple[float, HealingOutcome]], allowed: bool
) -> None:
    assert is_allowed([entry(*each) for each in past], "reader", NOW) is allowed
    assert is_allowed([entry(*each) for each in past], "another", NOW)
