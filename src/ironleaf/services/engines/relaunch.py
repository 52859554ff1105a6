"""When a lost model may be loaded again by us. Pure: bounds, and the past from the ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ironleaf.services.engines.ledger import HealingAction, HealingOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ironleaf.services.engines.ledger import HealingEntry

LAUNCH_S: Final = 180.0
"""Loading took 22 to 43 s for a tiny model on a busy machine; a real one reads gigabytes from disk first."""
GONE_S: Final = 60.0
"""How long a model must be missing first: Xinference reloads a killed replica by itself in 21 to 24 s."""
NEGATIVE_CACHE_S: Final = 10.0
"""For so long Xinference goes on saying that there is no such model, from a cache."""
APART: Final = timedelta(minutes=10)
DAY_MAX: Final = 3
LEDGER_ENTRIES_READ: Final = 500
"""Far more than one day's actions of all backends."""


def is_allowed(past: Iterable[HealingEntry], backend: str, now: datetime) -> bool:
    """Tell whether ``backend`` may be asked to load its model now; launches that failed, or whose end nobody saw,
    count too."""
    launches = [
        entry
        for entry in past
        if entry.backend == backend
        and entry.action is HealingAction.MODEL_RELAUNCHED
        and entry.outcome in {HealingOutcome.BEGUN, HealingOutcome.DONE, HealingOutcome.FAILED}
        and entry.at > now - timedelta(days=1)
    ]
    begun = sum(entry.outcome is HealingOutcome.BEGUN for entry in launches)
    return max(begun, len(launches) - begun) < DAY_MAX and all(entry.at <= now - APART for entry in launches)
