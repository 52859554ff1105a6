"""A model server does not read: what its breaker and the canary page say.

A breaker that opens on bad luck closes again with the next canary page, five
seconds later; only what outlasts the next looks is worth a person's night.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import BACKEND_DOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.foundation.monitoring.detection.tick import BackendFigures, Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

HOLD_S: Final = 30.0
"""For trouble that may be bad luck: the looks that follow a failed one fall into this time."""
DEFINITE_HOLD_S: Final = 10.0
"""For trouble that is none: long enough for re-discovery to mend a model that changed its name."""
CLEAR_S: Final = 30.0


class Backends:
    """Trouble of each backend. The first trouble gives the signal its name; one that explains more is news."""

    def __init__(self) -> None:
        self._backends: dict[str, _Backend] = {}

    def feed(self, tick: Tick) -> Iterator[Signal]:
        for figures in tick.backends:
            backend = self._backends.setdefault(figures.alias, _Backend())
            yield from backend.feed(tick, figures)

    def forget(self, identity: Identity) -> None:
        for alias, backend in tuple(self._backends.items()):
            if backend.identity == identity:
                del self._backends[alias]


class _Backend:
    """One model server."""

    def __init__(self) -> None:
        self._bad_since_s: float | None = None
        self._definite_since_s: float | None = None
        self._proven_since_s: float | None = None
        self._good_since_s: float | None = None
        self._condition: Condition | None = None
        self._said = ""

    @property
    def identity(self) -> Identity | None:
        """What it says at present."""
        return None if self._condition is None else self._condition.identity

    def feed(self, tick: Tick, figures: BackendFigures) -> Iterator[Signal]:
        """Take what is known now into account."""
        now_s = tick.now_s
        self._bad_since_s = _hold(self._bad_since_s, now_s, holds=bool(figures.trouble))
        self._definite_since_s = _hold(self._definite_since_s, now_s, holds=figures.definite)
        self._proven_since_s = _hold(self._proven_since_s, now_s, holds=figures.proven)
        self._good_since_s = _hold(self._good_since_s, now_s, holds=not figures.trouble)
        condition = self._condition
        if condition is None:
            if self._is_proven(now_s):
                self._condition = Condition(BACKEND_DOWN, figures.component, figures.trouble)
                yield self._say(self._condition, tick, figures)
        elif self._good_since_s is not None:
            if now_s - self._good_since_s >= CLEAR_S:
                self._condition = None
                yield condition.end(tick)
        elif figures.definite and figures.trouble != self._said:
            yield self._say(condition, tick, figures)

    def _is_proven(self, now_s: float) -> bool:
        by_time = _lasted(self._bad_since_s, now_s, HOLD_S) or _lasted(self._definite_since_s, now_s, DEFINITE_HOLD_S)
        return by_time or _lasted(self._proven_since_s, now_s, 0.0)

    def _say(self, condition: Condition, tick: Tick, figures: BackendFigures) -> Signal:
        self._said = figures.trouble
        return condition.begin(tick, began_s=self._bad_since_s, evidence={"finding": figures.trouble})


def _hold(since_s: float | None, now_s: float, *, holds: bool) -> float | None:
    if not holds:
        return None
    return now_s if since_s is None else since_s


def _lasted(since_s: float | None, now_s: float, duration_s: float) -> bool:
    return since_s is not None and now_s - since_s >= duration_s
