"""What was refused as too large: compared in every way, forgotten in time, and unlearned by what is taken."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironleaf.services.engines.errors import ENGINE_FAILED
from ironleaf.services.engines.upstream_failures.errors import TOO_LARGE_FOR_MODEL
from ironleaf.services.engines.vision_language.refused_sizes import (
    REFUSAL_REMEMBERED_S,
    REFUSALS_MAX,
    RefusedSizes,
    RequestSize,
)


def sized(pixels: int = 100, image_bytes: int = 100, prompt_characters: int = 100) -> RequestSize:
    return RequestSize(pixels=pixels, image_bytes=image_bytes, prompt_characters=prompt_characters)


def refused(*sizes: RequestSize, now_s: float = 0.0) -> RefusedSizes:
    sizes_refused = RefusedSizes()
    for size in sizes:
        sizes_refused.note_refused(size, TOO_LARGE_FOR_MODEL, now_s=now_s)
    return sizes_refused


@pytest.mark.parametrize(
    ("size", "held"),
    [
        (sized(), True),
        (sized(pixels=101), True),
        (sized(pixels=99), False),
        (sized(image_bytes=99, pixels=500), False),
        (sized(prompt_characters=99), False),
    ],
    ids=["the same", "larger", "fewer pixels", "fewer bytes", "a shorter prompt"],
)
def test_only_what_is_no_smaller_in_any_way_is_held_too_large(size: RequestSize, held: bool) -> None:
    assert (refused(sized()).find(size, now_s=1.0) is TOO_LARGE_FOR_MODEL) is held


def test_a_refusal_is_forgotten_after_its_time() -> None:
    sizes = refused(sized(), now_s=10.0)
    assert sizes.find(sized(), now_s=10.0 + REFUSAL_REMEMBERED_S - 0.1) is TOO_LARGE_FOR_MODEL
    assert sizes.find(sized(), now_s=10.0 + REFUSAL_REMEMBERED_S) is None


def test_the_newest_word_on_a_size_counts() -> None:
    sizes = refused(sized())
    sizes.note_refused(sized(), ENGINE_FAILED, now_s=5.0)
    assert sizes.find(sized(), now_s=6.0) is ENGINE_FAILED


def test_what_is_taken_takes_back_what_was_refused_below_it_and_nothing_else() -> None:
    sizes = refused(sized(pixels=50, image_bytes=300), sized(pixels=300, image_bytes=50))
    sizes.note_taken(sized(pixels=50, image_bytes=400))
    assert sizes.find(sized(pixels=50, image_bytes=400), now_s=1.0) is None
    assert sizes.find(sized(pixels=400, image_bytes=50), now_s=1.0) is TOO_LARGE_FOR_MODEL


def test_what_a_smaller_refusal_replaced_is_taken_back_with_it() -> None:
    sizes = refused(sized(image_bytes=200), sized())
    sizes.note_taken(sized())
    assert sizes.find(sized(image_bytes=200), now_s=1.0) is None, (
        "which costs one call in vain, if it is still too large"
    )


def test_of_too_many_sizes_the_newest_are_kept() -> None:
    apart = [sized(pixels=100 + step, image_bytes=1000 - step) for step in range(REFUSALS_MAX + 1)]
    sizes = refused(*apart)
    assert [size for size in apart if sizes.find(size, now_s=1.0) is None] == apart[:1]


SIZES = st.builds(sized, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
STEPS = st.lists(st.tuples(SIZES, st.booleans(), st.floats(0.0, 40.0)), max_size=12)


@given(STEPS, SIZES)
def test_it_says_what_a_full_memory_would_say(steps: list[tuple[RequestSize, bool, float]], asked: RequestSize) -> None:
    """Against the plainest telling: something no larger was refused within the time, and nothing since has shown
    otherwise or taken its place, as a smaller refusal does. Sizes are so few that the bound of the memory is reached
    by no frontier of them."""
    sizes, now_s, told = RefusedSizes(), 0.0, list[tuple[RequestSize, bool, float]]()
    for size, taken, pause_s in steps:
        now_s += pause_s
        told.append((size, taken, now_s))
        if taken:
            sizes.note_taken(size)
        else:
            sizes.note_refused(size, TOO_LARGE_FOR_MODEL, now_s=now_s)
    expected = any(
        not taken
        and now_s < at_s + REFUSAL_REMEMBERED_S
        and no_larger(size, asked)
        and not any(
            no_larger(size, other) if later else no_larger(other, size) for other, later, _ in told[place + 1 :]
        )
        for place, (size, taken, at_s) in enumerate(told)
    )
    assert (sizes.find(asked, now_s=now_s) is not None) is expected


def no_larger(small: RequestSize, large: RequestSize) -> bool:
    return all(mine <= other for mine, other in zip(astuple(small), astuple(large), strict=True))
