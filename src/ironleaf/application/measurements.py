"""What ended becomes a measurement: of a stage, of an engine, of a backend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from ironleaf.application.errors import as_known
from ironleaf.application.stages import EngineAsked, StageEnded
from ironleaf.document import EngineName
from ironleaf.foundation.errors import Entry, IronleafError
from ironleaf.foundation.monitoring import Measured, WorkMeasured
from ironleaf.foundation.monitoring.tally import WorkGroups, WorkKey
from ironleaf.foundation.resilience import AttemptTimedOut
from ironleaf.services.engines.errors import ENGINE_TIMEOUT

Ended = StageEnded | EngineAsked | WorkMeasured
"""The last one is a measurement already."""


def measure(waiting: Iterable[tuple[datetime, Ended]]) -> WorkGroups:
    """Return what ended, and when, as statistics count it: a backend counts as itself and as its engine."""
    groups: defaultdict[WorkKey, list[WorkMeasured]] = defaultdict(list)
    stages: defaultdict[str, list[WorkMeasured]] = defaultdict(list)
    for at, ended in waiting:
        if isinstance(ended, StageEnded):  # a page has nine: written for speed, and an enumeration is slow to look up
            stage, _, duration_s, wait_s, pages, ok, _, _, _, _, _ = ended
            name = str(stage)
            stages[name].append(WorkMeasured(at, Measured.STAGE, name, duration_s, wait_s, pages, ok))
        elif isinstance(ended, WorkMeasured):
            groups[ended.measured, ended.name].append(ended)
        else:
            groups[Measured.ENGINE, ended.engine].append(_measure_asked(at, Measured.ENGINE, ended.engine, ended))
            if ended.alias != ended.engine and ended.engine == EngineName.VL:
                backend = _measure_asked(at, Measured.BACKEND, ended.alias, ended)
                groups[Measured.BACKEND, ended.alias].append(backend)
    return {**{(Measured.STAGE, name): pieces for name, pieces in stages.items()}, **groups}


def _measure_asked(at: datetime, measured: Measured, name: str, asked: EngineAsked) -> WorkMeasured:
    return WorkMeasured(
        at=at,
        measured=measured,
        name=name,
        duration_s=asked.duration_s,
        wait_s=min(asked.wait_s, asked.duration_s),
        pages=1 if asked.error is None else 0,
        ok=asked.error is None,
        cost=asked.megapixels,
    )


def find_entry(error: BaseException) -> Entry:
    """Return what the catalogue calls a failure of an engine."""
    if isinstance(error, IronleafError):
        return error.entry
    return ENGINE_TIMEOUT if isinstance(error, AttemptTimedOut) else as_known(error).entry
