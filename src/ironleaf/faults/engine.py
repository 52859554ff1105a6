"""An engine that does what it is told: answer, fail, wait, or never come back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ironleaf.document import EngineName, PageResult
from ironleaf.foundation.clock import SystemClock
from ironleaf.services.engines.base import Capabilities

if TYPE_CHECKING:
    from ironleaf.document import PageSource
    from ironleaf.foundation.clock import Clock
    from ironleaf.services.engines.base import RecogniseRequest


@dataclass(frozen=True, slots=True)
class Silence:
    """Never answers; ends only by cancellation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Waits before it does what ``then`` says."""

    duration_s: float
    then: str | PageResult | Exception


Step = str | PageResult | Exception | Silence | Late


class FaultyEngine:
    """An ``Engine`` that plays a script.

    Each call takes the next step; the last one stays. A text is answered, a
    result is given as it is, an exception is raised (also foreign ones, which no
    honest engine lets out), `Silence` waits for ever, `Late` waits first.

    Raises:
        ValueError: the script is empty.
    """

    def __init__(
        self,
        *script: Step,
        name: EngineName = EngineName.VL,
        alias: str = "faulty",
        capabilities: Capabilities | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not script:
            raise ValueError("a faulty engine needs a script")
        self._script = script
        self._name = name
        self._alias = alias
        self._capabilities = capabilities or Capabilities(needs_image=False, takes_prompt=True)
        self._clock: Clock = clock or SystemClock()
        self.requests: list[tuple[PageSource, RecogniseRequest]] = []
        """What it was asked, in order."""
        self.is_closed = False

    @property
    def name(self) -> EngineName:
        return self._name

    @property
    def alias(self) -> str:
        return self._alias

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def hits(self) -> int:
        """How often it was asked."""
        return len(self.requests)

    async def recognise(self, page: PageSource, request: RecogniseRequest) -> PageResult:
        step = self._script[min(self.hits, len(self._script) - 1)]
        self.requests.append((page, request))
        if isinstance(step, Silence):
            await asyncio.get_running_loop().create_future()
        if isinstance(step, Late):
            await self._clock.sleep(step.duration_s)
            step = step.then
        if isinstance(step, Exception):
            raise step
        return self._result(step)

    async def aclose(self) -> None:
        self.is_closed = True

    def _result(self, step: object) -> PageResult:
        if isinstance(step, PageResult):
            return replace(step, engine=self._name, model=step.model or self._alias)
        return PageResult(engine=self._name, model=self._alias, text=str(step))
