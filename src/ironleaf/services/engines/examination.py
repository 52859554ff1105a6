"""One look at a backend's health: the canary page, and what its failure says, in a closed list of findings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import IronleafError
from ironleaf.services.engines.canary import CANARY_S, CanaryFailed, read_canary
from ironleaf.services.engines.upstream_failures import FailureKind
from ironleaf.services.engines.vision_language.answer import AnswerRejected, UpstreamFailure

if TYPE_CHECKING:
    from ironleaf.foundation.clock import Clock
    from ironleaf.services.engines.base import Engine

IMAGE_IGNORED: Final = "image-ignored"
"""The verdict's own word for it."""


class Finding(StrEnum):
    """What a look at a backend found."""

    READS = "reads"
    UNREACHABLE = "unreachable"
    """Nothing answers at the address: refused, unknown host, TLS."""
    KEY_REFUSED = "key_refused"
    UNPAID = "unpaid"
    """A quota or balance is used up."""
    MODEL_MISSING = "model_missing"
    BLIND = "blind"
    """The model takes no images, or ignores them."""
    NONSENSE = "nonsense"
    """It answers something else than what stands on the page."""
    BUSY = "busy"
    """Overloaded, rate-limited or still loading; it says nothing against the model."""
    TOO_SLOW = "too_slow"
    RESTING = "resting"
    """Its breaker is open: nobody was asked."""
    FAILS = "fails"
    """Any other failure of the server."""


_FINDINGS: Final = {
    FailureKind.CONNECTION: Finding.UNREACHABLE,
    FailureKind.AUTH: Finding.KEY_REFUSED,
    FailureKind.PERMISSION: Finding.KEY_REFUSED,
    FailureKind.QUOTA_EXHAUSTED: Finding.UNPAID,
    FailureKind.MODEL_NOT_FOUND: Finding.MODEL_MISSING,
    FailureKind.IMAGE_UNSUPPORTED_BY_MODEL: Finding.BLIND,
    FailureKind.OVERLOADED: Finding.BUSY,
    FailureKind.RATE_LIMITED: Finding.BUSY,
    FailureKind.MODEL_LOADING: Finding.BUSY,
    FailureKind.TIMEOUT: Finding.TOO_SLOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The outcome of one look."""

    finding: Finding
    duration_s: float
    failure: Exception | None = None
    """Private."""

    @property
    def reads(self) -> bool:
        return self.finding is Finding.READS


async def look_at(engine: Engine, clock: Clock, *, timeout_s: float = CANARY_S) -> Look:
    """Show ``engine`` the canary page and return what came of it; never raises an `IronleafError`."""
    began_s = clock.monotonic()
    finding, failure = Finding.READS, None
    try:
        await read_canary(engine, clock, timeout_s=timeout_s)
    except CanaryFailed as error:
        finding, failure = Finding.NONSENSE, error
    except IronleafError as error:
        finding, failure = explain(error), error
    return Look(finding=finding, duration_s=clock.monotonic() - began_s, failure=failure)


def explain(error: IronleafError) -> Finding:
    """Return what a failure says about the backend."""
    if isinstance(error, UpstreamFailure):
        return _FINDINGS.get(error.verdict.kind, Finding.FAILS)
    if isinstance(error, AnswerRejected):
        return Finding.BLIND if error.rejection.reason == IMAGE_IGNORED else Finding.NONSENSE
    return Finding.FAILS


class ProbeBudget:
    """How many canary pages one backend may be shown in a day, for servers that cost money; None: any number."""

    def __init__(self, day_max: int | None, clock: Clock) -> None:
        self._day_max = day_max
        self._clock = clock
        self._day = clock.now().date()
        self._taken = 0

    def take(self) -> bool:
        """Count one canary page and tell whether it may be shown. Days are those of UTC."""
        today = self._clock.now().date()
        if today != self._day:
            self._day, self._taken = today, 0
        if self._day_max is not None and self._taken >= self._day_max:
            return False
        self._taken += 1
        return True
