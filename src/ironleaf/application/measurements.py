"""What ended becomes a measurement: of a stage, of an engine, of a backend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from ironleaf.application.errors import as_known
from ironleaf.application.stages import EngineAsked, FlowStage, StageEnded
from ironleaf.document import EngineName
from ironleaf.foundation.errors import Entry, IronleafError
from ironleaf.foundation.monitoring import Measured, WorkMeasured
from ironleaf.foundation.monitoring.tally import WorkGroups, WorkKey
from ironleaf.foundation.resilience import AttemptTimedOut
from ironleaf.services.engines.errors import ENGINE_TIMEOUT

_NAMES: Final = {stage: stage.value for stage in FlowStage}
"""An enumeration tells its value ten times as slowly, and a page of text has nine."""
Ended = StageEnded | EngineAsked | WorkMeasured
"""The last one is a measurement already."""


def measure(waiting: Iterable[tuple[datetime, Ended]]) -> WorkGroups:
    """Return what ended, and when, as statistics count it: a backend counts as itself and as its engine."""
    groups: defaultdict[WorkKey, list[WorkMeasured]] = defaultdict(list)
    for at, ended in waiting:
        if isinstance(ended, StageEnded):  # most of them: written for speed
            stage, _, duration_s, wait_s, pages, ok, *_ = ended
            name = _NAMES[stage]
            piece = WorkMeasured(at, Measured.STAGE, name, duration_s, wait_s, pages, ok)
            groups[Measured.STAGE, name].append(piece)
        elif isinstance(ended, WorkMeasured):
            groups[ended.measured, ended.name].append(ended)
        else:
            groups[Measured.ENGINE, ended.engine].append(_measure_asked(at, Measured.ENGINE, ended.engine, ended))
            if ended.alias != ended.engine and ended.engine == EngineName.VL:
                groups[Measured.BACKEND, ended.alias].append(_measure_asked(at, Measured.BACKEND, ended.alias, ended))
    return groups


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
