"""The prompt's own words in the answer, and words or fences around it."""

from __future__ import annotations

import re
from typing import Final

from ironleaf.services.verification.base import Answer, Verdict

ECHO_SHARE_MAX: Final = 0.3
"""More of the answer than this taken from the prompt, and nothing is left to trust."""
SHINGLE_CHARACTERS: Final = 24
"""Long enough that page and prompt do not share it by chance."""
REPLY_CHARACTERS_MAX: Final = 40_000
"""A prompt has 4,000 characters at most: a longer answer cannot be a third of it."""

_SPACE = re.compile(r"\s+")
_FENCED = re.compile(r"\s*(?:```|~~~)")
_LEAD_IN = re.compile(
    r"\s*(?:(?:sure|certainly|of course|okay|ok|absolutely)[!,.:]|"
    r"here(?:['’]s| is| are) (?:the|your|a)\b[^\n]{0,80}:\s*\n|"
    r"(?:the )?(?:extracted|transcribed|recogni[sz]ed) (?:text|content)[^\n]{0,60}:\s*\n|"
    r"(?:好的|当然|没问题)[，。！,!:：]|以下(?:是|为)[^\n]{0,40}[：:]\s*\n|"
    r"(?:图片|图像|图中)[^\n]{0,20}(?:文字|内容)[^\n]{0,12}如下[：:])",
    re.IGNORECASE,
)


def echo_share(text: str, prompt: str) -> float:
    """Return the share of ``text`` (0-1) that stands in ``prompt`` word for word."""
    reply, source = _plain(text[:REPLY_CHARACTERS_MAX]), _plain(prompt)
    if len(reply) < SHINGLE_CHARACTERS or len(source) < SHINGLE_CHARACTERS:
        return 0.0
    known = {source[at : at + SHINGLE_CHARACTERS] for at in range(len(source) - SHINGLE_CHARACTERS + 1)}
    covered, reached = 0, 0
    for at in range(len(reply) - SHINGLE_CHARACTERS + 1):
        if reply[at : at + SHINGLE_CHARACTERS] in known:
            covered += at + SHINGLE_CHARACTERS - max(at, reached)
            reached = at + SHINGLE_CHARACTERS
    return covered / len(reply)


def judge_echo(answer: Answer) -> Verdict | None:
    """Reject an answer of which too much is the prompt."""
    if echo_share(answer.text, answer.prompt) > ECHO_SHARE_MAX:
        return Verdict(reason="prompt-echoed")
    return None


def judge_wrapping(answer: Answer) -> Verdict | None:
    """Note an outer fence or a lead-in: cleaning takes them off."""
    if _FENCED.match(answer.text) or _LEAD_IN.match(answer.text):
        return Verdict(reason="answer-wrapped", severity="soft")
    return None


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip().lower()
