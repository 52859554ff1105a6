"""What ended becomes a measurement: of a stage, of an engine, of a backend."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ironleaf.application.errors import as_known
from ironleaf.application.stages import EngineAsked, FlowStage, StageEnded
from ironleaf.document import EngineName
from ironleaf.foundation.errors import Entry, IronleafError
from ironleaf.foundation.monitoring import Measured, WorkMeasured
from ironleaf.foundation.resilience import AttemptTimedOut
from ironleaf.services.engines.errors import ENGINE_TIMEOUT

_NAMES: Final = {stage: stage.value for stage in FlowStage}
"""An enumeration tells its value ten times as slowly, and a page of text has nine."""
Ended = StageEnded | EngineAsked | WorkMeasured
"""The last one is a measurement already."""


def measure(at: datetime, ended: Ended) -> tuple[WorkMeasured, ...]:
    """Return what ended at ``at`` as statistics count it: a backend counts as itself and as its engine."""
    if isinstance(ended, StageEnded):
        stage, _, duration_s, wait_s, pages, ok, *_ = ended
        return (WorkMeasured(at, Measured.STAGE, _NAMES[stage], duration_s, wait_s, pages, ok),)
    if isinstance(ended, WorkMeasured):
        return (ended,)
    engine = _measure_asked(at, Measured.ENGINE, ended.engine, ended)
    if ended.alias == ended.engine or ended.engine != EngineName.VL:
        return (engine,)
    return engine, _measure_asked(at, Measured.BACKEND, ended.alias, ended)


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
