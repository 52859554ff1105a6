"""What monitoring hears: errors that were met, and work that was measured. Frozen values, made by whoever saw them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from ironleaf.foundation.errors import Kind, Level


class Outcome(StrEnum):
    """What became of the work that met the error."""

    FAILED = "failed"
    """The caller got the error."""
    DEGRADED = "degraded"
    """A lower rung did the work; the caller was told so."""
    HEALED = "healed"
    """A retry or another equal took over; the caller noticed nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEvent:
    """One error, as statistics need it: names from closed lists only, no text of anybody's."""

    at: datetime
    """Aware, UTC."""
    code: int
    reason: str
    kind: Kind
    level: Level
    component: str
    """The part that failed: `service`, `database`, `disk`, an engine's name, or `backend:<alias>`."""
    outcome: Outcome
    backend: str = ""
    """The operator's alias; empty if no backend took part."""
    engine: str = ""
    file_type: str = ""
    """The media type found by content; empty if none was found."""
    route: str = ""
    """The route's template: of the request that met it, also through one of its pages; empty outside a request."""
    fingerprint: str = ""
    """The same for the same cause in the same place of the code; empty if there was no exception."""
    request_id: str = ""
    file: str = ""
    """A mark of the file's content, where the file itself may be why; the same for a file that is sent again."""


class Measured(StrEnum):
    """What kind of work a measurement is of."""

    STAGE = "stage"
    ENGINE = "engine"
    BACKEND = "backend"
    ROUTE = "route"


class WorkMeasured(NamedTuple):
    """One piece of work that ended. A tuple, since a page of text makes ten: it is made in a third of the time."""

    at: datetime
    """Aware, UTC; when it ended."""
    measured: Measured
    name: str
    """From a closed list: the stage, engine, alias or route template."""
    duration_s: float
    wait_s: float = 0.0
    """Of that, waiting for a turn."""
    pages: int = 0
    ok: bool = True
    cost: float = 1.0
    """How much work it was, in the unit of its kind (megapixels for engines and backends), to tell slow from large."""
