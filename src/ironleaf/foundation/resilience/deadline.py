"""The end of a request, and how much of it one alternative may use up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.resilience.base import require
from ironleaf.foundation.resilience.errors import DeadlineExceeded
from ironleaf.foundation.resilience.time_limit import Overrun, run_within

if TYPE_CHECKING:
    from ironleaf.foundation.resilience.base import Call, CallContext, T

RUNG_SHARE = 0.6
"""More than half, since the first alternative is the one that is wanted; the rest lets another one answer."""
FALLBACK_RESERVE_S = 0.0
"""Nothing is kept back unless the owner knows how long the fallback takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineShareOptions:
    share: float = RUNG_SHARE
    """Part of the time that is left, above 0 up to 1."""
    reserve_s: float = FALLBACK_RESERVE_S
    """Kept back for the fallback, in seconds, whatever the share says."""

    def __post_init__(self) -> None:
        require(0.0 < self.share <= 1.0, "share must be above 0 and at most 1")
        require(self.reserve_s >= 0.0, "reserve_s must not be below zero")


class RequestDeadline:
    """Cuts everything inside at the request's deadline. Belongs outermost."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def execute(self, call: Call[T], context: CallContext) -> T:
        """Return what ``call`` returns.

        Raises:
            DeadlineExceeded: the time is over; nothing is started when it is over already.
        """
        return await _before_deadline(call, context)


class DeadlineShare:
    """Gives what is inside an earlier deadline, so that the next alternative has time left.

    The last alternative gets all the time there is: nobody comes after it.
    """

    def __init__(self, name: str, *, options: DeadlineShareOptions) -> None:
        self.name = name
        self._options = options

    async def execute(self, call: Call[T], context: CallContext) -> T:
        """Return what ``call`` returns.

        Raises:
            DeadlineExceeded: the share is used up.
        """
        if not context.alternative_left:
            return await _before_deadline(call, context)
        deadline = shared_deadline(context.deadline, options=self._options)
        return await _before_deadline(call, replace(context, deadline=deadline))


def shared_deadline(deadline: Deadline, *, options: DeadlineShareOptions) -> Deadline:
    """Return the end of one alternative: its share of the time left, and never inside the reserve."""
    now_s = deadline.clock.monotonic()
    share_ends_s = now_s + options.share * deadline.remaining_s()
    return Deadline(clock=deadline.clock, ends_at_s=min(share_ends_s, deadline.less(options.reserve_s).ends_at_s))


async def _before_deadline(call: Call[T], context: CallContext) -> T:
    allowed_s = context.deadline.remaining_s()
    try:
        return await run_within(allowed_s, lambda: call(context))
    except Overrun:
        raise DeadlineExceeded(allowed_s=allowed_s) from None
