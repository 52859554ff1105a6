"""Each fault is counted once, with what it was and what became of it; and watching never breaks the work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.application.measured_engine import MeasuredEngine
from ironleaf.application.measurements import REQUESTS_MAX, WAITING_MAX
from ironleaf.application.outcome import PagesFailed
from ironleaf.application.pages import make_failed_page, make_page
from ironleaf.application.stages import EngineAsked, FlowStage, PageEnded, StageEnded, measuring, tell_story
from ironleaf.application.watching import Watching
from ironleaf.document import EngineName, Grade, PageResult, PageSource, Quality
from ironleaf.faults import FaultyEngine, ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import (
    Entry,
    IronleafError,
    LimitReached,
    ModelFailure,
    StorageFailure,
    ValidationProblem,
)
from ironleaf.foundation.errors.protocol import SERVICE_BUSY
from ironleaf.foundation.monitoring import ErrorEvent, Measured, Outcome, WorkMeasured
from ironleaf.foundation.monitoring.tally import Tally, pack_tally
from ironleaf.foundation.processes import JobQueued, ReplacementReason, WorkerReplaced, WorkerStartFailed
from ironleaf.foundation.resilience import AttemptTimedOut, BulkheadQueued, RetryScheduled
from ironleaf.services.engines.base import RecogniseRequest, RungsExhausted
from ironleaf.services.engines.errors import (
    CIRCUIT_OPEN,
    DEADLINE_EXCEEDED,
    ENGINE_BUSY,
    ENGINE_FAILED,
    ENGINE_TIMEOUT,
    ENGINE_UNAVAILABLE,
)
from ironleaf.services.engines.ledger import HealingAction, HealingEntry, HealingOutcome
from ironleaf.services.engines.upstream_failures.errors import MODEL_ANSWER_UNUSABLE, MODEL_UNREACHABLE
from ironleaf.services.engines.vision_language.answer import NotOffered
from ironleaf.services.files.errors import DAMAGED_IMAGE, SPOOL_FULL
from ironleaf.web import ErrorSeen, RequestSeen

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio
REQUEST = "01JDA2B3C4D5E6F7G8H9J0K1M2"


class Heard:
    """A watching, and everything that it tells."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.watching = Watching(self.clock)
        self.events: list[ErrorEvent | WorkMeasured] = []
        self.watching.listen(self.events.append)

    @property
    def errors(self) -> list[tuple[str, str, Outcome]]:
        return [
            (event.reason, event.component, event.outcome) for event in self.events if isinstance(event, ErrorEvent)
        ]

    @property
    def work(self) -> list[WorkMeasured]:
        self.watching.tell_waiting()
        return [event for event in self.events if isinstance(event, WorkMeasured)]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Yield it; all errors that were told must be fit to be written down."""
    heard, tally = Heard(), Tally()
    yield heard
    for event in heard.events:
        if isinstance(event, ErrorEvent):
            tally.add_error(event, 0)
    pack_tally(tally)


def asked(alias: str, error: IronleafError | None = None, engine: str = "vl") -> EngineAsked:
    return EngineAsked(engine=engine, alias=alias, duration_s=2.0, wait_s=0.5, megapixels=2.0, ended_s=0.0, error=error)


def ended(*questions: EngineAsked, failure: IronleafError | None = None, **changes: Any) -> PageEnded:
    source = PageSource(number=1, width_px=10, height_px=10)
    read = make_page(source, PageResult(engine=EngineName.VL, text="x"), Quality(grade=Grade.GOOD))
    page = make_failed_page(1, failure, "en") if failure else read
    whole = PageEnded(
        page=page,
        failure=failure,
        request_id=REQUEST,
        media_type="image/png",
        stages=(),
        asked=questions,
        retried=(),
    )
    return replace(whole, **changes)


def seen(error: IronleafError, status: int = 500) -> ErrorSeen:
    return ErrorSeen(
        request_id=REQUEST,
        client_request_id=None,
        entry=error.entry,
        method="POST",
        route="/v1/convert",
        status=status,
        exception=error,
    )


def answered(route: str = "/v1/convert", status: int = 200) -> RequestSeen:
    return RequestSeen(
        request_id=REQUEST,
        client_request_id=None,
        method="POST",
        route=route,
        status=status,
        duration_ms=1_500.0,
        body_bytes=1,
    )


def test_a_page_that_a_lower_rung_read_is_one_degraded_fault_for_each_rung_above(heard: Heard) -> None:
    first, second = ModelFailure(CIRCUIT_OPEN), ModelFailure(ENGINE_FAILED)
    heard.watching.hear_page(ended(asked("one", first), asked("two", second), asked("embedded", engine="embedded")))
    assert heard.errors == [
        ("circuit-open", "backend:one", Outcome.DEGRADED),
        ("engine-failed", "backend:two", Outcome.DEGRADED),
    ]


def test_a_page_is_on_the_route_that_asked_for_it(heard: Heard) -> None:
    fault, failure = ModelFailure(ENGINE_FAILED), RungsExhausted(ModelFailure(DEADLINE_EXCEEDED), ())
    admitted = StageEnded(
        stage=FlowStage.ADMISSION, request_id=REQUEST, duration_s=0.1, ended_s=0.1, route="/v1/convert"
    )
    heard.watching.hear_stage(admitted)
    heard.watching.hear_page(ended(asked("one", fault), asked("embedded", engine="embedded")))
    heard.watching.hear_page(ended(failure=failure))
    heard.watching.hear_page(ended(asked("one", fault), asked("embedded", engine="embedded"), request_id="a command's"))
    routes = [event.route for event in heard.events if isinstance(event, ErrorEvent)]
    assert routes == ["/v1/convert", "/v1/convert", ""]


def test_a_page_that_nobody_read_is_one_failure_and_its_request_adds_none(heard: Heard) -> None:
    first, last = ModelFailure(ENGINE_TIMEOUT), ModelFailure(ENGINE_FAILED)
    exhausted = RungsExhausted(last, ())
    heard.watching.hear_page(ended(asked("one", first), asked("embedded", last, "embedded"), failure=exhausted))
    heard.watching.hear_error(seen(PagesFailed(ENGINE_FAILED), 502))
    assert heard.errors == [
        ("engine-timeout", "backend:one", Outcome.DEGRADED),
        ("engine-failed", "embedded", Outcome.FAILED),
    ]


def test_a_page_whose_time_ended_between_two_rungs_fails_by_its_deadline(heard: Heard) -> None:
    exhausted = RungsExhausted(ModelFailure(DEADLINE_EXCEEDED), ())
    heard.watching.hear_page(ended(asked("one", ModelFailure(ENGINE_FAILED)), failure=exhausted))
    assert heard.errors == [
        ("engine-failed", "backend:one", Outcome.DEGRADED),
        ("deadline-exceeded", "service", Outcome.FAILED),
    ]


def test_a_page_that_could_not_be_drawn_is_one_failure(heard: Heard) -> None:
    damaged = ValidationProblem(DAMAGED_IMAGE)
    heard.watching.hear_page(ended(asked("embedded", damaged, "embedded"), failure=damaged))
    heard.watching.hear_page(ended(failure=damaged))
    assert heard.errors == [
        ("damaged-image", "embedded", Outcome.FAILED),
        ("damaged-image", "service", Outcome.FAILED),
    ]


def test_a_backend_that_read_when_asked_again_is_one_healed_fault(heard: Heard) -> None:
    failures = (("one", ModelFailure(ENGINE_FAILED)), ("one", AttemptTimedOut(allowed_s=1)))
    heard.watching.hear_page(ended(asked("one"), retried=failures))
    assert heard.errors == [("engine-timeout", "backend:one", Outcome.HEALED)]


def test_a_backend_that_was_asked_again_in_vain_is_counted_once(heard: Heard) -> None:
    failure = ModelFailure(ENGINE_FAILED)
    heard.watching.hear_page(
        ended(asked("one", failure), asked("embedded", engine="embedded"), retried=(("one", failure),))
    )
    assert heard.errors == [("engine-failed", "backend:one", Outcome.DEGRADED)]


def test_an_error_before_the_pages_is_one_failure_with_the_type_of_its_file(heard: Heard) -> None:
    heard.watching.hear_stage(
        StageEnded(stage=FlowStage.OPEN, request_id=REQUEST, duration_s=1, ended_s=1, media_type="image/png", ok=False)
    )
    heard.watching.hear_error(seen(ValidationProblem(DAMAGED_IMAGE), 422))
    (event,) = [event for event in heard.events if isinstance(event, ErrorEvent)]
    assert (event.reason, event.file_type, event.route) == ("damaged-image", "image/png", "/v1/convert")
    assert len(event.fingerprint) == 12


@pytest.mark.parametrize(
    ("entry", "file"),
    [
        (ENGINE_TIMEOUT, "mark"),
        (MODEL_ANSWER_UNUSABLE, "mark"),
        (MODEL_UNREACHABLE, ""),
        (ENGINE_UNAVAILABLE, ""),
        (SPOOL_FULL, ""),
    ],
)
def test_a_failure_names_the_file_where_another_one_might_not_have_met_it(
    heard: Heard, entry: Entry, file: str
) -> None:
    heard.watching.hear_stage(
        StageEnded(stage=FlowStage.ADMISSION, request_id=REQUEST, duration_s=0, ended_s=0, file="mark")
    )
    failure = ModelFailure(entry)
    heard.watching.hear_page(ended(asked("one", failure), asked("embedded", engine="embedded")))
    heard.watching.hear_error(seen(failure))
    assert [event.file for event in heard.events if isinstance(event, ErrorEvent)] == [file, file]


def test_an_error_of_a_request_without_a_file_names_none(heard: Heard) -> None:
    heard.watching.hear_error(seen(ModelFailure(ENGINE_TIMEOUT)))
    assert [event.file for event in heard.events if isinstance(event, ErrorEvent)] == [""]


@pytest.mark.parametrize(
    ("error", "component"),
    [
        (LimitReached(SERVICE_BUSY), "queue"),
        (StorageFailure(SPOOL_FULL), "disk"),
        (ValidationProblem(DAMAGED_IMAGE), "service"),
    ],
)
def test_an_error_names_the_part_that_failed(heard: Heard, error: IronleafError, component: str) -> None:
    heard.watching.hear_error(seen(error))
    assert heard.errors == [(error.entry.reason, component, Outcome.FAILED)]


def test_a_request_is_measured_with_its_wait_and_its_pages(heard: Heard) -> None:
    heard.watching.hear_stage(
        StageEnded(stage=FlowStage.ADMISSION, request_id=REQUEST, duration_s=0.75, ended_s=0.75, wait_s=0.75)
    )
    heard.watching.hear_request(answered())
    stage, route = heard.work
    assert (stage.name, stage.wait_s) == ("admission", 0.75)
    assert (route.measured, route.name, route.duration_s, route.wait_s) == (Measured.ROUTE, "/v1/convert", 1.5, 0.75)
    assert route.ok


def test_machines_that_ask_every_second_are_not_traffic(heard: Heard) -> None:
    heard.watching.hear_request(answered("/livez"))
    heard.watching.hear_request(answered("/metrics"))
    assert heard.events == []


def test_a_backend_is_measured_as_itself_and_as_its_engine_unless_it_was_not_asked(heard: Heard) -> None:
    for not_asked in (ModelFailure(CIRCUIT_OPEN), ModelFailure(ENGINE_BUSY), NotOffered(ENGINE_FAILED)):
        heard.watching.hear_asked(asked("one", not_asked))
    assert heard.events == []
    heard.watching.hear_asked(asked("one"))
    heard.watching.hear_asked(asked("embedded", engine="embedded"))
    assert [(work.measured, work.name) for work in heard.work] == [
        (Measured.ENGINE, "vl"),
        (Measured.BACKEND, "one"),
        (Measured.ENGINE, "embedded"),
    ]
    assert heard.work[0].cost == 2.0


async def test_waiting_for_a_permit_or_a_worker_counts_for_the_page_it_was_for(heard: Heard) -> None:
    heard.watching.hear_process(JobQueued(pool="recognise", waited_s=9.0))  # nobody's page
    with tell_story(heard.clock) as story:
        with story.measure(FlowStage.RECOGNISE):
            heard.watching.hear_guard(BulkheadQueued(name="one", at_s=0, waited_s=2.0))
            heard.watching.hear_process(JobQueued(pool="recognise", waited_s=0.5))
            heard.watching.hear_guard(
                RetryScheduled(name="one", at_s=0, attempt=1, delay_s=0, private_failure=ValueError())
            )
            heard.clock.advance(4.0)
        (stage,) = story.stages(request_id=REQUEST, pages=1, media_type="")
    assert (stage.duration_s, stage.wait_s) == (4.0, 2.5)
    assert [alias for alias, _ in story.retried] == ["one"]


def test_a_stage_within_a_stage_counts_for_itself_only(heard: Heard) -> None:
    def judge(answer: str) -> str:
        heard.clock.advance(1.0)
        return answer

    def paint() -> None:
        heard.clock.advance(0.25)
        raise ValueError("paint")

    assert measuring(FlowStage.VERIFY, judge)("alone") == "alone"
    with tell_story(heard.clock) as story:
        with story.measure(FlowStage.RECOGNISE):
            heard.clock.advance(2.0)
            with pytest.raises(ValueError, match="paint"):
                measuring(FlowStage.PREPARE, paint)()
            assert measuring(FlowStage.VERIFY, judge)("x") == "x"
        laps = {lap.stage: (lap.duration_s, lap.ok) for lap in story.stages(request_id="", pages=1, media_type="")}
    assert laps == {
        FlowStage.RECOGNISE: (2.0, True),
        FlowStage.PREPARE: (0.25, False),
        FlowStage.VERIFY: (1.0, True),
    }


async def test_a_measured_engine_tells_and_changes_nothing(heard: Heard) -> None:
    engine = MeasuredEngine(
        FaultyEngine("text", ModelFailure(ENGINE_FAILED)), clock=heard.clock, on_asked=heard.watching.hear_asked
    )
    request = RecogniseRequest(deadline=Deadline.after(5, heard.clock))
    page = PageSource(number=1, width_px=None, height_px=None)
    with tell_story(heard.clock) as story:
        assert (await engine.recognise(page, request)).text == "text"
        with pytest.raises(ModelFailure):
            await engine.recognise(page, request)
    assert [question.error is None for question in story.asked] == [True, False]
    assert [work.ok for work in heard.work if work.measured is Measured.ENGINE] == [True, False]
    await engine.aclose()


def test_a_worker_that_does_not_start_is_a_healed_fault_and_a_replaced_one_is_its_jobs_story(heard: Heard) -> None:
    heard.watching.hear_process(WorkerStartFailed(pool="recognise", attempt=1, private_text="canary"))
    heard.watching.hear_process(
        WorkerReplaced(
            pool="decode",
            reason=ReplacementReason.CRASH,
            exit_code=-11,
            jobs_done=1,
            duration_s=0.1,
            private_noise="canary",
        )
    )
    assert heard.errors == [(ENGINE_UNAVAILABLE.reason, "embedded", Outcome.HEALED)]


@pytest.mark.parametrize(
    ("action", "outcome", "counted"),
    [
        (HealingAction.MODEL_SWITCHED, HealingOutcome.DONE, True),
        (HealingAction.MODEL_SWITCHED, HealingOutcome.DRY_RUN, False),
        (HealingAction.BREAKER_OPENED, HealingOutcome.DONE, False),
    ],
)
def test_healing_without_asking_is_a_healed_fault(
    heard: Heard, action: HealingAction, outcome: HealingOutcome, counted: bool
) -> None:
    heard.watching.hear_healing(
        HealingEntry(
            at=heard.clock.now(),
            backend="one",
            action=action,
            cause="c",
            guard_rail="g",
            outcome=outcome,
            undo="u",
            facts={},
        )
    )
    assert heard.errors == ([(ENGINE_UNAVAILABLE.reason, "backend:one", Outcome.HEALED)] if counted else [])
    assert heard.watching.healings["one", action.value, outcome.value] == 1


def test_a_listener_that_fails_costs_the_others_nothing_and_the_work_neither(heard: Heard) -> None:
    def fail(_event: object) -> None:
        raise ZeroDivisionError

    watching, told = Watching(heard.clock), list[object]()
    watching.listen(fail)
    watching.listen(told.append)
    watching.hear_request(answered())
    watching.tell_waiting()
    assert (len(told), watching.failures) == (1, 1)
    watching.hear_request("no request")  # type: ignore[arg-type]
    assert watching.failures == 2


def test_requests_that_nobody_answers_are_forgotten_in_time(heard: Heard) -> None:
    for number in range(REQUESTS_MAX + 10):
        ended = StageEnded(
            stage=FlowStage.OPEN, request_id=str(number), duration_s=0, ended_s=0, media_type="image/png"
        )
        heard.watching.hear_stage(ended)
    heard.watching.tell_waiting()
    assert len(heard.watching._waiting._requests) == REQUESTS_MAX


def test_measurements_are_told_together_and_never_wait_in_great_number(heard: Heard) -> None:
    watching, errors, batches = Watching(heard.clock), list[object](), list[int]()
    watching.listen(errors.append, to_work=lambda groups: batches.append(sum(map(len, groups.values()))))
    for number in range(2 * WAITING_MAX + 3):
        stage = StageEnded(stage=FlowStage.PREPARE, request_id=str(number), duration_s=0, ended_s=0)
        watching.hear_page(ended(stages=(stage,)))
    assert (errors, batches) == ([], [WAITING_MAX, WAITING_MAX])
    watching.tell_waiting()
    watching.tell_waiting()
    assert batches == [WAITING_MAX, WAITING_MAX, 3]


def test_measurements_do_not_pile_up_among_errors(heard: Heard) -> None:
    batches = list[int]()
    heard.watching.listen(heard.events.append, to_work=lambda groups: batches.append(sum(map(len, groups.values()))))
    failure = ValidationProblem(DAMAGED_IMAGE)
    for number in range(WAITING_MAX):
        heard.watching.hear_stage(
            StageEnded(stage=FlowStage.OPEN, request_id=str(number), duration_s=0, ended_s=0, ok=False)
        )
        heard.watching.hear_error(seen(failure))
        heard.watching.hear_request(answered(status=422))
    assert sum(batches) == 2 * WAITING_MAX
    assert max(batches) <= WAITING_MAX + 1
