"""What vision-language models put around a page's text: fences, lead-ins and closing remarks."""

from __future__ import annotations

import re
from typing import Final

_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
# A fence around the whole answer. Other info strings (python, sql) mark a page of code: its fence stays.
_OPENING: Final = re.compile(
    r"[ \t]*(?:```|~~~)[ \t]*(?:markdown|md|text|txt|plain|plaintext|html|latex|ocr)?[ \t]*", re.IGNORECASE
)
_ENDING: Final = re.compile(r"[ \t]*(?:```|~~~)[ \t]*")
_LEAD_IN: Final = re.compile(
    r"\s*(?:"
    r"(?:(?:sure|certainly|of course|okay|ok|absolutely)[!,.:]\s*)?"
    r"(?:here(?:['’]s| is| are) (?:the|your|a)\b.{0,80}|"
    r"(?:the )?(?:extracted|transcribed|recogni[sz]ed) (?:text|content).{0,60}|"
    r"the (?:text|content) (?:in|of|on|from) (?:the|this) (?:image|page|document|picture).{0,40}):|"
    r"(?:sure|certainly|of course|absolutely)[!.]|"
    r"(?:(?:好的|当然|没问题)[，。！,!]\s*)?"
    r"(?:(?:以下|下面)(?:是|为).{0,40}|"
    r"(?:图片|图像|图中|该图|页面).{0,20}(?:文字|内容|文本).{0,12}(?:如下|是|为))[：:]|"
    r"(?:好的|当然|没问题)[，。！,!]"
    r")\s*",
    re.IGNORECASE,
)
_CLOSING: Final = re.compile(
    r"\s*(?:(?:please )?let me know if .{0,100}|(?:i )?hope this helps.{0,40}|feel free to ask.{0,80}|"
    r"如(?:果)?(?:您|你)?(?:还)?(?:有|需要).{0,40}(?:请(?:随时)?告诉我|随时(?:联系|告诉|问)我?).{0,10}|"
    r"希望(?:这)?对(?:您|你)有(?:所)?帮助[。！!]?)\s*",
    re.IGNORECASE,
)


def unwrap(text: str) -> str:
    """Return ``text`` without outer fences, lead-ins and closing remarks, however they are nested.

    If nothing would be left, ``text`` comes back as it was: then the wrapping is all
    there is, and judging that is verification's business.
    """
    lines = text.split("\n")
    first, end = _inner_lines(lines)
    inner = "\n".join(lines[first:end])
    return inner if inner.strip() else text


def _inner_lines(lines: list[str]) -> tuple[int, int]:
    first, end = 0, len(lines)
    fences = sum(_FENCE.match(line) is not None for line in lines)
    while first < end:
        if not lines[first].strip() or _LEAD_IN.fullmatch(lines[first]):
            first += 1
        elif not lines[end - 1].strip() or _CLOSING.fullmatch(lines[end - 1]):
            end -= 1
        elif taken := _fences_to_take(lines, first, end, fences):
            first, end, fences = first + 1, end - (taken - 1), fences - taken
        else:
            break
    return first, end


def _fences_to_take(lines: list[str], first: int, end: int, fences: int) -> int:
    """Return 2 for a fence around everything, 1 for one that a cut answer never closed, else 0."""
    if not _OPENING.fullmatch(lines[first]):
        return 0
    taken = 2 if end - first > 1 and _ENDING.fullmatch(lines[end - 1]) else 1
    # What stays must have its fences in pairs, or the outer one was not an outer one.
    return 0 if (fences - taken) % 2 else taken
