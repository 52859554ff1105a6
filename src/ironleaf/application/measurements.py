"""What ended becomes measurements: of a stage, of an engine, of a backend, of a route.

A page of text is read in two milliseconds and makes ten of them, so whoever ends
something does no more than put it down. All else is done for many together, when
they are taken: sorted by who did the work, and told of in columns.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ironleaf.application.errors import as_known
from ironleaf.application.stages import EngineAsked, FlowStage, StageEnded
from ironleaf.document import EngineName
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import Entry, IronleafError
from ironleaf.foundation.monitoring import Measured
from ironleaf.foundation.monitoring.work import Work, WorkGroups, WorkKey
from ironleaf.foundation.resilience import AttemptTimedOut
from ironleaf.services.engines.errors import ENGINE_BUSY, ENGINE_TIMEOUT
from ironleaf.services.engines.failure_verdicts import is_skipped

REQUESTS_MAX: Final = 2_000
"""Requests whose facts are kept until they are answered: several times what may run and wait at once."""
WAITING_MAX: Final = 2_048
"""What waits to be told on, at most: what comes in the time between two writes to the database on a busy machine.
Telling as many takes two milliseconds."""
_SERVER_ERROR_STATUS: Final = 500
_OPEN: Final = FlowStage.OPEN
_ADMISSION: Final = FlowStage.ADMISSION
_ASSEMBLE: Final = FlowStage.ASSEMBLE
"""By their own names: a member of an enumeration takes as long to look up as all else that is done for a stage."""


class RequestEnded(NamedTuple):
    """A request was answered."""

    request_id: str
    route: str
    status: int
    duration_s: float
    ended_s: float
    """In the clock's monotonic seconds."""


Ended = StageEnded | EngineAsked | RequestEnded


@dataclass(slots=True)
class Facts:
    """What is known of a request before it is answered."""

    media_type: str = ""
    file: str = ""
    route: str = ""
    waited_s: float = 0.0
    pages: int = 0


_UNKNOWN: Final = Facts()


class Measurements:
    """What ended and was not told on yet. Adding may be done from any thread, and so may the rest."""

    def __init__(self, clock: Clock, note_failure: Callable[[Exception], None]) -> None:
        self._clock = clock
        self._note_failure = note_failure
        self._waiting: deque[Ended] = deque()
        self.add: Final[Callable[[Ended], None]] = self._waiting.append
        self.add_all: Final[Callable[[Sequence[Ended]], None]] = self._waiting.extend
        self.count: Final[Callable[[], int]] = self._waiting.__len__
        """How many are not sorted yet: all of them, unless an error came among them."""
        self._lock = threading.Lock()
        self._requests: dict[str, Facts] = {}
        self._stages: defaultdict[FlowStage, list[StageEnded]] = defaultdict(list)
        self._asked: defaultdict[WorkKey, list[EngineAsked]] = defaultdict(list)
        self._answered: defaultdict[str, list[tuple[RequestEnded, Facts]]] = defaultdict(list)
        self._sorted = 0

    def __len__(self) -> int:
        return len(self._waiting) + self._sorted

    def find(self, request_id: str) -> Facts:
        """Return what is known of a request now; nothing of one that is answered or unknown."""
        with self._lock:
            self._sort()
            return self._requests.get(request_id, _UNKNOWN)

    def take(self) -> WorkGroups:
        """Return everything that has ended since the last call, as statistics count it."""
        with self._lock:
            self._sort()
            zero_s = self._clock.now().timestamp() - self._clock.monotonic()
            groups = {
                **{(Measured.STAGE, str(stage)): _join_stages(ended, zero_s) for stage, ended in self._stages.items()},
                **{key: _join_asked(asked, zero_s) for key, asked in self._asked.items()},
                **{(Measured.ROUTE, route): _join_answered(each, zero_s) for route, each in self._answered.items()},
            }
            for each in (self._stages, self._asked, self._answered):
                each.clear()
            self._sorted = 0
        return groups

    def _sort(self) -> None:
        """Put what waits with others of its kind. Written for speed: this and the joining is what a page pays for."""
        stages, waiting = self._stages, self._waiting
        self._sorted += len(waiting)
        while waiting:
            ended = waiting.popleft()
            try:
                if type(ended) is not StageEnded:
                    self._sort_other(ended)
                    continue
                stage = ended[0]
                stages[stage].append(ended)
                if stage is _OPEN:
                    self._learn(ended.request_id).media_type = ended.media_type
                elif stage is _ADMISSION:
                    facts = self._learn(ended.request_id)
                    facts.waited_s += ended.wait_s
                    facts.file, facts.route = ended.file, ended.route
                elif stage is _ASSEMBLE and ended.ok:
                    self._learn(ended.request_id).pages = ended.pages
            except Exception as error:  # noqa: BLE001 - one that is none must not cost the others
                self._note_failure(error)

    def _sort_other(self, ended: Ended) -> None:
        if isinstance(ended, EngineAsked):
            self._sort_asked(ended)
        elif isinstance(ended, RequestEnded):
            self._answered[ended.route].append((ended, self._requests.pop(ended.request_id, _UNKNOWN)))

    def _sort_asked(self, asked: EngineAsked) -> None:
        """A backend counts as itself and as its engine."""
        if asked.error is not None and (is_skipped(asked.error) or asked.error.entry == ENGINE_BUSY):
            return  # it did no work that could be measured
        self._asked[Measured.ENGINE, asked.engine].append(asked)
        if asked.alias != asked.engine and asked.engine == EngineName.VL:
            self._asked[Measured.BACKEND, asked.alias].append(asked)

    def _learn(self, request_id: str) -> Facts:
        facts = self._requests.get(request_id)
        if facts is None:
            while len(self._requests) >= REQUESTS_MAX:  # commands have nobody who says that they are answered
                del self._requests[next(iter(self._requests))]
            facts = self._requests[request_id] = Facts()
        return facts


def _join_stages(ended: Sequence[StageEnded], zero_s: float) -> Work:
    _, _, durations_s, ended_s, waits_s, pages, oks, *_ = zip(*ended, strict=True)
    return Work(ended_s, durations_s, waits_s, pages, oks, zero_s=zero_s)


def _join_asked(asked: Sequence[EngineAsked], zero_s: float) -> Work:
    oks = [each.error is None for each in asked]
    return Work(
        [each.ended_s for each in asked],
        [each.duration_s for each in asked],
        [min(each.wait_s, each.duration_s) for each in asked],
        oks,
        oks,
        [each.megapixels for each in asked],
        zero_s=zero_s,
    )


def _join_answered(answered: Sequence[tuple[RequestEnded, Facts]], zero_s: float) -> Work:
    return Work(
        [ended.ended_s for ended, _ in answered],
        [ended.duration_s for ended, _ in answered],
        [facts.waited_s for _, facts in answered],
        [facts.pages for _, facts in answered],
        [ended.status < _SERVER_ERROR_STATUS for ended, _ in answered],
        zero_s=zero_s,
    )


def find_entry(error: BaseException) -> Entry:
    """Return what the catalogue calls a failure of an engine."""
    if isinstance(error, IronleafError):
        return error.entry
    return ENGINE_TIMEOUT if isinstance(error, AttemptTimedOut) else as_known(error).entry
