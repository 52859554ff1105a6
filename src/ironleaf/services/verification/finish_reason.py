"""How the answer ended. Absence of a reason decides nothing: some servers never give one."""

from __future__ import annotations

from typing import Final

from ironleaf.services.verification.base import Answer, Verdict

_REGULAR: Final = frozenset(
    {"stop", "end_turn", "eos", "eos_token", "stop_sequence", "complete", "completed", "finished"}
)
_CUT: Final = frozenset({"length", "max_tokens", "max_length", "abort", "aborted", "cancelled", "error", "incomplete"})
_FILTERED: Final = frozenset(
    {"content_filter", "safety", "recitation", "prohibited_content", "blocklist", "sensitive", "refusal"}
)


def ended_early(answer: Answer) -> bool:
    """Tell whether the answer ran into its room's end, or was cut otherwise."""
    reason = _reason(answer)
    if reason:
        return reason in _CUT
    if answer.completion_tokens is None or answer.max_tokens is None:
        return False
    return answer.completion_tokens >= answer.max_tokens


def judge_finish_reason(answer: Answer) -> Verdict | None:
    """Reject a filtered or a cut answer; doubt one with a reason that nobody knows."""
    reason = _reason(answer)
    if reason in _FILTERED:
        return Verdict(reason="answer-filtered")
    if ended_early(answer):
        return Verdict(reason="answer-truncated")
    if reason and reason not in _REGULAR:
        return Verdict(reason="answer-unfinished", severity="soft")
    return None


def _reason(answer: Answer) -> str:
    return (answer.finish_reason or "").strip().lower()
