"""How long each stage of a conversion took, and what befell a page on its way: measured where it happens.

The story of a page travels with its task: whoever works on the page, however deep
below, adds to it, and nobody has to hand it through.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from ironleaf.document import Page
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.resilience import AttemptEnded

T = TypeVar("T")


class FlowStage(StrEnum):
    """The stages of the flow, in order."""

    RECEIVE = "receive"
    ADMISSION = "admission"
    """Waiting until it is one's turn."""
    CHECK = "check"
    OPEN = "open"
    PREPARE = "prepare"
    """Describing and drawing a page."""
    RECOGNISE = "recognise"
    VERIFY = "verify"
    """Judging and grading what was read."""
    CLEAN = "clean"
    ASSEMBLE = "assemble"


class StageEnded(NamedTuple):
    """One stage of one conversion, or of one of its pages, is over. Made nine times for one page: so a tuple."""

    stage: FlowStage
    request_id: str
    duration_s: float
    wait_s: float = 0.0
    """Of that, waiting for a worker or a permit."""
    pages: int = 0
    ok: bool = True
    media_type: str = ""
    """Once it is known."""
    began_s: float = 0.0
    """In the clock's monotonic seconds; between this and the end other stages may have had their time too."""
    ended_s: float = 0.0
    file: str = ""
    """A mark of the file's content, once it is known: of its admission alone."""
    route: str = ""
    """The template of the route that asked for it; of its admission alone, and empty for a command."""


class EngineAsked(NamedTuple):
    """An engine, or one backend of it, was asked for a page and answered or failed."""

    engine: str
    alias: str
    duration_s: float
    """Without drawing the page."""
    wait_s: float
    megapixels: float
    error: IronleafError | None = None
    ended_s: float = 0.0
    """In the clock's monotonic seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEnded:
    """A page was read, or was not, with all that befell it."""

    page: Page
    failure: IronleafError | None
    """Why it could not be read."""
    request_id: str
    media_type: str
    stages: tuple[StageEnded, ...]
    asked: tuple[EngineAsked, ...]
    """Who was asked for it, in order."""
    retried: tuple[tuple[str, Exception], ...]
    """Which backends were asked again, and what for."""
    attempts: tuple[AttemptEnded, ...] = ()
    """Each call of a backend."""


@dataclass(slots=True)
class _Lap:
    began_s: float
    ended_s: float = 0.0
    duration_s: float = 0.0
    wait_s: float = 0.0
    ok: bool = True


class Story:
    """What happens to one page, or to the whole file while it is opened. Belongs to one task."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._laps: dict[FlowStage, _Lap] = {}
        self._inner_s = self._inner_wait_s = 0.0
        self._blamed: BaseException | None = None
        self.waited_s = 0.0
        self.asked: list[EngineAsked] = []
        self.retried: list[tuple[str, Exception]] = []
        self.attempts: list[AttemptEnded] = []

    @contextmanager
    def measure(self, stage: FlowStage) -> Generator[None]:
        """Count the time until the end of the block for ``stage``, less what stages within it take."""
        began_s, waited_s = self._clock.monotonic(), self.waited_s
        inner = self._inner_s, self._inner_wait_s
        self._inner_s = self._inner_wait_s = 0.0
        lap = self._laps.setdefault(stage, _Lap(began_s))
        try:
            yield
        except Exception as error:
            if error is not self._blamed:  # the innermost stage is to blame, not those around it
                lap.ok, self._blamed = False, error
            raise
        finally:
            lap.ended_s = self._clock.monotonic()
            whole_s, wait_s = lap.ended_s - began_s, self.waited_s - waited_s
            lap.duration_s += whole_s - self._inner_s
            lap.wait_s += wait_s - self._inner_wait_s
            self._inner_s, self._inner_wait_s = inner[0] + whole_s, inner[1] + wait_s

    def spent_s(self, stage: FlowStage) -> float:
        """Return the seconds counted for a stage so far."""
        lap = self._laps.get(stage)
        return 0.0 if lap is None else lap.duration_s

    def stages(self, *, request_id: str, pages: int, media_type: str) -> tuple[StageEnded, ...]:
        """Return what was measured."""
        return tuple(
            StageEnded(
                stage=stage,
                request_id=request_id,
                duration_s=lap.duration_s,
                wait_s=lap.wait_s,
                pages=pages,
                ok=lap.ok,
                media_type=media_type,
                began_s=lap.began_s,
                ended_s=lap.ended_s,
            )
            for stage, lap in self._laps.items()
        )


_story: Final[ContextVar[Story | None]] = ContextVar("story", default=None)


@contextmanager
def tell_story(clock: Clock) -> Generator[Story]:
    """Yield the story of what this task, and those that it starts, do within the block."""
    story = Story(clock)
    token = _story.set(story)
    try:
        yield story
    finally:
        _story.reset(token)


def current_story() -> Story | None:
    """Return the story that this task belongs to."""
    return _story.get()


def measuring(stage: FlowStage, work: Callable[..., T]) -> Callable[..., T]:
    """Return ``work``, whose time counts for ``stage`` of the page that it is done for."""

    def measured(*args: object) -> T:
        story = current_story()
        if story is None:
            return work(*args)
        with story.measure(stage):
            return work(*args)

    return measured


def ignore(_event: object) -> None:
    """The hook of those who do not listen."""
