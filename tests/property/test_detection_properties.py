"""Whatever is fed, a detector says each condition's beginning and end in turn, and never raises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ironleaf.foundation.errors import AlertRule, Level
from ironleaf.foundation.health import HealthStatus
from ironleaf.foundation.monitoring import Identity, SignalState
from ironleaf.foundation.monitoring.detection import RULES
from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import MEMORY_PRESSURE
from ironleaf.foundation.monitoring.detection.settings import DetectionSettings
from ironleaf.foundation.monitoring.detection.sliding import SLOTS, SlidingPair
from ironleaf.foundation.monitoring.detection.standard import make_standard_panel
from ironleaf.foundation.monitoring.detection.tick import (
    BackendFigures,
    DiskFigures,
    Failures,
    MemoryFigures,
    QueueFigures,
    Sight,
    Tick,
)
from ironleaf.foundation.resilience.cusum import Cusum, CusumOptions

AT = datetime(2026, 3, 2, tzinfo=UTC)
CAUSES = st.sampled_from(["model-failed", "model-timeout", "spool-full"])
PARTS = st.sampled_from(["service", "backend:alpha", "database"])
COUNTS = st.integers(0, 40)


@st.composite
def failures(draw: st.DrawFn) -> Failures:
    count = draw(st.integers(1, 40))
    fresh = draw(st.integers(0, count))
    return Failures(
        component=draw(PARTS),
        cause=draw(CAUSES),
        level=draw(st.sampled_from(Level)),
        alert=draw(st.sampled_from(AlertRule)),
        count=count,
        fresh=fresh,
        files=draw(st.integers(0, fresh)),
    )


FIGURES = st.fixed_dictionaries(
    {
        "requests": COUNTS,
        "failed_requests": COUNTS,
        "attempts": st.dictionaries(PARTS, COUNTS, max_size=3),
        "failures": st.lists(failures(), max_size=3).map(tuple),
        "sights": st.lists(
            st.builds(Sight, component=PARTS, cause=CAUSES, fingerprint=st.sampled_from("abc")), max_size=2
        ).map(tuple),
        "paces": st.dictionaries(st.tuples(PARTS, st.just("slow")), st.lists(st.floats(0, 1e4), max_size=80)),
        "queues": st.tuples(
            st.builds(QueueFigures, name=st.just("conversions"), waiting=COUNTS, waiting_max=st.integers(0, 40))
        ),
        "disks": st.tuples(
            st.builds(
                DiskFigures, name=st.just("spool"), free_bytes=st.integers(0, 2**40), reserve_bytes=st.just(2**29)
            )
        ),
        "memory": st.none()
        | st.builds(
            MemoryFigures,
            used_bytes=st.integers(0, 2**34),
            limit_bytes=st.integers(0, 2**34),
            tree_bytes=st.integers(0, 2**34),
        ),
        "health": st.dictionaries(st.sampled_from(["model", "database"]), st.sampled_from(HealthStatus)),
        "backends": st.tuples(
            st.builds(
                BackendFigures,
                alias=st.just("alpha"),
                trouble=st.sampled_from(["", "fails", "model_missing"]),
                definite=st.booleans(),
            )
        ),
    }
)
STRIDES = st.sampled_from([1.0, 5.0, 60.0, 700.0, 40_000.0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(STRIDES, FIGURES, st.integers(1, 30)), max_size=30))
def test_beginnings_and_ends_alternate_and_the_panel_knows_what_stands(
    story: list[tuple[float, dict[str, object], int]],
) -> None:
    panel = make_standard_panel(DetectionSettings()).panel
    standing: set[Identity] = set()
    now_s = 0.0
    for stride_s, figures, times in story:
        for _ in range(times):
            now_s += stride_s
            tick = Tick(now_s=now_s, at=AT + timedelta(seconds=now_s), **figures)  # type: ignore[arg-type]
            for signal in panel.feed(tick):
                assert signal.rule in RULES
                assert signal.since <= signal.at == tick.at
                if signal.state is SignalState.FIRING:
                    standing.add(signal.identity)
                else:
                    assert signal.identity in standing, "an end without a beginning"
                    standing.remove(signal.identity)
    assert {signal.identity for signal in panel.standing} == standing
    assert not panel.find_absent(standing)
    assert panel._failing == set(), "no detector raised"


@given(st.lists(st.tuples(st.floats(0.1, 40.0), st.sampled_from(["bad", "good", "between"])), max_size=60))
def test_a_condition_holds_from_an_unbroken_bad_time_to_an_unbroken_good_one(
    story: list[tuple[float, str]],
) -> None:
    condition = Condition(MEMORY_PRESSURE, "memory", "full", hold_s=30.0, clear_s=60.0)
    now_s, run_began_s, last, firing = 0.0, 0.0, "", False
    for stride_s, how in story:
        now_s += stride_s
        if how != last:
            run_began_s, last = now_s, how
        lasted_s = now_s - run_began_s
        expected = (how == "bad" and lasted_s >= 30.0) if not firing else not (how == "good" and lasted_s >= 60.0)
        said = condition.tell(Tick(now_s=now_s, at=AT + timedelta(seconds=now_s)), bad=how == "bad", good=how == "good")
        assert bool(said) == (expected != firing)
        firing = expected
        assert condition.firing == firing


@given(st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(0, 5), st.integers(0, 5)), max_size=200))
def test_a_window_never_forgets_too_early_nor_keeps_too_long(story: list[tuple[float, int, int]]) -> None:
    window, span_s = SlidingPair(600.0), 600.0
    now_s, heard = 0.0, list[tuple[float, int, int]]()
    for stride_s, bad, total in story:
        now_s += stride_s
        heard.append((now_s, bad, total))
        window.add(now_s, bad=bad, total=total)
        surely = sum(bad for at_s, bad, _ in heard if at_s > now_s - span_s + span_s / SLOTS)
        perhaps = sum(bad for at_s, bad, _ in heard if at_s >= now_s - span_s)
        assert surely <= window.bad <= perhaps


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=40))
def test_calls_taken_together_weigh_as_much_as_one_by_one(story: list[tuple[bool, int]]) -> None:
    together, apart = (Cusum(CusumOptions(sick_share=0.22, threshold=10.0)) for _ in range(2))
    for failed, calls in story:
        together.add(failed=failed, calls=calls)
        for _ in range(calls):
            apart.add(failed=failed)
        assert abs(together.score - apart.score) < 1e-6
