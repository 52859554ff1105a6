"""An error's text where the page's text should be."""

from __future__ import annotations

import re
from typing import Final

from ironleaf.services.verification.base import Answer, Verdict, bare

ERROR_CHARACTERS_MAX: Final = 600
"""Errors are short; a longer text is a page that speaks about errors."""

# Shapes that no page's text has as a whole.
_MACHINE: Final = re.compile(
    r"\{\s*[\"'](?:error|detail|object)[\"']\s*:.{0,400}\}|<!doctype html\b.*|<html\b.*|"
    r"error code: ?[45]\d\d\b.*|(?:http(?:/[\d.]+)? ?)?5\d\d (?:internal server error|bad gateway|service unavailable|"
    r"gateway time-?out).*|internal server error\.?|cuda out of memory.*|[a-z_.]*(?:exception|error): .{0,300}"
    r"(?:traceback|at 0x|request id|status code).*|"
    # Perhaps a picture of such words: another engine reads that as well.
    r"error[:!] .{0,200}(?:upstream|connect(?:ion)? (?:error|refused|reset)|\d{1,3}(?:\.\d{1,3}){3}:\d+|uid:).*",
    re.DOTALL | re.IGNORECASE,
)
# Words that a short page may well have: a screenshot of an error is a page too.
_WORDS: Final = re.compile(
    r"(?:error[:!]|an? (?:internal |unexpected |unknown )?error (?:has )?occurred|request (?:failed|timed out)|"
    r"(?:failed|unable) to (?:process|load|fetch|decode) (?:the )?(?:image|request)|please try again later|"
    r"(?:请求失败|服务器?(?:错误|异常|繁忙)|系统错误|处理失败|图片(?:加载|解析)失败))",
    re.IGNORECASE,
)


def judge_error_text(answer: Answer) -> Verdict | None:
    """Reject a short answer of an error's shape; doubt one that begins with an error's words."""
    text = bare(answer.text)
    if not text or len(text) > ERROR_CHARACTERS_MAX:
        return None
    if _MACHINE.fullmatch(text):
        return Verdict(reason="answer-is-error-text")
    if _WORDS.match(text):
        return Verdict(reason="answer-is-error-text", severity="soft")
    return None
