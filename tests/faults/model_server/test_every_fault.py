"""Each fault of the registry, once streamed and once not, ends in the catalogue, in time and without a leak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from ironleaf.faults import CANARIES, FAULTS, FaultyModelServer
from ironleaf.foundation.clock import Deadline, SystemClock
from ironleaf.foundation.errors import Catalogue, Entry, IronleafError, make_problem
from ironleaf.foundation.errors.entry import LANGUAGES
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.upstream_failures import ENTRIES, FailureKind
from ironleaf.services.engines.vision_language.answer import Answer, AnswerRejected, UpstreamFailure
from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine

if TYPE_CHECKING:
    from ironleaf.document import PageSource

pytestmark = pytest.mark.anyio
MakeEngine = Callable[..., VisionLanguageEngine]

CATALOGUE = Catalogue(ENTRIES)
SHORT = {"first_token_timeout_s": 0.3, "between_tokens_timeout_s": 0.2, "total_timeout_s": 0.6}
"""For servers that let us wait; the others get time, so that a busy machine fails no test."""
WAITING_FAULTS = {"silent-before-headers", "silent-after-headers", "slow-drip", "slow-100x"}
SLACK_S = 0.5
CONTENT_FAULTS = {
    "200-empty",
    "200-length",
    "200-loop",
    "200-refusal",
    "200-echo",
    "200-error-text",
    "200-image-ignored",
}
"""Whole answers whose words must be judged."""
GOOD_AT_FIRST = {"ok", "one-in-n"}
KINDS = {
    "refused": FailureKind.CONNECTION,
    "reset": FailureKind.CONNECTION,
    "dns": FailureKind.CONNECTION,
    "tls": FailureKind.CONNECTION,
    "silent-before-headers": FailureKind.TIMEOUT,
    "silent-after-headers": FailureKind.TIMEOUT,
    "slow-drip": FailureKind.TIMEOUT,
    "slow-100x": FailureKind.TIMEOUT,
    "wrong-content-type": FailureKind.PROTOCOL,
    "huge-body": FailureKind.PROTOCOL,
    "redirect-loop": FailureKind.PROTOCOL,
    "400-model-gone": FailureKind.MODEL_NOT_FOUND,
    "404-model-gone": FailureKind.MODEL_NOT_FOUND,
    "400-bad-key": FailureKind.AUTH,
    "401": FailureKind.AUTH,
    "400-unpaid": FailureKind.QUOTA_EXHAUSTED,
    "402": FailureKind.QUOTA_EXHAUSTED,
    "429-quota": FailureKind.QUOTA_EXHAUSTED,
    "403-region": FailureKind.PERMISSION,
    "429-rate": FailureKind.RATE_LIMITED,
    "429-retry-after-7": FailureKind.RATE_LIMITED,
    "502-html": FailureKind.BAD_GATEWAY,
    "503": FailureKind.OVERLOADED,
    "504": FailureKind.TIMEOUT,
    "200-html": FailureKind.PROTOCOL,
    "200-no-choices": FailureKind.PROTOCOL,
    "200-null": FailureKind.PROTOCOL,
    "200-truncated-json": FailureKind.PROTOCOL,
}
"""Where the meaning is beyond doubt; the classifier's own tests say more."""


@dataclass(frozen=True)
class Finding:
    entry: Entry = ENTRIES[0]


def judge(answer: Answer) -> Finding | None:
    """Stand in for the verdicts of `services/verification`, as far as these faults need them."""
    is_bad = (
        not answer.text
        or answer.finish_reason not in {"stop", None}
        or (answer.text_tokens is not None and (answer.prompt_tokens or 0) <= answer.text_tokens)
        or answer.text in answer.prompt
        or "Total amount due" * 2 in answer.text.replace(" 17.00\n", "")
        or answer.text.startswith(("Error:", "I'm sorry"))
    )
    return Finding() if is_bad else None


async def read(engine: VisionLanguageEngine, page: PageSource) -> IronleafError | None:
    try:
        await engine.recognise(page, RecogniseRequest(deadline=Deadline.after(5, SystemClock())))
    except IronleafError as error:
        return error
    return None


def public_face(error: IronleafError) -> str:
    problems = [
        make_problem(error.entry, language=language, details=error.details, retry_after_s=error.retry_after_s)
        for language in LANGUAGES
    ]
    return f"{error} {[asdict(problem) for problem in problems]} {error.entry.doc_url}"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", sorted(set(FAULTS) - GOOD_AT_FIRST))
async def test_a_fault_ends_in_the_catalogue_in_time_and_without_a_leak(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource, fault: str, stream: bool
) -> None:
    await server.use(fault)
    times = SHORT if fault in WAITING_FAULTS else {"total_timeout_s": 4.0}
    engine = make_engine(server, settings={"stream": stream, **times}, judge=judge)
    began = monotonic()
    error = await read(engine, page)
    assert monotonic() - began < times["total_timeout_s"] + SLACK_S
    if fault == "stream-done-without-finish" and not stream:
        assert error is None  # unary, an absent reason decides nothing
        return
    assert error is not None
    assert isinstance(error, AnswerRejected if fault in CONTENT_FAULTS else UpstreamFailure)
    assert error.entry in CATALOGUE
    assert [canary for canary in CANARIES if canary in public_face(error)] == []
    assert "sk-our-own-key" not in str(error.context)
    if isinstance(error, UpstreamFailure):
        assert error.verdict.kind is KINDS.get(fault, error.verdict.kind)
        assert error.verdict.reason == error.entry.reason
    assert server.hits <= (2 if fault == "200-image-ignored" else 1)


@pytest.mark.parametrize("stream", [True, False])
async def test_good_answers_are_text(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource, stream: bool
) -> None:
    server.text = "Zwölf Kisten 苹果"
    result = await make_engine(server, settings={"stream": stream}, judge=judge).recognise(
        page, RecogniseRequest(deadline=Deadline.after(5, SystemClock()))
    )
    assert (result.text, result.model) == ("Zwölf Kisten 苹果", "main")


async def test_one_in_n_fails_exactly_there(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource
) -> None:
    await server.use("one-in-n")
    engine = make_engine(server)
    outcomes = [await read(engine, page) is None for _ in range(10)]
    assert outcomes == ([True] * 4 + [False]) * 2


async def test_retry_after_reaches_the_verdict_and_the_error(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource
) -> None:
    await server.use("429-retry-after-7")
    error = await read(make_engine(server), page)
    assert isinstance(error, UpstreamFailure)
    assert error.verdict.retry_after_s == error.retry_after_s == 7


async def test_an_ignored_image_is_found_by_the_counts(
    server: FaultyModelServer, make_engine: MakeEngine, page: PageSource
) -> None:
    await server.use("200-image-ignored")
    answers: list[Answer] = []
    engine = make_engine(server, judge=answers.append)
    assert await read(engine, page) is None
    assert answers[0].prompt_tokens == answers[0].text_tokens
    await server.use("ok")
    assert await read(engine, page) is None
    assert answers[1].text_tokens is None or answers[1].prompt_tokens > answers[1].text_tokens
