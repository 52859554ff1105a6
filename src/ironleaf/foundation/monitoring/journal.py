"""What one process has heard: folded at once, kept for its own answers, and cut into batches for the database. Pure."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.causes import Causes, bound_causes, merge_causes, note_cause
from ironleaf.foundation.monitoring.events import ErrorEvent
from ironleaf.foundation.monitoring.rollups import Rollups
from ironleaf.foundation.monitoring.tally import OTHER, Tally, fold_work
from ironleaf.foundation.monitoring.totals import Totals
from ironleaf.foundation.monitoring.windows import FINEST_S, Window, start_of
from ironleaf.foundation.monitoring.work import Work

if TYPE_CHECKING:
    from ironleaf.foundation.monitoring.events import WorkMeasured
    from ironleaf.foundation.monitoring.work import WorkGroups

OPEN_PERIODS_MAX: Final = 500
"""Periods of five seconds that may be open between two cuts: one or two are, unless the wall clock jumps about."""
NAMES_MAX: Final = 2_000
"""Names that are let in, all dimensions together: several times what the closed lists of the house hold."""
NAME: Final = re.compile(r"[\w.:/{}+@-]{1,120}", re.ASCII)
"""What a name of ours may look like. Anything else is no name from a closed list, and is counted as ``other``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is to be added to the database once, however often it has to be tried."""

    number: int
    """From 1, growing by one: by it the database knows a batch that it has already."""
    rollups: Rollups = field(default_factory=Rollups)
    causes: Causes = field(default_factory=dict)


class Journal:
    """Hears events from any thread; everything else belongs to one."""

    def __init__(self) -> None:
        self.history = Rollups()
        self.causes: Causes = {}
        self.totals = Totals()
        self.lost = 0
        """Events that had to be dropped."""
        self._lock = threading.Lock()
        self._names: set[str] = {""}
        self._open: dict[int, Tally] = {}
        self._open_causes: Causes = {}
        self._waiting = Batch(number=1)
        self._sent: Batch | None = None

    def hear(self, event: ErrorEvent | WorkMeasured) -> None:
        """Fold one event in."""
        if not isinstance(event, ErrorEvent):
            self.hear_work({(event.measured, event.name): Work.of((event,))})
            return
        at_s = event.at.timestamp()
        with self._lock:
            tally = self._tally(start_of(at_s, FINEST_S))
            if tally is None:
                self.lost += 1
                return
            event = self._clean_error(event)
            tally.add_error(event, round(at_s * 1000))
            note_cause(self._open_causes, event)
            self.totals.add_error(event)

    def hear_work(self, groups: WorkGroups) -> None:
        """Fold measurements in: many at a time cost a fraction of what they cost one by one."""
        with self._lock:
            for (measured, name), group in groups.items():
                key = (measured, name if self._admits(name) else OTHER)
                for start_s, work in group.split():
                    tally = self._tally(start_s)
                    if tally is None:
                        self.lost += len(work)
                        continue
                    bulk = fold_work(work)
                    tally.add_work(key, bulk)
                    self.totals.add_work(key, bulk)

    def cut(self, now_s: float, *, prune: bool = True) -> None:
        """Put what was heard since the last cut where it is answered from, and where it waits for the database.

        ``prune`` drops what is too old for every window; not to be done on the word of a clock that has just jumped.
        """
        with self._lock:
            tallies, self._open = self._open, {}
            causes, self._open_causes = self._open_causes, {}
        for start_s, tally in tallies.items():
            self.history.fold(start_s, tally)
            self._waiting.rollups.fold(start_s, tally)
        for kept in (self.causes, self._waiting.causes):
            merge_causes(kept, causes)
            bound_causes(kept)
        for rollups in (self.history, self._waiting.rollups):
            if prune:
                rollups.prune(now_s)
            rollups.bound(now_s)

    def next_batch(self) -> Batch | None:
        """Return what the database must be told next: the same again, until `confirm` says that it has it."""
        if self._sent is None and not (self._waiting.rollups.empty and not self._waiting.causes):
            self._sent, self._waiting = self._waiting, Batch(number=self._waiting.number + 1)
        return self._sent

    def confirm(self) -> None:
        """Take note that the database has the batch."""
        self._sent = None

    def read(self, window: Window, now_s: float) -> Tally:
        """Return what this process heard in the window that ends now."""
        self.cut(now_s, prune=False)
        return self.history.read(window, now_s)

    def split(self, window: Window, now_s: float) -> tuple[tuple[int, Tally], ...]:
        """Return what this process heard in each period of the window that ends now."""
        self.cut(now_s, prune=False)
        return self.history.split(window, now_s)

    def _tally(self, start_s: int) -> Tally | None:
        tally = self._open.get(start_s)
        if tally is None and len(self._open) < OPEN_PERIODS_MAX:
            tally = self._open[start_s] = Tally()
        return tally

    def _clean_error(self, event: ErrorEvent) -> ErrorEvent:
        names = (event.component, event.backend, event.engine, event.file_type, event.route, event.fingerprint)
        if self._names.issuperset(names):  # the usual case: all of them are known
            return event
        fields = ("component", "backend", "engine", "file_type", "route", "fingerprint")
        wrong = {name: OTHER for name, value in zip(fields, names, strict=True) if not self._admits(value)}
        return replace(event, **wrong) if wrong else event  # pyright: ignore[reportArgumentType] - names only

    def _admits(self, name: str) -> bool:
        if name in self._names:
            return True
        if len(self._names) >= NAMES_MAX or not NAME.fullmatch(name):
            return False
        self._names.add(name)
        return True
