"""Server-sent events, and the answer that they add up to.

Why not trust the stream's end: real servers send errors as ``data:`` inside a
200, and one of them closes with ``[DONE]`` after its engine has died. Only a
``finish_reason`` says that the text is whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from ironleaf.services.engines.vision_language.completion import (
    BODY_CHARACTERS_MAX,
    Completion,
    as_object,
    as_text,
    first_choice,
    has_error,
    read_content,
    read_usage,
)
from ironleaf.services.engines.vision_language.trouble import AnswerUnusable, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT_BYTES_MAX: Final = 1_048_576
"""One event carries one to a few tokens; a whole answer in one event still fits."""
END_MARK: Final = "[DONE]"
ERROR_EVENT_NAME: Final = "error"
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``name`` is empty where the server gave none."""

    name: str
    data: str


class EventParser:
    """Turns a byte stream into events, wherever the stream was cut into pieces.

    Comments are dropped; line ends may be LF, CRLF or CR; bytes that are no UTF-8
    are replaced.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held_bytes = 0
        self._at_start = True
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that ``chunk`` completes.

        Raises:
            AnswerUnusable: an event is larger than any real one.
        """
        self._pieces.append(chunk)
        self._held_bytes += len(chunk)
        if self._held_bytes > EVENT_BYTES_MAX + len(chunk):
            raise AnswerUnusable(Trouble.OVERSIZE, body="")
        if b"\n" not in chunk and b"\r" not in chunk and not self._ends_in_return():
            return []
        return self._take_lines()

    def finish(self) -> list[Event]:
        """Return the last event if only its closing blank line is missing; a half line is lost."""
        events = self.feed(b"\n") if self._ends_in_return() else []
        return [*events, *self._dispatch()]

    def _ends_in_return(self) -> bool:
        # A CR at the very end may be half of a CRLF: it is decided with the next chunk.
        return any(piece.endswith(b"\r") for piece in self._pieces[-2:])

    def _take_lines(self) -> list[Event]:
        raw = b"".join(self._pieces)
        if self._at_start:
            raw, self._at_start = raw.removeprefix(BYTE_ORDER_MARK), False
        held = b""
        if raw.endswith(b"\r"):
            raw, held = raw[:-1], b"\r"
        *lines, rest = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._pieces = [rest + held]
        events = [event for line in lines for event in self._take_line(line.decode("utf-8", "replace"))]
        self._held_bytes = len(self._pieces[0]) + sum(map(len, self._data))
        return events

    def _take_line(self, line: str) -> list[Event]:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        return []

    def _dispatch(self) -> list[Event]:
        event = Event(self._name, "\n".join(self._data))
        had_data = bool(self._data)
        self._name, self._data = "", []
        return [event] if had_data else []


class Accumulator:
    """Adds a streamed answer up, and notices when it is none."""

    def __init__(self, watch: Callable[[str], str | None] | None = None) -> None:
        self._watch = watch
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._finish_reason: str | None = None
        self._prompt_tokens: int | None = None
        self._completion_tokens: int | None = None
        self._has_content = False
        self._last_data = ""
        self._aborted: str | None = None
        self.is_done = False
        """True once nothing that follows could matter: ``[DONE]``, or the watch said stop."""

    @property
    def is_whole(self) -> bool:
        """True once a ``finish_reason`` came: only counts may follow."""
        return self._finish_reason is not None

    @property
    def is_aborted(self) -> bool:
        """True once the watch has said stop."""
        return self._aborted is not None

    def take(self, event: Event) -> None:
        """Add one event.

        Raises:
            AnswerUnusable: it is an error, or no JSON.
        """
        if event.data.strip() == END_MARK:
            self.is_done = True
            return
        self._last_data = event.data[:BODY_CHARACTERS_MAX]
        payload = self._decode(event)
        body = as_object(payload)
        choice = first_choice(body)
        if event.name == ERROR_EVENT_NAME or has_error(payload) or choice.get("error"):
            raise AnswerUnusable(Trouble.ERROR_EVENT, body=self._last_data)
        self._take_usage(*read_usage(body))
        self._finish_reason = as_text(choice.get("finish_reason")) or self._finish_reason
        delta = as_object(choice.get("delta")) or as_object(choice.get("message"))
        self._take_text(read_content(delta.get("content", choice.get("text"))))
        self._refusals.append(as_text(delta.get("refusal")) or "")

    def finish(self) -> Completion:
        """Return the answer.

        Raises:
            AnswerUnusable: the stream ended before the answer did, or there was nothing in it.
        """
        refusal = "".join(self._refusals) or None
        if self._aborted is None and self._finish_reason is None:
            raise AnswerUnusable(Trouble.INCOMPLETE_STREAM, body=f"data: {self._last_data}")
        if self._aborted is None and not self._has_content and refusal is None:
            raise AnswerUnusable(Trouble.NO_CONTENT, body=_retell(self._finish_reason))
        return Completion(
            text="".join(self._texts),
            finish_reason=self._finish_reason,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            refusal=refusal,
            aborted=self._aborted,
        )

    def _decode(self, event: Event) -> object:
        try:
            return orjson.loads(event.data)
        except orjson.JSONDecodeError:
            trouble = Trouble.ERROR_EVENT if event.name == ERROR_EVENT_NAME else Trouble.NOT_JSON
            raise AnswerUnusable(trouble, body=self._last_data) from None

    def _take_usage(self, prompt_tokens: int | None, completion_tokens: int | None) -> None:
        self._prompt_tokens = prompt_tokens or self._prompt_tokens
        self._completion_tokens = completion_tokens or self._completion_tokens

    def _take_text(self, text: str | None) -> None:
        if text is None:
            return
        self._has_content = True
        if not text:
            return
        self._texts.append(text)
        self._aborted = self._aborted or (self._watch(text) if self._watch else None)
        self.is_done = self.is_done or self._aborted is not None


def _retell(finish_reason: str | None) -> str:
    """Return an answer without content as a server that does not stream would have sent it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": None}, "finish_reason": finish_reason}
    return orjson.dumps({"choices": [choice]}).decode()
