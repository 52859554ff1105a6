"""What is heard between two ticks, in bounded memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.fixtures.detection import MONDAY

from ironleaf.foundation.errors import AlertRule, Kind, Level
from ironleaf.foundation.monitoring import ErrorEvent, Measured, Outcome, WorkMeasured
from ironleaf.foundation.monitoring.detection.counting import (
    CAUSES_MAX,
    COMPONENTS_MAX,
    FILES_REMEMBERED_MAX,
    PACES_MAX,
    FileMemory,
    TickCounter,
)
from ironleaf.foundation.monitoring.detection.tick import Tick
from ironleaf.foundation.monitoring.work import Work


def make_counter() -> TickCounter:
    return TickCounter(alert_of=lambda _reason, _level: AlertRule.RATE, quiet_routes=("/livez",))


def error(
    reason: str = "model-failed",
    *,
    component: str = "backend:alpha",
    request_id: str = "",
    outcome: Outcome = Outcome.FAILED,
    level: Level = Level.L3,
    fingerprint: str = "",
    file: str = "",
    at: datetime = MONDAY,
) -> ErrorEvent:
    return ErrorEvent(
        at=at,
        code=50250,
        reason=reason,
        kind=Kind.UNAVAILABLE,
        level=level,
        component=component,
        outcome=outcome,
        request_id=request_id,
        fingerprint=fingerprint,
        file=file,
    )


def work(measured: Measured, name: str, **more: object) -> WorkMeasured:
    return WorkMeasured(**{"at": MONDAY, "measured": measured, "name": name, "duration_s": 2.0, **more})  # type: ignore[arg-type]


def count(*events: ErrorEvent | WorkMeasured) -> Tick:
    counter = make_counter()
    for event in events:
        counter.hear(event)
    return counter.take(now_s=1.0, at=MONDAY)


def test_errors_of_one_request_are_fresh_once_for_each_cause() -> None:
    events = [error(request_id="one") for _ in range(50)]
    (failures,) = count(*events, error(request_id="two")).failures
    assert (failures.count, failures.fresh) == (51, 2)
    tick = count(error(request_id="one"), error("model-timeout", request_id="one"))
    assert [each.fresh for each in tick.failures] == [1, 1]


def test_a_request_stays_known_over_ticks() -> None:
    counter = make_counter()
    counter.hear(error(request_id="one"))
    counter.take(now_s=1.0, at=MONDAY)
    counter.hear(error(request_id="one"))
    (failures,) = counter.take(now_s=2.0, at=MONDAY).failures
    assert (failures.count, failures.fresh) == (1, 0)


def test_a_file_that_is_sent_again_fails_again_and_is_one_for_each_cause() -> None:
    again = [error(request_id=str(number), file="same") for number in range(3)]
    other = [error(request_id="other", file="other"), error("model-timeout", request_id="1", file="same")]
    failed, timed_out = count(*again, *other, error(request_id="nobody's")).failures
    assert (failed.count, failed.fresh, failed.files) == (5, 5, 3)
    assert (timed_out.fresh, timed_out.files) == (1, 1)


def test_a_file_is_remembered_over_ticks_for_an_hour() -> None:
    counter = make_counter()
    seen: list[int] = []
    for minutes in (0, 2, 59, 61, 62):
        counter.hear(error(request_id=str(minutes), file="same", at=MONDAY + timedelta(minutes=minutes)))
        (failures,) = counter.take(now_s=60.0 * minutes, at=MONDAY).failures
        seen.append(failures.files)
    assert seen == [1, 0, 0, 1, 0]


def test_the_file_that_failed_first_makes_room() -> None:
    files = FileMemory()
    assert all(files.is_new("part", "cause", str(number), 0.0) for number in range(FILES_REMEMBERED_MAX + 1))
    assert not files.is_new("part", "cause", "1", 1.0)
    assert files.is_new("part", "cause", "0", 1.0)


def test_taking_empties() -> None:
    counter = make_counter()
    counter.hear(error())
    counter.hear(work(Measured.ROUTE, "/v1/convert"))
    counter.take(now_s=1.0, at=MONDAY)
    assert counter.take(now_s=2.0, at=MONDAY) == Tick(now_s=2.0, at=MONDAY)


def test_a_failed_request_is_one_that_got_an_error_of_ours() -> None:
    routes = [work(Measured.ROUTE, "/v1/convert") for _ in range(9)]
    tick = count(
        *routes,
        error(request_id="a"),
        error("conversion-failed", component="service", request_id="a"),
        error(request_id="b", outcome=Outcome.DEGRADED),
        error(request_id="c", outcome=Outcome.HEALED),
        error("file-too-large", request_id="d", level=Level.L1),
    )
    assert (tick.requests, tick.failed_requests) == (9, 1)


def test_work_is_counted_by_the_part_that_did_it_and_probes_are_nobodys_requests() -> None:
    tick = count(
        work(Measured.ROUTE, "/livez"),
        work(Measured.ROUTE, "/v1/convert"),
        work(Measured.ENGINE, "embedded", cost=4.0, wait_s=1.0),
        work(Measured.BACKEND, "alpha", cost=0.01),
        work(Measured.BACKEND, "alpha", ok=False),
        work(Measured.STAGE, "recognise", pages=10),
    )
    assert tick.requests == 1
    assert tick.attempts == {"service": 1, "embedded": 1, "backend:alpha": 2}
    assert tick.paces == {
        ("embedded", "slow"): [0.25],
        ("backend:alpha", "slow"): [8.0],
        ("service", "slow-recognise"): [0.2],
    }


def test_work_that_is_told_together_is_that_which_is_told_one_by_one() -> None:
    pieces = [
        work(measured, name, ok=ok, pages=pages, cost=cost, wait_s=0.5)
        for measured, name in (
            (Measured.ROUTE, "/livez"),
            (Measured.ROUTE, "/v1/convert"),
            (Measured.ENGINE, "vl"),
            (Measured.BACKEND, "alpha"),
            (Measured.STAGE, "open"),
        )
        for ok in (True, False)
        for pages, cost in ((0, 0.0), (70, 1.5))
        for _ in range(30)
    ]
    groups: dict[tuple[Measured, str], list[WorkMeasured]] = {}
    for piece in pieces:
        groups.setdefault((piece.measured, piece.name), []).append(piece)
    counter = make_counter()
    counter.hear_work({key: Work.of(group) for key, group in groups.items()})
    tick = counter.take(now_s=1.0, at=MONDAY)
    assert tick == count(*pieces)
    assert (tick.requests, len(tick.paces)) == (120, 3)


def test_fingerprints_are_of_our_own_faults() -> None:
    tick = count(error(fingerprint="f"), error(fingerprint="f"), error(fingerprint="g", level=Level.L2))
    assert [sight.fingerprint for sight in tick.sights] == ["f"]


def test_memory_is_bounded_whatever_comes() -> None:
    counter = make_counter()
    for number in range(2000):
        counter.hear(
            error(f"reason-{number}", component=f"part-{number}", request_id=str(number), fingerprint=str(number))
        )
        counter.hear(work(Measured.ENGINE, f"part-{number}"))
        counter.hear(work(Measured.ENGINE, "embedded"))
    tick = counter.take(now_s=1.0, at=MONDAY)
    assert len(tick.attempts) == COMPONENTS_MAX + 1
    assert CAUSES_MAX - 1 <= len({each.cause for each in tick.failures}) <= CAUSES_MAX + 1
    assert sum(each.count for each in tick.failures) == 2000, "nothing is lost, it is counted as other"
    assert max(map(len, tick.paces.values())) == PACES_MAX
    assert len(tick.sights) == 50


def test_an_echo_of_what_is_told_itself_is_no_news() -> None:
    def alert_of(reason: str, _level: Level) -> AlertRule:
        return AlertRule.NEVER if reason == "circuit-open" else AlertRule.RATE

    counter = TickCounter(alert_of=alert_of)
    counter.hear(error("circuit-open", fingerprint="echo"))
    counter.hear(error(fingerprint="cause"))
    assert [sight.fingerprint for sight in counter.take(now_s=1.0, at=MONDAY).sights] == ["cause"]
