from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ironleaf.faults.clock import ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.resilience import CallContext, ResilienceEvent

ContextFactory = Callable[..., CallContext]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000.0)


@pytest.fixture
def events() -> list[ResilienceEvent]:
    return []


@pytest.fixture
def make_context(clock: ManualClock) -> ContextFactory:
    def make(*, within_s: float = 60.0, **fields: Any) -> CallContext:
        return CallContext(deadline=Deadline.after(within_s, clock), **fields)

    return make
