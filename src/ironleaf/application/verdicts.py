"""Joins two services that do not know each other: the VL engine's answers and the verdicts on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ironleaf.foundation.errors import Entry
from ironleaf.services import verification
from ironleaf.services.engines.upstream_failures.errors import CONTENT_REFUSED, MODEL_ANSWER_UNUSABLE
from ironleaf.services.engines.vision_language.answer import Answer, Rejection
from ironleaf.services.verification import RepetitionWatch

LOOP: Final = "repetition-loop"
REFUSED: Final = "answer-refused"
WRAPPED: Final = "answer-wrapped"
_DECLINED: Final = frozenset({REFUSED, "answer-filtered"})
"""A filter's word and the model's own are one thing to the operator: the page was declined."""
_NOTHING_READ: Final = frozenset({"answer-empty", "no-text-claimed"})
"""True of a photo without words, and what a sick model says of any page."""


@dataclass(frozen=True, slots=True)
class VerdictRejection:
    """A verdict that rejects an answer, with what a caller is told if nothing else reads the page."""

    reason: str

    @property
    def entry(self) -> Entry:
        return CONTENT_REFUSED if self.reason in _DECLINED else MODEL_ANSWER_UNUSABLE

    @property
    def may_be_right(self) -> bool:
        return self.reason in _NOTHING_READ


def judge_answer(answer: Answer) -> Rejection | None:
    """Return why an answer may not be used, if so: the most telling verdict."""
    if answer.aborted is not None:
        return VerdictRejection(answer.aborted)
    if answer.refusal:
        return VerdictRejection(REFUSED)
    verdicts = (verdict for verdict in verification.judge(_facts(answer)) if verdict.rejects)
    first = next(verdicts, None)
    return None if first is None else VerdictRejection(first.reason)


def doubt_answer(answer: Answer) -> tuple[str, ...]:
    """Return the warnings that an answer deserves which may be used; what cleaning takes off is none."""
    verdicts = verification.judge(_facts(answer))
    return tuple(verdict.reason for verdict in verdicts if verdict.reason != WRAPPED)


def _facts(answer: Answer) -> verification.Answer:
    return verification.Answer(
        text=answer.text,
        finish_reason=answer.finish_reason,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        prompt=answer.prompt,
        text_only_tokens=answer.text_tokens,
        ink_share=answer.ink_share,
    )


def watch_answer() -> Callable[[str], str | None]:
    """Return a listener for one streamed answer: names the reason as soon as it loops."""
    watch = RepetitionWatch()

    def listen(piece: str) -> str | None:
        return LOOP if watch.feed(piece) else None

    return listen
