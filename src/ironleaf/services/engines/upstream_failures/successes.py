"""Answers with a status of success that are none.

A 200 may hold an error object, an HTML page, half a JSON document, a stream that
ends in the middle, an empty answer, or an error's text where the page's should be.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, cast

from ironleaf.services.engines.upstream_failures.base import FailureKind
from ironleaf.services.engines.upstream_failures.outcome import Outcome, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.services.engines.upstream_failures.base import UpstreamAnswer
    from ironleaf.services.engines.upstream_failures.evidence import Evidence

Judgement = tuple[str, Outcome]
"""The deciding rule's name and what it means."""

STREAM_EVENTS_MAX: Final = 20_000
"""More events than any page of text has; the rest of a stream is not looked at."""
JSON_CHARACTERS_MAX: Final = 4_000_000
"""Longer bodies are judged by their words alone."""

ERROR_TEXT_CHARACTERS_MAX: Final = 600
"""A page of text may begin with the word "error"; a short answer that does is one."""

_ERROR_TEXT = re.compile(
    r"(?:\*\*)?(?:error(?: code)?\b[: ]|internal server error|http \d{3}|traceback|an error occurred|request failed|"
    r"\d{3} (?:bad|internal|service|gateway|too many)|<html|<!doctype|upstream|请求失败|服务(?:器)?(?:错误|异常))"
)
_FILTERED: Final = frozenset({"content_filter", "safety", "recitation", "prohibited_content", "blocklist", "sensitive"})
_PROTOCOL: Final = outcome_of(FailureKind.PROTOCOL)
_STREAM = re.compile(r"^data:[ \t]*(?:\{|\[DONE\])", re.MULTILINE)
_DATA_LINE = re.compile(r"^data:[ \t]*(\{[^\n]*)$", re.MULTILINE)

Fields = dict[str, object]


def judge_success(answer: UpstreamAnswer, evidence: Evidence) -> Judgement | None:
    """Return the verdict on an answer that claims success, or None where its words must be judged by the rules."""
    if answer.exception or not (answer.http_status is None or claims_success(answer.http_status)):
        return None
    body = answer.body.strip()
    if not body:
        return None if answer.http_status is None else ("success-empty", _PROTOCOL)
    if _STREAM.search(body[:4_096]):
        return _judge_stream(body)
    document = _parse(body)
    if document is not None:
        return _judge_document(document)
    return _judge_words(body, evidence)


def claims_success(status: int | None) -> bool:
    """Tell whether HTTP itself announced no error; False where there was no answer."""
    return status is not None and 200 <= status <= 399  # noqa: PLR2004


def _parse(text: str) -> Fields | None:
    if len(text) > JSON_CHARACTERS_MAX or not text.startswith("{"):
        return None
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("Fields", value) if isinstance(value, dict) else None


def _judge_words(body: str, evidence: Evidence) -> Judgement | None:
    if evidence.status is None or evidence.inner_status is not None:
        return None
    if body.startswith(("{", "[")) and "error" not in evidence.text[:400] and "message" not in evidence.text[:400]:
        return "success-cut-json", _PROTOCOL
    if '"choices"' in body[:2_000]:
        return "success-cut-json", _PROTOCOL
    if evidence.is_html and not re.search(r"gateway|unavailable|time-?out|too large|error", evidence.text[:600]):
        return "success-html", _PROTOCOL
    return None


def _judge_document(document: Fields) -> Judgement | None:
    if document.get("error") or document.get("detail"):
        return None
    choices = document.get("choices")
    if not isinstance(choices, list):
        return None
    if not choices:
        return "success-without-choices", _PROTOCOL
    return _judge_choice(cast("list[object]", choices)[0])


def _judge_choice(choice: object) -> Judgement:
    if not isinstance(choice, dict):
        return "success-without-choices", _PROTOCOL
    fields = cast("Fields", choice)
    if str(fields.get("finish_reason")).lower() in _FILTERED:
        return "success-filtered", outcome_of(FailureKind.CONTENT_FILTERED)
    message = fields.get("message")
    content = cast("Fields", message).get("content") if isinstance(message, dict) else fields.get("text")
    if not content:
        return "success-without-content", _PROTOCOL
    if _reads_like_an_error(content):
        return "success-error-text", _PROTOCOL
    return "success-usable", outcome_of(FailureKind.UNKNOWN)


def _reads_like_an_error(content: object) -> bool:
    text = str(content).strip().lower()
    return len(text) <= ERROR_TEXT_CHARACTERS_MAX and _ERROR_TEXT.match(text) is not None


def _judge_stream(body: str) -> Judgement | None:
    finished = answered = False
    for event in _events(body):
        if _tells_of_an_error(event):
            return None
        choices = event.get("choices")
        answered = answered or bool(choices)
        first = cast("list[object]", choices)[0] if isinstance(choices, list) and choices else None
        reason = cast("Fields", first).get("finish_reason") if isinstance(first, dict) else None
        if str(reason).lower() in _FILTERED:
            return "success-filtered", outcome_of(FailureKind.CONTENT_FILTERED)
        finished = finished or bool(reason)
    if not answered:
        return None  # another protocol's stream: its words are all there is
    # Whatever [DONE] says: without a finish reason the stream was cut.
    return ("success-usable", outcome_of(FailureKind.UNKNOWN)) if finished else ("stream-without-finish", _PROTOCOL)


def _tells_of_an_error(event: Fields) -> bool:
    # Some vendors send no error object but a number and words where the choices would be.
    told = (event.get(key) for key in ("error", "error_code", "error_msg", "base_resp", "code"))
    return bool(event.get("error")) or (not event.get("choices") and any(told))


def _events(body: str) -> Iterator[Fields]:
    for count, match in enumerate(_DATA_LINE.finditer(body)):
        if count >= STREAM_EVENTS_MAX:
            return
        event = _parse(match[1].strip())
        if event is not None:
            yield event
