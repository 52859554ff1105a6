"""What a healthy OpenAI-compatible server says, unary and streamed; faults are deviations from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

WORDS_PER_EVENT: Final = 4
"""Real servers send one to a few tokens an event."""
STREAM_END: Final = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The content of one answer."""

    text: str | None
    """None: the message's content is null."""
    finish_reason: str | None = "stop"
    prompt_tokens: int
    has_choices: bool = True


def make_unary(told: Told, *, model: str) -> bytes:
    """Return the JSON body of one complete answer."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": told.text},
        "finish_reason": told.finish_reason,
    }
    return orjson.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [choice] if told.has_choices else [],
            "usage": _usage(told),
        }
    )


def make_events(told: Told, *, model: str, with_usage: bool) -> list[bytes]:
    """Return the answer as server-sent events, the final ``[DONE]`` included."""
    first = None if told.text is None else ""
    events = [_event(model, {"role": "assistant", "content": first}, None)] if told.has_choices else []
    events += [_event(model, {"content": piece}, None) for piece in _pieces(told.text)]
    if told.has_choices:
        events.append(_event(model, {}, told.finish_reason))
    if with_usage or not told.has_choices:
        events.append(make_event({"object": "chat.completion.chunk", "choices": [], "usage": _usage(told)}))
    return [*events, STREAM_END]


def make_event(payload: object) -> bytes:
    """Return one ``data:`` event."""
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def _event(model: str, delta: dict[str, str | None], finish_reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return make_event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": model, "choices": [choice]})


def _pieces(text: str | None) -> list[str]:
    if not text:
        return []
    words = text.split(" ")
    last = len(words) - 1
    tokens = [word if at == last else word + " " for at, word in enumerate(words)]
    return ["".join(tokens[at : at + WORDS_PER_EVENT]) for at in range(0, len(tokens), WORDS_PER_EVENT)]


def _usage(told: Told) -> dict[str, int]:
    completion_tokens = len((told.text or "").split())
    return {
        "prompt_tokens": told.prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": told.prompt_tokens + completion_tokens,
    }
