from __future__ import annotations

import pytest

from ironleaf.services.engines.vision_language.baseline import PROMPTS_KEPT_MAX, TextBaseline


class Measure:
    def __init__(self, *answers: int | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, prompt: str) -> int | None:
        self.asked.append(prompt)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.anyio
async def test_a_clear_count_costs_no_call() -> None:
    measure = Measure(15)
    baseline = TextBaseline(measure)
    assert await baseline.find("Read.", prompt_tokens=900) is None
    assert await baseline.find("Read.", prompt_tokens=None) is None
    assert measure.asked == []


@pytest.mark.anyio
async def test_a_doubtful_count_is_measured_once_a_prompt() -> None:
    measure = Measure(15)
    baseline = TextBaseline(measure)
    for _ in range(3):
        assert await baseline.find("Read.", prompt_tokens=15) == 15
    assert await baseline.find("Other.", prompt_tokens=16) == 15
    assert measure.asked == ["Read.", "Other."]


@pytest.mark.anyio
async def test_a_measurement_that_failed_is_tried_again() -> None:
    baseline = TextBaseline(Measure(None, 15))
    assert await baseline.find("Read.", prompt_tokens=15) is None
    assert await baseline.find("Read.", prompt_tokens=15) == 15


@pytest.mark.anyio
async def test_callers_prompts_do_not_pile_up_nor_push_out_the_usual_one() -> None:
    measure = Measure(15)
    baseline = TextBaseline(measure)
    for number in range(PROMPTS_KEPT_MAX):
        await baseline.find(f"prompt {number}", prompt_tokens=15)
        await baseline.find("usual", prompt_tokens=15)
    assert measure.asked.count("usual") == 1
    await baseline.find("prompt 0", prompt_tokens=15)
    assert measure.asked.count("prompt 0") == 2
