"""The port of every policy, and what a policy is told about a call and its failure."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

from ironleaf.foundation.resilience.errors import CallRefused, DeadlineExceeded, innermost

if TYPE_CHECKING:
    from ironleaf.foundation.clock import Deadline

T = TypeVar("T")


class HardSignal(StrEnum):
    """A failure that says by itself that the next call will fail too."""

    MODEL_GONE = "model_gone"
    AUTHENTICATION = "authentication"
    QUOTA = "quota"
    CONNECTION_REFUSED = "connection_refused"
    """Believed only when it comes several times in a row: a restart refuses for a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureVerdict:
    """What a failure means, as judged by the one who knows the other side."""

    retry_same: bool
    """Another try at the same place may help."""
    retry_after_s: float | None = None
    """How long the other side asked to be left alone."""
    hard: HardSignal | None = None
    counts_as_failure: bool = True
    """It speaks against the health of the other side; a caller's bad input does not."""
    content: bool = False
    """The other side answered, and what it answered is no good."""
    overloaded: bool = False
    """The other side says that it has too much to do."""
    timed_out: bool = False
    """Nothing came in the time that one call may take: another try may cost as much, and an alternative is quicker."""


Classify = Callable[[Exception], FailureVerdict]
"""Supplied by the owner of the guarded call. It must not raise."""


@dataclass(slots=True)
class QueueTime:
    """How long a call waited for a permit: no fault of the one that was called."""

    waited_s: float = 0.0


class Silence:
    """Told by a call when it has asked and when the answer begins. This one does not listen."""

    def begin(self) -> None:
        """The question is on its way."""

    def end(self) -> None:
        """The first piece of the answer is there; telling it again does no harm."""


def _nothing_against_it() -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """What every policy may know about the call it guards."""

    deadline: Deadline
    cost: float = 1.0
    """Size of the work, in a unit that the owner chooses (megapixels, say); above zero."""
    attempt: int = 1
    """Which try this is, from 1."""
    alternative_left: bool = False
    """Somebody else can still answer, so that patience is worth less."""
    equal_left: bool = False
    """Somebody as good can answer now: asking him is better than asking again, or than waiting for long."""
    queue: QueueTime = field(default_factory=QueueTime)
    silence: Silence = field(default_factory=Silence)
    recheck: Callable[[], None] = _nothing_against_it
    """To be called after a wait, before the call is made: raises what a policy outside has to say against it by now."""

    def __post_init__(self) -> None:
        require(self.cost > 0.0, "cost must be above zero")


Call = Callable[[CallContext], Awaitable[T]]


class Policy(Protocol):
    """One guard around a call. It changes when and whether the call runs, never what it answers."""

    @property
    def name(self) -> str:
        """What it guards."""
        ...

    async def execute(self, call: Call[T], context: CallContext) -> T:
        """Return what ``call`` returns.

        Raises:
            ResilienceError: what the policy itself has to say.
            Exception: whatever ``call`` raises, unless the policy deals with it.
        """
        ...


def judge(exception: Exception, classify: Classify) -> FailureVerdict:
    """Return the verdict on a failure; the kit's own refusals never speak against the other side."""
    failure = innermost(exception)
    if isinstance(failure, CallRefused):
        return FailureVerdict(retry_same=False, retry_after_s=failure.retry_after_s, counts_as_failure=False)
    if isinstance(failure, DeadlineExceeded):
        return FailureVerdict(retry_same=False, counts_as_failure=False)
    return classify(failure)


def size_of(cost: float) -> int:
    """Return the doubling of cost to which a piece of work belongs: 1 to below 2 is 0.

    Times are compared within a size only: what a call takes besides is the same for
    small and large work, so that time per cost is many times higher for the small.
    """
    return math.floor(math.log2(cost))


def require(holds: bool, rule: str) -> None:
    """Refuse options that make no sense.

    Raises:
        ValueError: with the rule that does not hold.
    """
    if not holds:
        raise ValueError(rule)
