"""What a model said, read from one JSON answer; and the pieces that a streamed one shares with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from ironleaf.services.engines.vision_language.trouble import AnswerUnusable, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonObject = dict[str, Any]

BODY_CHARACTERS_MAX: Final = 65_536
"""Kept of an unusable answer, for the classifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One complete answer. Private: the text is page content."""

    text: str
    finish_reason: str | None
    """None where a unary answer named none."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    refusal: str | None = None
    """What the protocol's own field for refusals says."""
    aborted: str | None = None
    """Why the stream was cut by us, where it was."""


def read_completion(raw: bytes) -> Completion:
    """Return the answer in a JSON body.

    Raises:
        AnswerUnusable: it is not JSON, an error, or holds no answer.
    """
    kept = keep_words(raw)
    try:
        payload: object = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise AnswerUnusable(Trouble.NOT_JSON, body=kept) from None
    body = as_object(payload)
    if has_error(payload):
        raise AnswerUnusable(Trouble.ERROR_EVENT, body=kept)
    choice = first_choice(body)
    message = as_object(choice.get("message"))
    text = read_content(message.get("content", choice.get("text")))
    refusal = as_text(message.get("refusal"))
    if text is None and refusal is None:
        raise AnswerUnusable(Trouble.NO_CONTENT, body=kept)
    prompt_tokens, completion_tokens = read_usage(body)
    return Completion(
        text=text or "",
        finish_reason=as_text(choice.get("finish_reason")),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        refusal=refusal,
    )


def has_error(payload: object) -> bool:
    """Tell whether a decoded body or event is an error: by its ``error``, or because it is nothing we asked for."""
    body = as_object(payload)
    if body.get("error"):
        return True
    return not isinstance(body.get("choices"), list) and "usage" not in body


def first_choice(body: Mapping[str, Any]) -> JsonObject:
    """Return the first of ``choices``, or an empty object."""
    choices = body.get("choices")
    return as_object(cast("list[object]", choices)[0]) if isinstance(choices, list) and choices else {}


def read_usage(body: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return prompt and completion tokens, where they are counted."""
    usage = as_object(body.get("usage"))
    return _as_count(usage.get("prompt_tokens")), _as_count(usage.get("completion_tokens"))


def read_content(value: object) -> str | None:
    """Return content that is a text or a list of text parts; None if there is none."""
    if isinstance(value, list):
        parts = [as_text(as_object(item).get("text")) or "" for item in cast("list[object]", value)]
        return "".join(parts) if parts else None
    return as_text(value)


def as_object(value: object) -> JsonObject:
    """Return ``value`` if it is a JSON object, else an empty one."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def as_text(value: object) -> str | None:
    """Return ``value`` if it is a text."""
    return value if isinstance(value, str) else None


def keep_words(raw: bytes) -> str:
    """Return the beginning of a body as text."""
    return raw[:BODY_CHARACTERS_MAX].decode("utf-8", "replace")


def _as_count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
