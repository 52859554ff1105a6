"""An engine with a stop-watch. It is an engine itself: the ladder cannot tell the difference."""

from __future__ import annotations

from collections.abc import Callable

from ironleaf.application.stages import EngineAsked, FlowStage, current_story, ignore
from ironleaf.document import EngineName, PageResult, PageSource
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import IronleafError
from ironleaf.services.engines.base import PIXELS_PER_COST, Capabilities, Engine, RecogniseRequest, count_pixels


class MeasuredEngine:
    """Tells how long the engine within took for each page and what came of it; changes nothing."""

    def __init__(self, engine: Engine, *, clock: Clock, on_asked: Callable[[EngineAsked], None] = ignore) -> None:
        self._engine = engine
        self._clock = clock
        self._on_asked = on_asked

    @property
    def name(self) -> EngineName:
        return self._engine.name

    @property
    def alias(self) -> str:
        return self._engine.alias

    @property
    def capabilities(self) -> Capabilities:
        return self._engine.capabilities

    async def recognise(self, page: PageSource, request: RecogniseRequest) -> PageResult:
        began = self._look()
        try:
            result = await self._engine.recognise(page, request)
        except IronleafError as error:
            self._tell(page, began, self._engine.name, error)
            raise
        self._tell(page, began, result.engine, None)
        return result

    async def aclose(self) -> None:
        await self._engine.aclose()

    def _look(self) -> tuple[float, float, float]:
        story = current_story()
        drawn_s, waited_s = (story.spent_s(FlowStage.PREPARE), story.waited_s) if story else (0.0, 0.0)
        return self._clock.monotonic(), drawn_s, waited_s

    def _tell(
        self, page: PageSource, began: tuple[float, float, float], engine: EngineName, error: IronleafError | None
    ) -> None:
        passed_s, drawn_s, waited_s = (after - before for after, before in zip(self._look(), began, strict=True))
        asked = EngineAsked(
            engine=engine.value,
            alias=self._engine.alias,
            duration_s=max(0.0, passed_s - drawn_s),
            wait_s=waited_s,
            megapixels=count_pixels(page) / PIXELS_PER_COST,
            error=error,
            ended_s=self._clock.monotonic(),
        )
        story = current_story()
        if story is not None:
            story.asked.append(asked)
        self._on_asked(asked)
