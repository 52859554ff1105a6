"""Which verdicts reject an answer, and which become warnings of its page."""

from __future__ import annotations

import pytest

from ironleaf.application.verdicts import doubt_answer, judge_answer
from ironleaf.services.engines.vision_language.answer import Answer


def answer(text: str, *, finish_reason: str = "stop", ink_share: float = 0.05) -> Answer:
    return Answer(
        text=text,
        prompt="Read.",
        finish_reason=finish_reason,
        prompt_tokens=900,
        text_tokens=None,
        completion_tokens=9,
        refusal=None,
        aborted=None,
        ink_share=ink_share,
        page=1,
    )


@pytest.mark.parametrize(
    ("said", "warnings"),
    [
        (answer("Invoice 12"), ()),
        (answer("Sure! Invoice 12"), ()),
        (answer("请求失败，请稍后再试"), ("answer-is-error-text",)),
        (answer("Invoice 12", finish_reason="something_new"), ("answer-unfinished",)),
        (answer("7", ink_share=0.001), ("text-on-inkless-page",)),
    ],
)
def test_a_doubt_is_a_warning_and_no_rejection(said: Answer, warnings: tuple[str, ...]) -> None:
    assert judge_answer(said) is None
    assert doubt_answer(said) == warnings


def test_a_claim_of_no_text_is_rejected_where_there_is_ink() -> None:
    rejection = judge_answer(answer("The image does not contain any text."))
    assert rejection is not None
    assert rejection.reason == "no-text-claimed"
