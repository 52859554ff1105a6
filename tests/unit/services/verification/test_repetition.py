"""The loop rule, whole and in a stream."""

from __future__ import annotations

import pytest

from ironleaf.services.verification import Answer, RepetitionWatch, find_loop, judge

PAGE = "The board met on 3 March and approved the accounts. Ms. Lindqvist reported on the new warehouse.\n"
LONG_UNIT = "".join(f"Row {n}: {n * 37 % 101} pieces were delivered to door {n % 7}.\n" for n in range(25))


@pytest.mark.parametrize(
    ("unit", "repeats"),
    [("ha ", 80), ("ab", 121), ("the same four words ", 13), (PAGE, 5), (PAGE * 2 + "again\n", 4), (LONG_UNIT, 3)],
)
def test_a_loop_at_the_end_is_found(unit: str, repeats: int) -> None:
    assert find_loop(PAGE * 2 + "Then it began. " + unit * repeats) is not None


@pytest.mark.parametrize(
    ("unit", "repeats"),
    [("ha ", 79), ("the same four words ", 11), (PAGE, 3), (LONG_UNIT, 2)],
)
def test_a_refrain_is_not(unit: str, repeats: int) -> None:
    assert find_loop("Then it began: 0123456789 abc. " + unit * repeats) is None


def test_whitespace_does_not_hide_a_loop() -> None:
    assert find_loop("word\n\n   word \t" * 60) is not None


def test_rulings_and_empty_cells_may_be_long() -> None:
    assert find_loop("Name: " + "_" * 1_900) is None
    assert find_loop("Name: " + "_" * 2_100) is not None
    assert find_loop("|  |  |\n" * 300) is None
    assert find_loop("|  |  |\n" * 400) is not None


def test_a_loop_that_has_ended_is_the_pages_own() -> None:
    assert find_loop("ha " * 200 + PAGE * 3 + LONG_UNIT) is None


def test_a_loop_is_hard_when_cut_or_when_it_compresses_like_one() -> None:
    varied = " ".join(f"{n * 7_919 % 10_007:x}{n * 31 % 97}" for n in range(600))
    few = varied + PAGE * 5
    assert [(verdict.reason, verdict.severity) for verdict in judge(Answer(text=few, finish_reason="stop"))] == [
        ("repetition-loop", "soft")
    ]
    assert judge(Answer(text=few, finish_reason="length"))[0].severity == "hard"
    assert judge(Answer(text=few + PAGE * 400, finish_reason="stop"))[0].severity == "hard"


@pytest.mark.parametrize("size", [1, 7, 64, 5_000])
def test_the_stream_is_stopped_soon_after_the_loop_began(size: int) -> None:
    start = PAGE + LONG_UNIT
    text = start + "over and over " * 500
    watch = RepetitionWatch()
    fired = next(at + size for at in range(0, len(text), size) if watch.feed(text[at : at + size]))
    assert fired - len(start) <= 400 + size
    assert watch.feed("anything")


def test_a_stream_of_real_text_runs_through() -> None:
    watch = RepetitionWatch()
    assert not any(watch.feed(f"Line {n}: {n * n} and {n * 7 % 13}. ") for n in range(3_000))
    assert not watch.feed("")
