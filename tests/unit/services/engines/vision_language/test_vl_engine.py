from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from ironleaf.document import ImageEncoding, RenderSpec
from ironleaf.faults.clock import ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import Entry, Level, ModelFailure
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.errors import DEADLINE_EXCEEDED, ENGINE_FAILED
from ironleaf.services.engines.profiles import load_profile
from ironleaf.services.engines.upstream_failures import FailureKind
from ironleaf.services.engines.vision_language.answer import Answer, AnswerRejected, NotOffered, UpstreamFailure
from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine
from ironleaf.services.engines.vision_language.refused_sizes import REFUSAL_REMEMBERED_S

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio
Make = Callable[..., Any]


@dataclass(frozen=True)
class Finding:
    entry: Entry = ENGINE_FAILED


def ask(**changes: Any) -> RecogniseRequest:
    return RecogniseRequest(**{"deadline": Deadline.after(30, ManualClock()), **changes})


def said(text: str, *, prompt_tokens: int = 2_000, finish_reason: str = "stop") -> dict[str, Any]:
    choice = {"message": {"content": text}, "finish_reason": finish_reason}
    return {"choices": [choice], "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 5}}


def streamed(*texts: str) -> bytes:
    events = [{"choices": [{"delta": {"content": text}, "finish_reason": None}]} for text in texts]
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)


@pytest.fixture
def build(make_settings: Make, make_transport: Make) -> Make:
    def make(*bodies: object, profile: str = "generic", settings: dict[str, Any] | None = None, **rest: Any) -> Any:
        transport = make_transport(*bodies)
        engine = VisionLanguageEngine(
            make_settings(**(settings or {})), profile=load_profile(profile), transport=transport, **rest
        )
        return engine, transport

    return make


async def test_a_page_becomes_text_under_the_public_alias(build: Make, make_page: Make) -> None:
    engine, transport = build(said("```\nDelivery note\n```"), settings={"model": "private-name"})
    page = make_page()
    result = await engine.recognise(page.source, ask())
    assert (result.engine, result.model, result.text) == ("vl", "main", "Delivery note")
    assert (result.width_px, result.height_px, result.ink_share) == (800, 1000, 0.1)
    assert transport.sent[0]["body"]["model"] == "private-name"
    assert page.specs == [
        RenderSpec(encoding=ImageEncoding.JPEG, side_px_max=2000, pixels_max=4_000_000, jpeg_quality=90)
    ]


@pytest.mark.parametrize("spooled", [True, False])
async def test_a_picture_that_was_drawn_for_it_is_deleted_once_it_is_read(
    build: Make, make_page: Make, tmp_path: Path, spooled: bool
) -> None:
    engine, _ = build(said("text"))
    await engine.recognise(make_page(spooled=spooled).source, ask())
    assert (tmp_path / "page.jpg").exists() is not spooled


async def test_settings_go_before_the_profile_and_zero_is_a_value(build: Make, make_page: Make) -> None:
    engine, transport = build(
        said("x"),
        profile="qwen-vl",
        settings={"temperature": 0.0, "top_p": 0.9, "max_tokens": 77, "extra_body": {"top_k": 3}, "stream": False},
    )
    await engine.recognise(make_page().source, ask())
    body = transport.sent[0]["body"]
    assert (body["temperature"], body["top_p"], body["max_tokens"], body["top_k"]) == (0.0, 0.9, 77, 3)
    assert "stream" not in body


async def test_max_tokens_is_always_sent(build: Make, make_page: Make) -> None:
    engine, transport = build(said("x"))
    await engine.recognise(make_page().source, ask())
    assert transport.sent[0]["body"]["max_tokens"] == 4096


async def test_prompt_and_languages_of_the_caller(build: Make, make_page: Make) -> None:
    engine, transport = build(said("x"), said("x"))
    await engine.recognise(make_page().source, ask(languages=("de", "zh-Hans", "no such\nthing")))
    await engine.recognise(make_page().source, ask(languages=("de",), prompt="Only the total."))
    first, second = (sent["body"]["messages"][0]["content"][1]["text"] for sent in transport.sent)
    assert first.endswith("The page is written in: de, zh-Hans.")
    assert second == "Only the total."


async def test_a_turned_page_is_asked_for_again_the_right_way_up_but_only_once(build: Make, make_page: Make) -> None:
    turned = "---\nis_rotation_valid: False\nrotation_correction: 90\n---\nsideways"
    engine, transport = build(said(turned), said(turned.replace("sideways", "upright")), profile="olmocr")
    page = make_page()
    result = await engine.recognise(page.source, ask())
    assert (result.text, result.rotation_deg) == ("upright", 90)
    assert [spec.rotation_deg for spec in page.specs] == [0, 90]
    assert len(transport.sent) == 2


async def test_a_picture_that_the_family_would_refuse_is_not_sent(build: Make, make_page: Make) -> None:
    engine, transport = build(profile="qwen-vl")
    with pytest.raises(UpstreamFailure) as caught:
        await engine.recognise(make_page(width_px=2010, height_px=10).source, ask())
    assert caught.value.verdict.kind is FailureKind.IMAGE_INVALID
    assert caught.value.entry.level is Level.L1
    assert caught.value.verdict.fallback_other_backend
    assert transport.sent == []


async def test_a_page_whose_like_was_refused_as_too_large_is_not_sent_while_an_equal_is_left(
    build: Make, make_page: Make
) -> None:
    clock = ManualClock()
    engine, transport = build(b"", said("small"), said("again"), clock=clock)
    transport.replies[0].status = 413
    with pytest.raises(UpstreamFailure) as refused:
        await engine.recognise(make_page().source, ask())
    for larger in ({}, {"width_px": 801}):
        with pytest.raises(NotOffered) as skipped:
            await engine.recognise(make_page(**larger).source, ask(equal_left=True))
        assert skipped.value.entry is refused.value.entry
    assert (await engine.recognise(make_page(width_px=700).source, ask(equal_left=True))).text == "small"
    clock.advance(REFUSAL_REMEMBERED_S)
    assert (await engine.recognise(make_page().source, ask(equal_left=True))).text == "again"
    assert len(transport.sent) == 3


async def test_another_model_of_the_same_server_has_limits_of_its_own(build: Make, make_page: Make) -> None:
    engine, transport = build(b"", said("twin"), said("another"))
    transport.replies[0].status = 413
    with pytest.raises(UpstreamFailure):
        await engine.recognise(make_page().source, ask())
    twin = engine.with_model("another")
    assert (await twin.recognise(make_page().source, ask(equal_left=True))).text == "twin"
    with pytest.raises(NotOffered):
        await engine.recognise(make_page().source, ask(equal_left=True))
    engine.use_model("another")
    assert (await engine.recognise(make_page().source, ask(equal_left=True))).text == "another"


async def test_no_call_is_made_after_the_deadline(build: Make, make_page: Make) -> None:
    engine, transport = build()
    with pytest.raises(ModelFailure) as caught:
        await engine.recognise(make_page().source, ask(deadline=Deadline.after(0, ManualClock())))
    assert caught.value.entry is DEADLINE_EXCEEDED
    assert transport.sent == []


async def test_a_vanished_picture_is_our_failure(build: Make, make_page: Make) -> None:
    engine, _ = build(said("x"))
    page = make_page()
    image = await page.source.render(RenderSpec())
    image.path.unlink()
    with pytest.raises(ModelFailure) as caught:
        await engine.recognise(page.source, ask())
    assert caught.value.entry is ENGINE_FAILED
    assert not isinstance(caught.value, UpstreamFailure)


async def test_the_judge_sees_the_answer_and_its_word_counts(build: Make, make_page: Make) -> None:
    seen: list[Answer] = []

    def judge(answer: Answer) -> Finding:
        seen.append(answer)
        return Finding()

    engine, _ = build(said("cut", finish_reason="length"), judge=judge)
    with pytest.raises(AnswerRejected) as caught:
        await engine.recognise(make_page().source, ask(prompt="Read."))
    assert caught.value.rejection == Finding()
    answer = seen[0]
    assert (answer.text, answer.prompt, answer.finish_reason, answer.page) == ("cut", "Read.", "length", 3)
    assert (answer.prompt_tokens, answer.text_tokens, answer.ink_share) == (2_000, None, 0.1)


async def test_what_is_doubtful_is_warned_of(build: Make, make_page: Make) -> None:
    engine, _ = build(said("x"), judge=lambda _: None, doubt=lambda answer: (f"doubt-{answer.text}",))
    assert (await engine.recognise(make_page().source, ask())).warnings == ("doubt-x",)


async def test_a_doubtful_count_is_compared_with_the_text_alone(build: Make, make_page: Make) -> None:
    seen: list[Answer] = []
    engine, transport = build(said("A harbour", prompt_tokens=15), said("x", prompt_tokens=15), judge=seen.append)
    await engine.recognise(make_page().source, ask(prompt="Read."))
    assert seen[0].prompt_tokens == seen[0].text_tokens == 15
    measuring = transport.sent[1]["body"]
    assert measuring["max_tokens"] == 1
    assert measuring["messages"][0]["content"] == [{"type": "text", "text": "Read."}]


async def test_the_comparison_can_be_switched_off(build: Make, make_page: Make) -> None:
    engine, transport = build(said("x", prompt_tokens=15), judge=lambda _: None, settings={"check_image_tokens": False})
    await engine.recognise(make_page().source, ask())
    assert len(transport.sent) == 1


@pytest.mark.parametrize("finding", [Finding(), None])
async def test_a_stream_that_the_watch_cuts_is_never_believed(
    build: Make, make_page: Make, finding: Finding | None
) -> None:
    made: list[object] = []

    def watch() -> Callable[[str], str | None]:
        made.append(object())
        return lambda piece: "loop" if piece == "b" else None

    seen: list[Answer] = []

    def judge(answer: Answer) -> Finding | None:
        seen.append(answer)
        return finding

    engine, transport = build(streamed("a", "b", "c"), judge=judge, watch=watch)
    with pytest.raises((AnswerRejected, UpstreamFailure)):
        await engine.recognise(make_page().source, ask())
    assert (seen[0].text, seen[0].aborted) == ("ab", "loop")
    assert len(made) == transport.closed == 1


async def test_models_are_listed_with_what_the_server_tells_of_them(build: Make) -> None:
    listing = {
        "data": [
            {"id": "a-0", "model_name": "qwen2-vl", "model_family": "qwen2-vl", "model_ability": ["chat", "vision"]},
            {"id": "b", "root": "org/b"},
            {"id": ""},
            "rubbish",
        ]
    }
    engine, transport = build(listing)
    first, second = await engine.list_models()
    assert (first.id, first.families, first.sees_images) == ("a-0", ("qwen2-vl",), True)
    assert (second.id, second.families, second.sees_images) == ("b", ("org/b",), None)
    assert (transport.sent[0]["method"], transport.sent[0]["path"]) == ("GET", "models")


@pytest.mark.parametrize("body", [b"<html>", {"data": None}, {}])
async def test_a_listing_that_is_none_is_a_failure(build: Make, body: object) -> None:
    engine, _ = build(body)
    with pytest.raises(UpstreamFailure) as caught:
        await engine.list_models()
    assert caught.value.verdict.kind in {FailureKind.PROTOCOL, FailureKind.UNKNOWN}


async def test_failures_survive_pickling_with_their_verdict(build: Make, make_page: Make) -> None:
    engine, _ = build(b"<html>")
    with pytest.raises(UpstreamFailure) as caught:
        await engine.recognise(make_page().source, ask())
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert again.verdict == caught.value.verdict
    assert again.entry == caught.value.entry
    rejected = pickle.loads(pickle.dumps(AnswerRejected(Finding())))  # noqa: S301
    assert rejected.rejection == Finding()
