"""Who hears of what, for the statistics: what the house tells becomes errors and measurements, each exactly once.

One fault is one event. A page has a fault for each engine or backend that was
asked for it in vain: ``failed`` if that is what the caller is told, ``degraded``
if another one was asked instead; and one ``healed`` for each backend that read it
only when asked again. A request has one that met it before or after its pages;
where its pages failed, they have told it already.

Errors are told at once. Measurements wait a moment and are told many at a time.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Final, Protocol

from ironleaf.application.measurements import WAITING_MAX, Facts, Measurements, RequestEnded, find_entry
from ironleaf.application.outcome import PagesFailed
from ironleaf.application.stages import EngineAsked, PageEnded, StageEnded, current_story
from ironleaf.application.subscriptions import QUIET_ROUTES, is_parting
from ironleaf.document import EngineName, PageStatus
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import Entry, Family, Kind
from ironleaf.foundation.errors.protocol import SERVICE_BUSY
from ironleaf.foundation.monitoring import ErrorEvent, Outcome, WorkMeasured
from ironleaf.foundation.monitoring.work import WorkGroups
from ironleaf.foundation.observability import make_fingerprint
from ironleaf.foundation.processes import JobQueued, ProcessEvent, WorkerStartFailed
from ironleaf.foundation.resilience import AttemptEnded, BulkheadQueued, ResilienceEvent, RetryScheduled
from ironleaf.services.engines.base import RungsExhausted
from ironleaf.services.engines.errors import ENGINE_UNAVAILABLE
from ironleaf.services.engines.ledger import HealingAction, HealingEntry, HealingOutcome
from ironleaf.services.files.errors import DECODERS_UNAVAILABLE
from ironleaf.web import ErrorSeen, RequestSeen

SERVICE: Final = "service"
RECOGNISERS: Final = "recognise"
_HEALED: Final = frozenset(
    {
        HealingAction.MODEL_SWITCHED,
        HealingAction.MODEL_RESTORED,
        HealingAction.MODEL_RETURNED,
        HealingAction.MODEL_RELAUNCHED,
    }
)
_OF_THE_WORK: Final = frozenset({Kind.INTERNAL, Kind.TIMEOUT})
"""A part that is not there or takes no more (unavailable, busy) fails every file alike, the same one again too."""
_ON_THE_FILE: Final = frozenset({Family.PROCESSING, Family.MODEL, Family.SYSTEM})
"""Not storage or dependencies: they know no file."""

Event = ErrorEvent | WorkMeasured
Listener = Callable[[Event], None]
ListenerToWork = Callable[[WorkGroups], None]
logger = logging.getLogger(__name__)


def _safely(hear: Callable[..., None]) -> Callable[..., None]:
    """Return a method that counts its own failures: what watches the work must not break it."""

    @wraps(hear)
    def heard(self: Watching, *args: Any) -> None:
        try:
            hear(self, *args)
        except Exception as error:  # noqa: BLE001 - statistics are no part of the work
            self.note_failure(error)

    return heard


class Follower(Protocol):
    """Hears what the doors and the flow tell, as they tell it. Quick; what it raises is counted and goes no further."""

    def hear_stage(self, ended: StageEnded) -> None: ...

    def hear_page(self, ended: PageEnded) -> None: ...

    def hear_error(self, seen: ErrorSeen) -> None: ...

    def hear_request(self, seen: RequestSeen) -> None: ...


class Watching:
    """Turns what the house tells into events, and hands them to the listeners. Nothing here waits or raises."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listeners: list[tuple[Listener, ListenerToWork]] = []
        self._followers: list[Follower] = []
        self._waiting = Measurements(clock, self.note_failure)
        self.hear_stage: Callable[[StageEnded], None] = self._waiting.add
        """A stage of a conversion is over. No method of ours: there are five in the two milliseconds of a text, and
        between all that else is done then, a call of one costs ten times what it costs by itself."""
        self.hear_asked: Final[Callable[[EngineAsked], None]] = self._waiting.add
        """An engine was asked for a page."""
        self.healings: Counter[tuple[str, str, str]] = Counter()
        """Backend, action and outcome."""
        self.guards: Counter[tuple[str, str]] = Counter()
        """Backend and kind of event."""
        self.failures = 0
        """Events that could not be made or delivered: defects of ours."""

    def listen(self, listener: Listener, *, to_work: ListenerToWork | None = None) -> None:
        """Have ``listener`` called with every event from now on: with an error at once, with measurements when
        `tell_waiting` is called, or earlier. It must be quick. With ``to_work``, measurements go there, many at a time.
        """
        self._listeners.append((listener, to_work or partial(_each, listener)))

    def follow(self, follower: Follower) -> None:
        """Have ``follower`` hear what this hears: to be said before any of its hooks is handed on."""
        self._followers.append(follower)
        self.hear_stage = self._hear_stage

    def note_failure(self, error: Exception) -> None:
        """Count a failure of the watching itself; the first is logged, by its type only."""
        self.failures += 1
        if self.failures == 1:
            logger.error("watching failed: %s", type(error).__name__)

    # -- what the doors tell

    @_safely
    def hear_error(self, seen: ErrorSeen) -> None:
        """An error met a request."""
        for follower in self._followers:
            self._call(follower.hear_error, seen)
        if not isinstance(seen.exception, PagesFailed) and not is_parting(seen):  # the pages have told
            self._tell_request(seen.entry, seen.exception, route=seen.route, request_id=seen.request_id)

    @_safely
    def hear_request(self, seen: RequestSeen) -> None:
        """A request was answered."""
        for follower in self._followers:
            self._call(follower.hear_request, seen)
        if seen.route not in QUIET_ROUTES:
            ended_s = self._clock.monotonic()
            self._waiting.add(RequestEnded(seen.request_id, seen.route, seen.status, seen.duration_ms / 1000, ended_s))
            self._bound()

    # -- what the flow tells

    def _hear_stage(self, ended: StageEnded) -> None:
        self._waiting.add(ended)
        for follower in self._followers:
            self._call(follower.hear_stage, ended)

    def hear_page(self, ended: PageEnded) -> None:
        """A page was read, or was not."""
        try:
            self._waiting.add_all(ended.stages)
            for follower in self._followers:
                self._call(follower.hear_page, ended)
            wrong = ended.failure is not None or bool(ended.retried)
            for asked in ended.asked:
                wrong = wrong or asked.error is not None
            if wrong:
                self._tell_page(ended)
                self._bound()
            elif self._waiting.count() >= WAITING_MAX:
                self.tell_waiting()
        except Exception as error:  # noqa: BLE001 - as `_safely` does, without its call
            self.note_failure(error)

    # -- what guards, processes and healers tell

    @_safely
    def hear_guard(self, event: ResilienceEvent) -> None:
        """A guard around a backend did something."""
        self.guards[event.name, type(event).__name__] += 1
        story = current_story()
        if story is None:
            return
        if isinstance(event, BulkheadQueued):
            story.waited_s += event.waited_s
        elif isinstance(event, AttemptEnded):
            story.attempts.append(event)
        elif isinstance(event, RetryScheduled) and event.private_failure is not None:
            story.retried.append((event.name, event.private_failure))

    @_safely
    def hear_process(self, event: ProcessEvent) -> None:
        """Something happened to a worker process. One lost under its job has failed that job, which tells so itself."""
        if isinstance(event, JobQueued):
            story = current_story()
            if story is not None:
                story.waited_s += event.waited_s
        elif isinstance(event, WorkerStartFailed):
            recognises = event.pool == RECOGNISERS
            entry = ENGINE_UNAVAILABLE if recognises else DECODERS_UNAVAILABLE
            component = EngineName.EMBEDDED.value if recognises else SERVICE
            self._tell_error(entry, component, Outcome.HEALED)

    @_safely
    def hear_healing(self, entry: HealingEntry) -> None:
        """Something was done about a backend without asking anyone, or by hand."""
        self.healings[entry.backend, entry.action.value, entry.outcome.value] += 1
        if entry.action in _HEALED and entry.outcome is HealingOutcome.DONE:
            component = f"backend:{entry.backend}"
            self._tell_error(
                ENGINE_UNAVAILABLE, component, Outcome.HEALED, backend=entry.backend, engine=EngineName.VL.value
            )

    # -- how it is told on

    @_safely
    def tell_waiting(self) -> None:
        """Tell the listeners of every measurement that has waited until now."""
        groups = self._waiting.take()
        if groups:
            for _, to_work in self._listeners:
                self._call(to_work, groups)

    def _bound(self) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self.tell_waiting()

    def _tell_page(self, ended: PageEnded) -> None:
        final = _find_final(ended)
        for asked in ended.asked:
            if asked.error is not None:
                self._tell_fault(ended, asked, asked.error, Outcome.FAILED if asked is final else Outcome.DEGRADED)
        if ended.failure is not None and final is None:
            self._tell_request(
                ended.failure.entry, ended.failure, route="", request_id=ended.request_id, file_type=ended.media_type
            )
        readers = {asked.alias: asked for asked in ended.asked if asked.error is None}
        failures = {alias: failure for alias, failure in ended.retried if alias in readers}
        for alias, failure in failures.items():
            self._tell_fault(ended, readers[alias], failure, Outcome.HEALED)

    def _tell_request(
        self, entry: Entry, error: BaseException | None, *, route: str, request_id: str, file_type: str = ""
    ) -> None:
        facts = self._waiting.find(request_id)
        self._tell_error(
            entry,
            _find_component(entry),
            Outcome.FAILED,
            error=error,
            route=route or facts.route,
            request_id=request_id,
            file_type=file_type or facts.media_type,
            file=_find_file(entry, facts),
        )

    def _tell_fault(self, ended: PageEnded, asked: EngineAsked, error: Exception, outcome: Outcome) -> None:
        is_backend = asked.engine == EngineName.VL
        facts, entry = self._waiting.find(ended.request_id), find_entry(error)
        self._tell_error(
            entry,
            f"backend:{asked.alias}" if is_backend else asked.engine,
            outcome,
            error=error,
            backend=asked.alias if is_backend else "",
            engine=asked.engine,
            file_type=ended.media_type,
            route=facts.route,
            request_id=ended.request_id,
            file=_find_file(entry, facts),
        )

    def _tell_error(
        self, entry: Entry, component: str, outcome: Outcome, *, error: BaseException | None = None, **names: str
    ) -> None:
        self._tell(
            ErrorEvent(
                at=self._clock.now(),
                code=entry.code,
                reason=entry.reason,
                kind=entry.kind,
                level=entry.level,
                component=component,
                outcome=outcome,
                fingerprint="" if error is None else make_fingerprint(error, entry.reason),
                **names,
            )
        )

    def _tell(self, error: ErrorEvent) -> None:
        for listener, _ in self._listeners:
            self._call(listener, error)

    def _call(self, hear: Callable[[Any], None], heard: Any) -> None:
        try:
            hear(heard)
        except Exception as error:  # noqa: BLE001 - one listener that fails must not cost the others
            self.note_failure(error)


def _each(listener: Listener, groups: WorkGroups) -> None:
    for (measured, name), work in groups.items():
        for piece in work.pieces(measured, name):
            listener(piece)


def _find_final(ended: PageEnded) -> EngineAsked | None:
    """Return the question whose failure is what the caller is told of the page."""
    if ended.page.status not in {PageStatus.FAILED, PageStatus.SKIPPED} or not ended.asked:
        return None
    last, failure = ended.asked[-1], ended.failure
    if last.error is None or failure is None:
        return None
    same = failure is last.error or (isinstance(failure, RungsExhausted) and failure.entry == last.error.entry)
    return last if same else None


def _find_file(entry: Entry, facts: Facts) -> str:
    """Return the mark of the file that may be to blame; empty where what failed does not depend on any file."""
    return facts.file if _may_be_the_files(entry) else ""


def _may_be_the_files(entry: Entry) -> bool:
    """Tell whether another file might not have met it: the part worked on this one, and failed or did not end."""
    return entry.kind in _OF_THE_WORK and entry.family in _ON_THE_FILE


def _find_component(entry: Entry) -> str:
    if entry == SERVICE_BUSY:
        return "queue"
    if entry.reason.startswith("database-"):
        return "database"
    return "disk" if entry.family is Family.STORAGE else SERVICE
