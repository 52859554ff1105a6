"""The limit of one try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ironleaf.foundation.resilience.base import require
from ironleaf.foundation.resilience.errors import AttemptTimedOut, DeadlineExceeded
from ironleaf.foundation.resilience.events import AttemptCut, EventHook, emit, ignore
from ironleaf.foundation.resilience.time_limit import Overrun, run_within

if TYPE_CHECKING:
    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.resilience.base import Call, CallContext, T

ATTEMPT_TIMEOUT_S = 60.0
"""A full page of a slow model on one small card takes 20 to 40 s; longer is a hang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTimeoutOptions:
    timeout_s: float = ATTEMPT_TIMEOUT_S

    def __post_init__(self) -> None:
        require(self.timeout_s > 0.0, "timeout_s must be above zero")


class AttemptTimeout:
    """Cuts a try at its own limit or at the deadline, whichever comes first. Belongs innermost."""

    def __init__(
        self, name: str, *, options: AttemptTimeoutOptions, clock: Clock, on_event: EventHook = ignore
    ) -> None:
        self.name = name
        self._options = options
        self._clock = clock
        self._on_event = on_event

    async def execute(self, call: Call[T], context: CallContext) -> T:
        """Return what ``call`` returns.

        Raises:
            AttemptTimedOut: the try took longer than one try may.
            DeadlineExceeded: the deadline came first; nothing is started when it is over already.
        """
        remaining_s = context.deadline.remaining_s()
        by_deadline = remaining_s < self._options.timeout_s
        allowed_s = min(remaining_s, self._options.timeout_s)
        try:
            return await run_within(allowed_s, lambda: call(context))
        except Overrun:
            emit(
                self._on_event,
                AttemptCut(name=self.name, at_s=self._clock.monotonic(), allowed_s=allowed_s, by_deadline=by_deadline),
            )
            cut = DeadlineExceeded if by_deadline else AttemptTimedOut
            raise cut(allowed_s=allowed_s) from None
