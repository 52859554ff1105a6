"""The ladder: engines from the most to the least trusted, one page at a time, every step down recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ironleaf.document import Attempt, AttemptOutcome, EngineName
from ironleaf.foundation.errors import IronleafError, ModelFailure
from ironleaf.services.engines.base import Capabilities, RungsExhausted
from ironleaf.services.engines.drawing import Drawing
from ironleaf.services.engines.errors import DEADLINE_EXCEEDED, ENGINE_UNAVAILABLE
from ironleaf.services.engines.failure_verdicts import describe_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ironleaf.document import PageResult, PageSource
    from ironleaf.foundation.clock import Clock
    from ironleaf.services.engines.base import Engine, RecogniseRequest


class LadderEngine:
    """Asks its rungs in order and gives the first good answer, saying which steps failed.

    A rung that does not apply to a page (no text layer there) is passed over in
    silence; a rung that fails makes the page degraded, and its reason is kept. Each
    rung is told whether one of its own kind below it can be asked instead. A picture
    that two of them want alike is drawn once.

    `recognise` raises `RungsExhausted` when every rung failed, and an error that
    ``steps_down`` declines at once, as it is.
    """

    def __init__(
        self,
        rungs: Sequence[Engine],
        *,
        clock: Clock,
        applies: Callable[[Engine, PageSource], bool] = lambda _engine, _page: True,
        steps_down: Callable[[IronleafError], bool] = lambda _error: True,
        describe: Callable[[IronleafError], tuple[AttemptOutcome, str]] = describe_attempt,
        on_step_down: Callable[[str, IronleafError], None] = lambda _alias, _error: None,
        takes_calls: Callable[[Engine], bool] = lambda _engine: True,
    ) -> None:
        if not rungs:
            raise ValueError("a ladder needs at least one rung")
        self._rungs = tuple(rungs)
        self._clock = clock
        self._applies = applies
        self._steps_down = steps_down
        self._describe = describe
        self._on_step_down = on_step_down
        self._takes_calls = takes_calls

    @property
    def name(self) -> EngineName:
        return self._rungs[0].name if len(self._rungs) == 1 else EngineName.NONE

    @property
    def alias(self) -> str:
        return self._rungs[0].alias if len(self._rungs) == 1 else "auto"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            needs_image=any(rung.capabilities.needs_image for rung in self._rungs),
            takes_prompt=any(rung.capabilities.takes_prompt for rung in self._rungs),
        )

    async def recognise(self, page: PageSource, request: RecogniseRequest) -> PageResult:
        with Drawing(page) as drawn_once:
            return await self._climb_down(drawn_once, request)

    async def aclose(self) -> None:
        for rung in self._rungs:
            await rung.aclose()

    async def _climb_down(self, page: PageSource, request: RecogniseRequest) -> PageResult:
        rungs = [rung for rung in self._rungs if self._applies(rung, page)]
        attempts: list[Attempt] = []
        failure: IronleafError = ModelFailure(ENGINE_UNAVAILABLE)
        for position, rung in enumerate(rungs):
            last = position == len(rungs) - 1
            if request.deadline.expired():
                raise RungsExhausted(ModelFailure(DEADLINE_EXCEEDED), tuple(attempts)) from failure
            began = self._clock.monotonic()
            equal_left = any(self._stands_in(below, rung) for below in rungs[position + 1 :])
            try:
                result = await rung.recognise(page, replace(request, alternative_left=not last, equal_left=equal_left))
            except IronleafError as error:
                if not self._steps_down(error):
                    raise
                attempts.append(self._record(rung, began, *self._describe(error)))
                self._on_step_down(rung.alias, error)
                failure = error
                continue
            done = self._record(rung, began, AttemptOutcome.SUCCEEDED, None)
            if rung.alias == rung.name:  # no backend with a name of its own: whoever read the page says who it was
                done = replace(done, engine=result.engine)
            attempts.extend(result.attempts or (done,))
            return replace(result, attempts=tuple(attempts), degraded_reason=_first_failure(attempts))
        raise RungsExhausted(failure, tuple(attempts)) from failure

    def _stands_in(self, below: Engine, rung: Engine) -> bool:
        return below.name == rung.name and self._takes_calls(below)

    def _record(self, rung: Engine, began: float, outcome: AttemptOutcome, reason: str | None) -> Attempt:
        duration_ms = round((self._clock.monotonic() - began) * 1000)
        return Attempt(engine=rung.alias, outcome=outcome, reason=reason, duration_ms=duration_ms)


def _first_failure(attempts: Sequence[Attempt]) -> str | None:
    return next((attempt.reason for attempt in attempts if attempt.outcome is not AttemptOutcome.SUCCEEDED), None)
