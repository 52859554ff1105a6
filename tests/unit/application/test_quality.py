"""How far a page may be trusted: its engine says, and what it says of itself holds it down."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from ironleaf.application.quality import GRADE_MOST, clean_result, grade_result
from ironleaf.document import EngineName, Grade, PageResult
from ironleaf.services.engines.embedded.grading import grade_confidence
from ironleaf.services.engines.errors import LINES_LEFT_OUT
from ironleaf.services.files.errors import CHARACTERS_REPLACED, IMAGE_TRUNCATED, PALETTE_EXPANDED

grade = partial(grade_result, grade_confidence=grade_confidence)


def reading(engine: EngineName, *warnings: str, confidence: float | None = 0.995) -> PageResult:
    return PageResult(engine=engine, text="the upper half", confidence=confidence, warnings=warnings)


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (EngineName.EMBEDDED, Grade.EXCELLENT),
        (EngineName.VL, Grade.GOOD),
        (EngineName.TEXT_LAYER, Grade.EXCELLENT),
        (EngineName.NATIVE, Grade.EXCELLENT),
    ],
)
def test_a_whole_page_is_graded_by_who_read_it(engine: EngineName, expected: Grade) -> None:
    assert grade(reading(engine)).grade is expected
    assert grade(reading(engine), warnings=(PALETTE_EXPANDED.reason,)).grade is expected


@pytest.mark.parametrize("engine", [EngineName.EMBEDDED, EngineName.VL, EngineName.NATIVE])
@pytest.mark.parametrize(("reason", "most"), GRADE_MOST.items())
def test_a_page_that_lacks_text_is_held_down_by_whoever_says_so(engine: EngineName, reason: str, most: Grade) -> None:
    assert grade(reading(engine, reason)).grade is most
    assert grade(reading(engine), warnings=(reason,)).grade is most


def test_a_cut_page_is_never_made_better_by_its_bound() -> None:
    cut = reading(EngineName.EMBEDDED, LINES_LEFT_OUT.reason, confidence=0.5)
    assert grade(cut).grade is Grade.POOR


def test_of_two_bounds_the_lower_one_holds() -> None:
    cut = reading(EngineName.NATIVE, CHARACTERS_REPLACED.reason)
    assert grade(cut, warnings=(IMAGE_TRUNCATED.reason,)).grade is Grade.FAIR


def test_the_confidence_of_what_was_read_stays_as_it_was() -> None:
    assert grade(reading(EngineName.EMBEDDED, LINES_LEFT_OUT.reason)).confidence == 0.995


@pytest.mark.parametrize(
    ("engine", "ink_share", "text"),
    [
        (EngineName.VL, 0.0, ""),
        (EngineName.VL, 0.05, "This page is blank."),
        (EngineName.EMBEDDED, 0.0, "This page is blank."),
    ],
)
def test_a_models_word_for_a_blank_page_is_no_text_of_it(engine: EngineName, ink_share: float, text: str) -> None:
    result = replace(reading(engine), text="This page is blank.", ink_share=ink_share)
    assert clean_result(result).text == text
