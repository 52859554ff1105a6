"""Work that was measured, many pieces at a time: in columns, since most of what is asked of them is asked of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from typing import TYPE_CHECKING

from ironleaf.foundation.monitoring.events import Measured, WorkMeasured
from ironleaf.foundation.monitoring.windows import FINEST_S, start_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Work:
    """Pieces of work of one kind, at least one, in the order in which they ended: a column for each of their sides."""

    ended_s: Sequence[float]
    """On the teller's clock."""
    durations_s: Sequence[float]
    waits_s: Sequence[float]
    pages: Sequence[int]
    oks: Sequence[bool]
    costs: Sequence[float] = ()
    """Of engines and backends alone."""
    zero_s: float = 0.0
    """The zero of the teller's clock, in seconds of the epoch."""

    def __len__(self) -> int:
        return len(self.durations_s)

    @classmethod
    def of(cls, pieces: Iterable[WorkMeasured]) -> Work:
        """Return pieces of one kind in columns."""
        moments, _, _, durations_s, waits_s, pages, oks, costs = zip(*pieces, strict=True)
        return cls([at.timestamp() for at in moments], durations_s, waits_s, pages, oks, costs)

    def pieces(self, measured: Measured, name: str) -> list[WorkMeasured]:
        """Return the pieces one by one."""
        columns = zip(
            self.ended_s, self.durations_s, self.waits_s, self.pages, self.oks, self.costs or repeat(1.0), strict=False
        )
        return [
            WorkMeasured(datetime.fromtimestamp(ended_s + self.zero_s, UTC), measured, name, *sides)
            for ended_s, *sides in columns
        ]

    def split(self) -> Iterable[tuple[int, Work]]:
        """Return the pieces by the start of the finest period in which each ended: nearly always one."""
        first_s, last_s = self._period(min(self.ended_s)), self._period(max(self.ended_s))
        if first_s == last_s:
            return ((first_s, self),)
        places: dict[int, list[int]] = {}
        for place, ended_s in enumerate(self.ended_s):
            places.setdefault(self._period(ended_s), []).append(place)
        return [(start_s, self._choose(chosen)) for start_s, chosen in places.items()]

    def _period(self, ended_s: float) -> int:
        return start_of(ended_s + self.zero_s, FINEST_S)

    def _choose(self, places: Sequence[int]) -> Work:
        columns = (self.ended_s, self.durations_s, self.waits_s, self.pages, self.oks, self.costs)
        chosen = ([column[place] for place in places] if column else () for column in columns)
        return Work(*chosen, zero_s=self.zero_s)  # pyright: ignore[reportArgumentType] - each column keeps its type


WorkKey = tuple[Measured, str]
WorkGroups = Mapping[WorkKey, Work]
"""Measurements by who did the work."""
