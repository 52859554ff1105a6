"""How long each stage of a conversion took, and what befell a page on its way: measured where it happens.

The story of a page travels with its task: whoever works on the page, however deep
below, adds to it, and nobody has to hand it through.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
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
    ended_s: float
    """In the clock's monotonic seconds."""
    wait_s: float = 0.0
    """Of that, waiting for a worker or a permit."""
    pages: int = 0
    ok: bool = True
    media_type: str = ""
    """Once it is known."""
    began_s: float = 0.0
    """In the clock's monotonic seconds; between this and the end other stages may have had their time too."""
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
    ended_s: float
    """In the clock's monotonic seconds."""
    error: IronleafError | None = None


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
class Lap:
    """The time of one stage so far."""

    began_s: float
    ended_s: float = 0.0
    duration_s: float = 0.0
    wait_s: float = 0.0
    ok: bool = True


class Story:
    """What happens to one page, or to the whole file while it is opened. Belongs to one task."""

    __slots__ = ("asked", "attempts", "blamed", "clock", "inner_s", "inner_wait_s", "laps", "retried", "waited_s")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.laps: dict[FlowStage, Lap] = {}
        self.inner_s = self.inner_wait_s = 0.0
        """What stages within the present one have taken."""
        self.blamed: BaseException | None = None
        self.waited_s = 0.0
        self.asked: list[EngineAsked] = []
        self.retried: list[tuple[str, Exception]] = []
        self.attempts: list[AttemptEnded] = []

    def measure(self, stage: FlowStage) -> AbstractContextManager[None]:
        """Return a context that counts its time for ``stage``, less what stages within it take."""
        return Measuring(self, stage)

    def spent_s(self, stage: FlowStage) -> float:
        """Return the seconds counted for a stage so far."""
        lap = self.laps.get(stage)
        return 0.0 if lap is None else lap.duration_s

    def stages(self, *, request_id: str, pages: int, media_type: str) -> tuple[StageEnded, ...]:
        """Return what was measured."""
        return tuple(
            [
                StageEnded(
                    stage,
                    request_id,
                    lap.duration_s,
                    lap.ended_s,
                    lap.wait_s,
                    pages,
                    lap.ok,
                    media_type,
                    lap.began_s,
                )
                for stage, lap in self.laps.items()
            ]
        )


_story: Final[ContextVar[Story | None]] = ContextVar("story", default=None)


def tell_story(clock: Clock) -> AbstractContextManager[Story]:
    """Return a context with the story of what this task, and those that it starts, do within it."""
    return Telling(clock)


class Telling:
    """A class, since a generator costs twice as much, and there are four of them in the two milliseconds of a text."""

    __slots__ = ("_story", "_token")

    def __init__(self, clock: Clock) -> None:
        self._story = Story(clock)

    def __enter__(self) -> Story:
        self._token = _story.set(self._story)
        return self._story

    def __exit__(self, *_: object) -> None:
        _story.reset(self._token)


class Measuring:
    """One go at a stage. A class for the same reason."""

    __slots__ = ("_began_s", "_inner_s", "_inner_wait_s", "_lap", "_stage", "_story", "_waited_s")

    def __init__(self, story: Story, stage: FlowStage) -> None:
        self._story = story
        self._stage = stage

    def __enter__(self) -> None:
        story = self._story
        self._began_s, self._waited_s = story.clock.monotonic(), story.waited_s
        self._inner_s, self._inner_wait_s = story.inner_s, story.inner_wait_s
        story.inner_s = story.inner_wait_s = 0.0
        lap = story.laps.get(self._stage)
        if lap is None:
            lap = story.laps[self._stage] = Lap(self._began_s)
        self._lap = lap

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        story, lap = self._story, self._lap
        if isinstance(error, Exception) and error is not story.blamed:
            lap.ok, story.blamed = False, error  # the innermost stage is to blame, not those around it
        lap.ended_s = story.clock.monotonic()
        whole_s, wait_s = lap.ended_s - self._began_s, story.waited_s - self._waited_s
        lap.duration_s += whole_s - story.inner_s
        lap.wait_s += wait_s - story.inner_wait_s
        story.inner_s, story.inner_wait_s = self._inner_s + whole_s, self._inner_wait_s + wait_s


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
