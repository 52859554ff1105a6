"""Whose tokens filled the window: the input's, or the room that we asked for?"""

from __future__ import annotations

import re
from typing import Final

INPUT_SHARE_MIN: Final = 0.75
"""Below this share of the window the messages are not to blame: our ``max_tokens`` is."""

_NUMBER = r"(\d[\d,]{0,11})"
_WINDOW = re.compile(
    r"(?:context (?:length|window|size|limit)(?: of only| of| is| for this model is|:)?|must be <=|"
    r"exceeds? (?:the )?(?:model's )?(?:maximum )?context (?:length|limit)(?: of)?|n_ctx\"?:?|"
    rf"max_model_len[ =]{{1,3}}|max_seq_len(?:gth)? \(?) ?\(?{_NUMBER}(?![\d,]| \+)"
    rf"|> {_NUMBER}(?= ?[-,)(. ]|$)|with {_NUMBER} maximum context length"
)
_INPUT = (
    re.compile(
        rf"\(?{_NUMBER} (?:tokens )?(?:in|from|of) (?:the |your )?(?:input )?(?:messages?|prompt|text input|text|input)"
    ),
    re.compile(
        r"(?:request has|prompt contains(?: at least)?|messages resulted in|input (?:tokens )?length:?|prompt length:?|"
        rf"given:|n_prompt_tokens\"?:?|prompt_tokens \(?) ?{_NUMBER}"
    ),
    re.compile(rf"{_NUMBER} (?:input tokens|'inputs' tokens|prompt tokens)"),
    re.compile(rf"limit: {_NUMBER} \+ "),
)


def input_fills_window(text: str) -> bool | None:
    """Tell whether the messages alone fill most of the window; None where the words do not say."""
    window = _first_number(_WINDOW, text)
    if not window:
        return None
    for pattern in _INPUT:
        tokens = _first_number(pattern, text)
        if tokens is not None:
            return tokens >= INPUT_SHARE_MIN * window
    return None


def _first_number(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    if match is None:
        return None
    digits = next(group for group in match.groups() if group)
    return int(digits.replace(",", ""))
