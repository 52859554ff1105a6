"""An engine inside its guards. It is an engine itself: the ladder cannot tell the difference."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import IronleafError, LimitReached, ModelFailure
from ironleaf.foundation.resilience import (
    AttemptEnded,
    AttemptTimedOut,
    AttemptTimeout,
    AttemptTimeoutOptions,
    BreakerOptions,
    BreakerState,
    Bulkhead,
    BulkheadFull,
    BulkheadOptions,
    CallContext,
    CircuitBreaker,
    CircuitOpen,
    DeadlineExceeded,
    DeadlineShare,
    DeadlineShareOptions,
    Patience,
    PatienceOptions,
    Pipeline,
    ResilienceError,
    Retry,
    RetryOptions,
    emit,
    innermost,
)
from ironleaf.services.engines.base import PIXELS_PER_COST, PIXELS_UNKNOWN, count_pixels
from ironleaf.services.engines.canary import CanaryFailed, Doubt, read_canary
from ironleaf.services.engines.errors import (
    CIRCUIT_OPEN,
    DEADLINE_EXCEEDED,
    ENGINE_BUSY,
    ENGINE_FAILED,
    ENGINE_TIMEOUT,
    NotAsked,
)
from ironleaf.services.engines.examination import ProbeBudget
from ironleaf.services.engines.failure_verdicts import judge_failure, judge_undeclined
from ironleaf.services.engines.upstream_failures import FailureKind
from ironleaf.services.engines.vision_language.answer import AnswerRejected, UpstreamFailure

if TYPE_CHECKING:
    from random import Random

    from ironleaf.document import EngineName, PageResult, PageSource
    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.resilience import EventHook, RetryBudget
    from ironleaf.services.engines.base import Capabilities, Engine, RecogniseRequest

SLOW_S_PER_MEGAPIXEL: Final = 10.0
"""With the breaker's floor of 10 s a usual page is slow from 30 s on: inside the share of a request's 60 s that one
backend gets, so that calls which only a deadline ends still speak against a server."""
PATIENCE_S: Final = 10.0
"""Whoever waited as long as this and was cut by his own deadline has seen a silent server all the same."""
_MAY_BE_THE_INPUT: Final = frozenset({FailureKind.INTERNAL_ERROR, FailureKind.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardOptions:
    """The guards of one backend, in the order in which they stand around it."""

    share: DeadlineShareOptions = field(default_factory=lambda: DeadlineShareOptions(reserve_s=8.0))
    """Eight seconds are kept back: the embedded engine's time for a usual page."""
    retry: RetryOptions = field(default_factory=RetryOptions)
    breaker: BreakerOptions = field(default_factory=lambda: BreakerOptions(slow_s_per_cost=SLOW_S_PER_MEGAPIXEL))
    bulkhead: BulkheadOptions = field(default_factory=BulkheadOptions)
    attempt: AttemptTimeoutOptions = field(default_factory=AttemptTimeoutOptions)
    patience: PatienceOptions = field(default_factory=PatienceOptions)
    canary: bool = True
    """Probe with the canary page; off for a model that cannot read it."""
    declined_counts: bool = True
    """Whether a page that the model or its filter declined speaks against the backend, as other bad answers do."""


class GuardedEngine:
    """``engine`` behind share of the deadline → retry → breaker → bulkhead → attempt timeout → patience.

    Raises (from `recognise`):
        IronleafError: the engine's own failures as they are; of the guards
            ``circuit-open``, ``engine-busy``, ``engine-timeout``, ``deadline-exceeded``;
            `NotAsked` where they kept the page from the engine.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        options: GuardOptions,
        budget: RetryBudget,
        clock: Clock,
        random: Random,
        on_event: EventHook,
        probes: ProbeBudget | None = None,
    ) -> None:
        alias = engine.alias
        classify = judge_failure if options.declined_counts else judge_undeclined
        self.probes = probes or ProbeBudget(None, clock)
        self._engine = engine
        self._clock = clock
        self._on_event = on_event
        self._doubt = Doubt(engine, clock, may_ask=self.probes.take) if options.canary else None
        self.breaker = CircuitBreaker(
            alias,
            options=options.breaker,
            classify=classify,
            clock=clock,
            random=random,
            probe=self._probe if options.canary else None,
            may_probe=self.probes.take,
            on_event=on_event,
        )
        self.bulkhead = Bulkhead(alias, options=options.bulkhead, classify=classify, clock=clock, on_event=on_event)
        self.pipeline = Pipeline(
            (
                DeadlineShare(alias, options=options.share),
                Retry(
                    alias,
                    options=options.retry,
                    classify=classify,
                    budget=budget,
                    clock=clock,
                    random=random,
                    on_event=on_event,
                ),
                self.breaker,
                self.bulkhead,
                AttemptTimeout(alias, options=options.attempt, clock=clock, on_event=on_event),
                Patience(alias, options=options.patience, clock=clock, on_event=on_event),
            ),
            name=alias,
        )

    @property
    def name(self) -> EngineName:
        return self._engine.name

    @property
    def alias(self) -> str:
        return self._engine.alias

    @property
    def capabilities(self) -> Capabilities:
        return self._engine.capabilities

    @property
    def takes_calls(self) -> bool:
        """Whether a page given to it now would reach the engine."""
        return self.breaker.snapshot().state is BreakerState.CLOSED and not self.bulkhead.is_full

    async def recognise(self, page: PageSource, request: RecogniseRequest) -> PageResult:
        asked = False

        async def attempt(context: CallContext) -> PageResult:
            nonlocal asked
            asked = True
            return await self._attempt(page, replace(request, deadline=context.deadline, silence=context.silence))

        context = CallContext(
            deadline=request.deadline,
            cost=_measure_cost(page),
            alternative_left=request.alternative_left,
            equal_left=request.equal_left,
        )
        try:
            return await self.pipeline.execute(attempt, context)
        except ResilienceError as error:
            told = translate(error)
            raise (told if asked else as_not_asked(told)) from error

    async def aclose(self) -> None:
        await self.breaker.aclose()
        await self._engine.aclose()

    async def _attempt(self, page: PageSource, request: RecogniseRequest) -> PageResult:
        began_s = self._clock.monotonic()
        try:
            result = await self._engine.recognise(page, request)
        except (UpstreamFailure, AnswerRejected) as failure:
            self._tell(began_s, failure)
            if isinstance(failure, UpstreamFailure) and self._clock.monotonic() - began_s >= PATIENCE_S:
                failure.deadline_bound = False
            failure.blames_input = await self._blames_the_input(failure)
            raise
        except NotAsked:  # no attempt was made
            raise
        except BaseException as error:
            self._tell(began_s, error)
            raise
        self._tell(began_s, None)
        return result

    def _tell(self, began_s: float, failure: BaseException | None) -> None:
        now_s = self._clock.monotonic()
        ended = AttemptEnded(name=self.alias, at_s=now_s, duration_s=now_s - began_s, private_failure=failure)
        emit(self._on_event, ended)

    async def _blames_the_input(self, failure: UpstreamFailure | AnswerRejected) -> bool:
        if self._doubt is None or not _may_be_the_input(failure):
            return False
        return await self._doubt.server_works()

    async def _probe(self) -> None:
        try:
            await read_canary(self._engine, self._clock)
        except CanaryFailed as error:
            raise ModelFailure(ENGINE_FAILED, context={"backend": self.alias, "canary": "not read"}) from error


def _may_be_the_input(failure: UpstreamFailure | AnswerRejected) -> bool:
    if isinstance(failure, AnswerRejected):
        return failure.rejection.may_be_right
    return failure.verdict.kind in _MAY_BE_THE_INPUT


def as_not_asked(told: IronleafError) -> NotAsked:
    """Return the same word, from a guard that kept the page from the engine."""
    return NotAsked(told.entry, retry_after_s=told.retry_after_s, context=told.context)


def translate(error: ResilienceError) -> IronleafError:
    """Return what a guard's own word means in the catalogue; a failure that ended retrying speaks for itself."""
    cause = innermost(error)
    if isinstance(cause, IronleafError):
        return cause
    if isinstance(cause, CircuitOpen):
        return ModelFailure(CIRCUIT_OPEN, retry_after_s=cause.retry_after_s, context={"open": cause.reason.value})
    if isinstance(cause, BulkheadFull):
        return LimitReached(ENGINE_BUSY, retry_after_s=cause.retry_after_s, context={"full": cause.reason.value})
    if isinstance(cause, AttemptTimedOut):
        return ModelFailure(ENGINE_TIMEOUT, context={"allowed_s": cause.allowed_s})
    if isinstance(cause, DeadlineExceeded):
        return LimitReached(DEADLINE_EXCEEDED, context={"allowed_s": cause.allowed_s})
    return ModelFailure(ENGINE_FAILED, context={"guard": type(cause).__name__})


def _measure_cost(page: PageSource) -> float:
    # Larger ones are shrunk before they are sent.
    return max(0.1, min(count_pixels(page), PIXELS_UNKNOWN) / PIXELS_PER_COST)
