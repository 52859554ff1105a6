"""The reference names every option with its default, and every event."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from pathlib import Path

import pytest

from ironleaf.foundation import resilience
from ironleaf.foundation.resilience import (
    AdaptiveLimitOptions,
    AttemptTimeoutOptions,
    BreakerOptions,
    BulkheadOptions,
    DeadlineShareOptions,
    PatienceOptions,
    ResilienceEvent,
    RetryBudgetOptions,
    RetryOptions,
)

REFERENCE = (Path(__file__).parents[4] / "docs" / "reference" / "resilience.md").read_text(encoding="utf-8")
OPTIONS = [
    AdaptiveLimitOptions,
    AttemptTimeoutOptions,
    BreakerOptions,
    BulkheadOptions,
    DeadlineShareOptions,
    PatienceOptions,
    RetryBudgetOptions,
    RetryOptions,
]
EVENTS = [each for each in vars(resilience).values() if isinstance(each, type) and issubclass(each, ResilienceEvent)]


@pytest.mark.parametrize(
    "field", [pytest.param(field, id=f"{kind.__name__}.{field.name}") for kind in OPTIONS for field in fields(kind)]
)
def test_every_option_stands_in_a_table_with_its_default(field: Field[object]) -> None:
    rows = [line for line in REFERENCE.splitlines() if line.startswith(f"| `{field.name}`")]
    assert rows
    if field.default is not MISSING and isinstance(field.default, int | float):
        assert any(row.split("|")[2].strip() == str(field.default) for row in rows)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_event_is_named(event: type) -> None:
    assert event is ResilienceEvent or f"`{event.__name__}" in REFERENCE
