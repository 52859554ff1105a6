"""A model that declines in words obeys the operator's setting on refusals as a safety filter does, streamed or not."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from ironleaf.application.bootstrap import build_backends
from ironleaf.application.rungs import make_step_rule
from ironleaf.application.settings import VlSettings
from ironleaf.application.verdicts import judge_answer
from ironleaf.document import AttemptOutcome, EngineName
from ironleaf.faults import FaultyEngine, FaultyModelServer
from ironleaf.foundation.clock import Deadline, SystemClock
from ironleaf.foundation.errors import IronleafError
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.canary import make_canary_page
from ironleaf.services.engines.ladder import LadderEngine
from ironleaf.services.engines.upstream_failures.errors import CONTENT_REFUSED, MODEL_ANSWER_UNUSABLE
from ironleaf.services.engines.vision_language.answer import Answer
from ironleaf.services.engines.vision_language.settings import BackendSettings

CLOCK = SystemClock()
EMBEDDED_TEXT = "read by the embedded engine"
DECLINED = ("I'm sorry, I can't help with that.", "抱歉，我无法协助识别这张图片。")
ANSWER = Answer(
    text="A delivery note.",
    prompt="",
    finish_reason="stop",
    prompt_tokens=None,
    text_tokens=None,
    completion_tokens=None,
    refusal=None,
    aborted=None,
    ink_share=0.1,
    page=1,
)


def build(server: FaultyModelServer, *, stream: bool, step_down: bool, embedded: bool = True) -> LadderEngine:
    backend = BackendSettings(alias="reader", base_url=server.base_url, model="qwen2-vl", stream=stream)
    settings = VlSettings(backends=(backend,), step_down_on_refusal=step_down)
    below = FaultyEngine(EMBEDDED_TEXT, name=EngineName.EMBEDDED, alias="embedded")
    rungs = (*build_backends(settings, CLOCK, random.Random(5)), *([below] if embedded else []))
    return LadderEngine(rungs, clock=CLOCK, steps_down=make_step_rule(settings))


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("words", DECLINED)
async def test_the_next_engine_reads_the_page_where_the_operator_allows_it(words: str, stream: bool) -> None:
    async with FaultyModelServer("ok", text=words) as server:
        ladder = build(server, stream=stream, step_down=True)
        request = RecogniseRequest(deadline=Deadline.after(10, CLOCK))
        result = await ladder.recognise(replace(make_canary_page(), number=3), request)
        await ladder.aclose()
    assert result.text == EMBEDDED_TEXT
    assert (result.attempts[0].outcome, result.attempts[0].reason) == (AttemptOutcome.REJECTED, "answer-refused")


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("words", DECLINED)
@pytest.mark.parametrize(("step_down", "embedded"), [(False, True), (False, False), (True, False)])
async def test_the_caller_is_told_where_nobody_else_may_or_can_read_it(
    words: str, stream: bool, step_down: bool, embedded: bool
) -> None:
    async with FaultyModelServer("ok", text=words) as server:
        ladder = build(server, stream=stream, step_down=step_down, embedded=embedded)
        with pytest.raises(IronleafError) as caught:
            await ladder.recognise(make_canary_page(), RecogniseRequest(deadline=Deadline.after(10, CLOCK)))
        await ladder.aclose()
    assert caught.value.entry == CONTENT_REFUSED


@pytest.mark.anyio
async def test_sending_a_declined_page_again_and_again_gets_it_read_by_nobody() -> None:
    """Its breaker must not open: the next engine would then be asked."""
    told: list[str] = []
    async with FaultyModelServer("ok", text=DECLINED[0]) as server:
        ladder = build(server, stream=True, step_down=False)
        for _ in range(12):
            with pytest.raises(IronleafError) as caught:
                await ladder.recognise(make_canary_page(), RecogniseRequest(deadline=Deadline.after(10, CLOCK)))
            told.append(caught.value.entry.reason)
        await ladder.aclose()
    assert told == [CONTENT_REFUSED.reason] * 12


@pytest.mark.parametrize(
    "answer",
    [
        replace(ANSWER, text="I cannot assist with this image."),
        replace(ANSWER, text="", refusal="Nein."),
        replace(ANSWER, finish_reason="content_filter"),
    ],
    ids=["words", "field", "filter"],
)
def test_declining_has_one_entry_in_every_form(answer: Answer) -> None:
    rejection = judge_answer(answer)
    assert rejection is not None
    assert rejection.entry == CONTENT_REFUSED


def test_other_bad_answers_are_no_refusals() -> None:
    assert judge_answer(ANSWER) is None
    rejection = judge_answer(replace(ANSWER, text=""))
    assert rejection is not None
    assert rejection.entry == MODEL_ANSWER_UNUSABLE
