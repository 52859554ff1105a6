"""A failure whose fingerprint nobody has seen before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import NEW_ERROR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ironleaf.foundation.monitoring.detection.tick import Sight, Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

KNOWN_MAX: Final = 4096
"""Fingerprints remembered; the one not seen for longest is forgotten."""
STANDING_MAX: Final = 10
"""New errors that stand at once. A release that breaks everything needs no more to be seen."""
QUIET_S: Final = 3600.0
"""Over when none of its kind came for an hour."""
FINGERPRINTS_MAX: Final = 50
"""Of one new error that are news again once a person has called it mended."""


@dataclass(slots=True)
class _New:
    """A new error that stands."""

    condition: Condition
    seen_s: float = 0.0
    fingerprints: list[str] = field(default_factory=list[str])


class Novelty:
    """New fingerprints of level 3 and above, for each component and cause; several of them are news of one."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()
        self._standing: dict[tuple[str, str], _New] = {}
        self.recall(known)

    def recall(self, known: Iterable[str]) -> None:
        """Take over fingerprints that were seen in the kept past."""
        for fingerprint in known:
            self._remember(fingerprint)

    def feed(self, tick: Tick) -> Iterator[Signal]:
        for sight in tick.sights:
            yield from self._see(tick, sight)
        for key, new in tuple(self._standing.items()):
            quiet_s = tick.find_seen_well_s(NEW_ERROR, key[0])
            if tick.now_s - new.seen_s >= (quiet_s or QUIET_S):
                del self._standing[key]
                yield new.condition.end(tick)

    def forget(self, identity: Identity) -> None:
        """A failure that a person has called mended is news when it comes again."""
        for key, new in tuple(self._standing.items()):
            if new.condition.identity == identity:
                del self._standing[key]
                for fingerprint in new.fingerprints:
                    self._known.pop(fingerprint, None)

    def _see(self, tick: Tick, sight: Sight) -> Iterator[Signal]:
        key = sight.component, sight.cause
        known = sight.fingerprint in self._known
        self._remember(sight.fingerprint)
        new = self._standing.get(key)
        if new is None:
            if known or len(self._standing) >= STANDING_MAX:
                return
            new = self._standing[key] = _New(Condition(NEW_ERROR, *key))
        new.seen_s = tick.now_s
        if not known:
            if len(new.fingerprints) < FINGERPRINTS_MAX:
                new.fingerprints.append(sight.fingerprint)
            yield new.condition.begin(tick, fingerprint=sight.fingerprint)

    def _remember(self, fingerprint: str) -> None:
        self._known[fingerprint] = None
        self._known.move_to_end(fingerprint)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
