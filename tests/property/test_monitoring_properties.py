"""Statistics do not depend on who counted what, in which order, nor on a clock that jumps."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ironleaf.foundation.errors import Kind, Level
from ironleaf.foundation.monitoring.buckets import (
    BOUNDS_S,
    BUCKETS_MAX,
    DURATION_S_MAX,
    Histogram,
    Sketch,
    estimate_s,
    heap_up,
)
from ironleaf.foundation.monitoring.causes import CAUSES_MAX, Cause, Causes, add_cause, bound_causes
from ironleaf.foundation.monitoring.events import ErrorEvent, Measured, Outcome, WorkMeasured
from ironleaf.foundation.monitoring.journal import Journal
from ironleaf.foundation.monitoring.tally import (
    OTHER,
    VALUES_MAX,
    Dimension,
    Tally,
    fold_work,
    pack_tally,
    unpack_tally,
)
from ironleaf.foundation.monitoring.windows import FUTURE_S_MAX, ROWS_MAX, Window, find_span
from ironleaf.foundation.monitoring.work import Work

START = datetime(2026, 1, 1, tzinfo=UTC)
DURATIONS = st.lists(st.floats(min_value=0.0, max_value=DURATION_S_MAX), min_size=1, max_size=60)
SHARES = (0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 1.0)


def make_error(at: datetime = START, code: int = 50230, **names: str) -> ErrorEvent:
    return ErrorEvent(
        at=at,
        code=code,
        reason=f"reason-{code}",
        kind=Kind.INTERNAL,
        level=Level.L3,
        component=names.pop("component", "service"),
        outcome=Outcome.FAILED,
        **names,
    )


def make_work(duration_s: float, at: datetime = START, wait_s: float = 0.0, name: str = "open") -> WorkMeasured:
    return WorkMeasured(
        at=at, measured=Measured.STAGE, name=name, duration_s=duration_s, wait_s=wait_s, pages=1, ok=duration_s < 1
    )


def sketch_of(durations: list[float]) -> Sketch:
    sketch = Sketch()
    middle = len(durations) // 2
    sketch.add(heap_up(durations[:middle]))  # many at once
    for duration_s in durations[middle:]:
        sketch.add(heap_up([duration_s]))
    return sketch


@given(DURATIONS, DURATIONS, DURATIONS)
def test_merging_is_associative_and_commutative_and_the_same_as_having_seen_all(
    one: list[float], two: list[float], three: list[float]
) -> None:
    whole = sketch_of([*one, *two, *three]).pack()
    left = sketch_of(one)
    left.merge(sketch_of(two))
    left.merge(sketch_of(three))
    inner = sketch_of(three)
    inner.merge(sketch_of(two))
    right = sketch_of([])
    right.merge(inner)
    right.merge(sketch_of(one))
    assert left.pack() == whole
    assert right.pack() == whole
    assert Sketch.unpack(whole).pack() == whole


@given(DURATIONS)
def test_count_sum_least_and_most_are_exact(durations: list[float]) -> None:
    sketch = sketch_of(durations)
    nanoseconds = [round(each * 1e9) for each in durations]
    assert sketch.pack()[:4] == [len(durations), sum(nanoseconds), min(nanoseconds), max(nanoseconds)]


def assert_near(sketch: Sketch, values: np.ndarray) -> None:
    for share in SHARES:
        true = float(np.quantile(values, share))
        assert sketch.quantile_s(share) == pytest.approx(true, rel=0.02, abs=2e-9), share


@settings(max_examples=200)
@given(DURATIONS)
def test_percentiles_are_within_two_percent_of_numpys(durations: list[float]) -> None:
    assert_near(sketch_of(durations), np.array(durations))


@pytest.mark.parametrize("shape", ["pareto", "lognormal", "two heaps", "constant", "bounds", "tiny", "ladder"])
def test_percentiles_hold_on_hostile_distributions(shape: str) -> None:
    random = np.random.default_rng(6)
    bounds = np.array([estimate_s(each) for each in range(1, BUCKETS_MAX - 1)])
    values = {
        "pareto": random.pareto(0.5, 20_000) * 1e-4,
        "lognormal": random.lognormal(-3, 4, 20_000),
        "two heaps": np.concatenate([random.normal(0.01, 1e-4, 9_500), random.normal(300, 1, 500)]),
        "constant": np.full(1_000, 0.123456789),
        "bounds": np.nextafter(bounds * 1.015, np.inf),
        "tiny": random.uniform(0, 5e-9, 1_000),
        "ladder": np.geomspace(1e-9, 3_600, 1_077),
    }[shape]
    values = np.clip(values, 0, DURATION_S_MAX)
    assert_near(sketch_of(values.tolist()), values)


@given(st.floats(min_value=1e-9, max_value=DURATION_S_MAX))
def test_every_duration_has_a_bucket_that_speaks_for_it(duration_s: float) -> None:
    sketch = Sketch()
    sketch.add(heap_up([duration_s]))
    (bucket,) = sketch._buckets
    assert 0 < bucket <= BUCKETS_MAX
    assert estimate_s(bucket) == pytest.approx(duration_s, rel=0.0151)


@given(DURATIONS | st.lists(st.sampled_from([*BOUNDS_S, 0.0]), min_size=1))
def test_a_histogram_counts_exactly_what_lies_below_each_bound(durations: list[float]) -> None:
    histogram = Histogram()
    histogram.add(heap_up(durations))
    bounds = (*BOUNDS_S, math.inf)
    assert histogram.cumulative() == [(bound, sum(each <= bound for each in durations)) for bound in bounds]
    assert histogram.sum_s == pytest.approx(math.fsum(durations))


@pytest.mark.parametrize("nonsense", [math.nan, -1.0, -math.inf])
def test_a_nonsensical_duration_counts_as_none(nonsense: float) -> None:
    sketch = sketch_of([nonsense])
    assert (sketch.count, sketch.sum_s, sketch.max_s) == (1, 0.0, 0.0)


def test_an_endless_duration_counts_as_the_longest() -> None:
    assert sketch_of([math.inf]).max_s == DURATION_S_MAX


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["error", "work"]),
        st.integers(0, 8 * 86_400),
        st.sampled_from([50230, 41501, 50440]),
        st.floats(min_value=0, max_value=10),
    ),
    max_size=40,
)


def tell(journal: Journal, told: tuple[str, float, int, float]) -> None:
    kind, at_s, code, duration_s = told
    at = START + timedelta(seconds=at_s)
    journal.hear(make_error(at, code) if kind == "error" else make_work(duration_s, at))


@given(EVENTS, st.integers(0, 8 * 86_400))
def test_every_window_equals_a_recount(events: list[tuple[str, int, int, float]], now_after_s: int) -> None:
    journal = Journal()
    now_s = START.timestamp() + now_after_s
    for position, told in enumerate(events):
        tell(journal, told)
        if position % 3 == 0:
            journal.cut(now_s, prune=position % 2 == 0)
    for window in Window:
        span = find_span(window, now_s)
        inside = [
            told for told in events if span.first_s <= START.timestamp() + told[1] < span.last_s + span.resolution_s
        ]
        tally = journal.read(window, now_s)
        errors = [code for kind, _, code, _ in inside if kind == "error"]
        by_code = {value: seen[0] for value, seen in tally.errors.get(Dimension.CODE, {}).items()}
        assert by_code == {str(code): errors.count(code) for code in set(errors)}
        assert tally.error_count == len(errors)
        work = tally.work.get((Measured.STAGE, "open"))
        assert (work.duration.count if work else 0) == sum(kind == "work" for kind, *_ in inside)


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 10), st.sampled_from(["open", "clean", "no name"]))))
def test_measurements_that_are_told_together_are_those_that_are_told_one_by_one(
    told: list[tuple[int, float, str]],
) -> None:
    pieces = [make_work(s, START + timedelta(seconds=at_s), s / 2, name) for at_s, s, name in told]
    together, alone = Journal(), Journal()
    groups: dict[tuple[Measured, str], list[WorkMeasured]] = {}
    for piece in pieces:
        groups.setdefault((piece.measured, piece.name), []).append(piece)
        alone.hear(piece)
    together.hear_work({key: Work.of(group) for key, group in groups.items()})
    for window in Window:
        one, other = (each.read(window, START.timestamp() + 20) for each in (together, alone))
        assert sorted_pack(one) == sorted_pack(other)
    for key, total in alone.totals.work.items():
        assert together.totals.work[key].duration.cumulative() == total.duration.cumulative()
        assert together.totals.work[key].wait.cumulative() == total.wait.cumulative()
        assert (together.totals.work[key].pages, together.totals.work[key].failed) == (total.pages, total.failed)


@given(st.lists(st.integers(-(10**9), 10**9), max_size=30))
def test_a_clock_that_jumps_about_costs_bounded_room_and_never_an_error(jumps: list[int]) -> None:
    journal = Journal()
    for jump_s in jumps:
        at = START + timedelta(seconds=jump_s)
        journal.hear(make_error(at))
        journal.cut(at.timestamp())
        assert journal.read(Window.MINUTE, at.timestamp()).error_count >= 1
    assert len(list(journal.history)) <= ROWS_MAX


def test_many_jumps_between_two_cuts_are_bounded_and_counted() -> None:
    journal = Journal()
    for number in range(2_000):
        journal.hear(make_error(START + timedelta(days=number)))
    journal.cut(START.timestamp(), prune=False)
    assert journal.lost == 1_500
    assert len(list(journal.history)) <= ROWS_MAX


@given(EVENTS, EVENTS)
def test_a_tally_survives_being_written_and_adds_up(one: list[tuple[str, int, int, float]], two: list[tuple]) -> None:
    tallies: list[Tally] = []
    for events in (one, two, [*one, *two]):
        tally = Tally()
        for kind, at_s, code, duration_s in events:
            if kind == "error":
                tally.add_error(make_error(code=code), at_s)
            else:
                tally.add_work((Measured.STAGE, "open"), fold_work(Work.of([make_work(duration_s)])))
        tallies.append(unpack_tally(pack_tally(tally)))
    first, second, whole = tallies
    backwards = unpack_tally(pack_tally(second))
    backwards.merge(first)
    first.merge(second)
    assert sorted_pack(first) == sorted_pack(whole) == sorted_pack(backwards)


def sorted_pack(tally: Tally) -> tuple[object, ...]:
    work = {key: (each.failed, each.pages, each.duration.pack(), each.wait.pack()) for key, each in tally.work.items()}
    return (tally.errors, work)


def test_values_beyond_the_bound_are_counted_together_and_none_is_lost() -> None:
    tally, more = Tally(), Tally()
    for number in range(VALUES_MAX + 50):
        (tally if number % 2 else more).add_error(make_error(code=number, component=f"part-{number}"), number)
    tally.merge(more)
    components = tally.errors[Dimension.COMPONENT]
    assert len(components) <= VALUES_MAX + 1
    assert sum(seen[0] for seen in components.values()) == VALUES_MAX + 50 == tally.error_count
    assert components[OTHER][0] == 50


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 10_000)), max_size=60))
def test_causes_are_bounded_and_their_counts_add_up(seen: list[tuple[int, int]]) -> None:
    causes: Causes = {}
    for number, at_s in seen:
        add_cause(causes, make_cause(f"cause-{number}", at_s=at_s))
    bound_causes(causes)
    assert len(causes) <= CAUSES_MAX + 1
    assert sum(cause.count for cause in causes.values()) == len(seen)


def make_cause(name: str, *, at_s: float = 0, count: int = 1) -> Cause:
    at = START + timedelta(seconds=at_s)
    return Cause(
        cause=name,
        code=50230,
        reason="engine-failed",
        level="L3",
        component="service",
        count=count,
        first_seen=at,
        last_seen=at,
    )


def test_rare_causes_make_room_and_newcomers_are_given_a_chance() -> None:
    causes: Causes = {}
    for number in range(CAUSES_MAX):
        add_cause(causes, make_cause(f"old-{number}", at_s=number, count=100 if number else 7))
    add_cause(causes, make_cause("new", at_s=50_000))
    leavers = bound_causes(causes)
    assert [leaver.cause for leaver in leavers] == ["old-0"]
    assert "new" in causes
    assert (causes[OTHER].count, causes[OTHER].reason) == (7, OTHER)


@given(st.lists(st.integers(0, 3), max_size=30), st.data())
def test_a_batch_stays_the_same_until_it_is_confirmed(steps: list[int], data: st.DataObject) -> None:
    """Whatever fails in between: each event is in exactly one batch, and numbers grow by one."""
    journal, confirmed, told = Journal(), list[int](), 0
    now_s = START.timestamp()
    for step in steps:
        if step < 2:
            journal.hear(make_error())
            told += 1
        else:
            journal.cut(now_s)
            batch = journal.next_batch()
            again = journal.next_batch()
            assert batch is again
            if batch is not None and data.draw(st.booleans()):
                confirmed.append(batch.number)
                told -= sum(tally.error_count for resolution_s, _, tally in batch.rollups if resolution_s == 5)
                journal.confirm()
    journal.cut(now_s)
    while (batch := journal.next_batch()) is not None:
        confirmed.append(batch.number)
        told -= sum(tally.error_count for resolution_s, _, tally in batch.rollups if resolution_s == 5)
        journal.confirm()
    assert told == 0
    assert all(two == one + 1 for one, two in pairwise(confirmed))


def test_names_that_are_no_names_are_counted_as_other() -> None:
    journal = Journal()
    for hostile in ("10.1.2.3 secret", "x" * 500, "new\nline", "页"):
        journal.hear(make_error(component=hostile, route=hostile))
        journal.hear(make_work(0.1, name=hostile))
    tally = journal.read(Window.MINUTE, START.timestamp())
    assert set(tally.errors[Dimension.COMPONENT]) == {OTHER}
    assert set(tally.errors[Dimension.ROUTE]) == {OTHER}
    assert set(tally.work) == {(Measured.STAGE, OTHER)}
    assert {key[2] for key in journal.totals.errors} == {OTHER}


def test_names_are_bounded_even_if_they_look_well() -> None:
    journal = Journal()
    for number in range(5_000):
        journal.hear(make_error(component=f"part-{number}"))
    assert len(journal.totals.errors) <= 501
    assert sum(journal.totals.errors.values()) == 5_000


def test_what_lies_far_ahead_is_not_kept() -> None:
    journal = Journal()
    journal.hear(make_error(START + timedelta(seconds=FUTURE_S_MAX + 20_000)))
    journal.cut(START.timestamp())
    assert journal.history.empty
