"""One call to a model server: sent, timed, read and, where it is no answer, described."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import orjson

from ironleaf.foundation.resilience import Silence
from ironleaf.foundation.traces import current_traceparent
from ironleaf.services.engines.upstream_failures.base import UpstreamAnswer
from ironleaf.services.engines.vision_language.body import RequestBody
from ironleaf.services.engines.vision_language.completion import (
    BODY_CHARACTERS_MAX,
    as_object,
    as_text,
    keep_words,
    read_completion,
)
from ironleaf.services.engines.vision_language.stream import BYTE_ORDER_MARK, Accumulator, Event, EventParser
from ironleaf.services.engines.vision_language.trouble import AnswerUnusable, CallFailed, TransportFailed, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from ironleaf.services.engines.vision_language.completion import Completion, JsonObject
    from ironleaf.services.engines.vision_language.settings import BackendSettings
    from ironleaf.services.engines.vision_language.transport import Reply, Transport

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
"""Four times the longest answer that `max_tokens` allows, at some 130 bytes of frame a token."""
LISTING_TIMEOUT_S: Final = 5.0
"""For ``/v1/models``: a list, not a computation."""
AFTER_FINISH_S: Final = 2.0
"""How long a stream may take to say its counts once the text is whole."""
AFTER_DONE_S: Final = 0.1
"""How long the body's end may then take; it mostly comes with ``[DONE]``."""
REFUSAL_BODY_S: Final = 2.0
"""For the body behind an error status; the status alone says most."""
MODELS_MAX: Final = 1_000
START_BYTES: Final = 6
"""The longest of the beginnings below."""
EVENT_STARTS: Final = (b"data:", b"event:", b":", b"id:", b"retry:")
HTTP_OK: Final = 200
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
TOLD_BY_BODY: Final = frozenset({Trouble.ERROR_EVENT, Trouble.NO_CONTENT, Trouble.INCOMPLETE_STREAM})
CHAT_PATH: Final = "chat/completions"
MODELS_PATH: Final = "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """One line of ``/v1/models``. Private: names of models are not for callers."""

    id: str
    families: tuple[str, ...] = ()
    """Other names that servers give for it: ``model_name``, ``model_family``, ``root``, ``parent``."""
    sees_images: bool | None = None
    """None where the server does not say."""


class ChatClient:
    """Asks one model server. Knows its protocol and nothing of pages."""

    def __init__(self, settings: BackendSettings, *, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport

    async def complete(
        self,
        body: RequestBody,
        *,
        stream: bool,
        total_s: float,
        watch: Callable[[str], str | None] | None = None,
        silence: Silence | None = None,
    ) -> Completion:
        """Return the model's answer, or what came of it until ``watch`` named a reason to stop.

        ``silence`` is told when the request goes out and when the first piece of an answer is in.
        The caller's trace goes along, if there is one. Cancelling cuts the connection at once.

        Raises:
            CallFailed: there is no usable answer within the time.
            ImageChanged: the spooled image was changed meanwhile.
            OSError: the spooled image cannot be read.
        """
        first_s = min(total_s, self._settings.first_token_timeout_s) if stream else total_s
        accept = "text/event-stream" if stream else "application/json"
        request = self._transport.request("POST", CHAT_PATH, body, accept=accept, traceparent=current_traceparent())
        silence = silence or Silence()
        silence.begin()
        async with _called(request, first_s=first_s, total_s=total_s) as (source, pause):
            start = await source.read_start()
            if start.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(EVENT_STARTS):
                return await self._follow(start, source, pause, Accumulator(watch), silence)
            completion = read_completion(start + await source.read_all())  # it cannot stream, or did not get so far
            silence.end()
            return completion

    async def list_models(self) -> tuple[ModelCard, ...]:
        """Return what the server says it serves; it may lie.

        Raises:
            CallFailed: there is no list.
        """
        request = self._transport.request("GET", MODELS_PATH)
        async with _called(request, first_s=LISTING_TIMEOUT_S, total_s=LISTING_TIMEOUT_S) as (source, _):
            return _read_cards(await source.read_all())

    async def launch_model(self, spec: Mapping[str, object], *, timeout_s: float) -> None:
        """Have the server load a model; it answers once the model is there.

        Raises:
            CallFailed: it did not, or not within the time.
        """
        request = self._transport.request("POST", MODELS_PATH, RequestBody(prefix=orjson.dumps(dict(spec))))
        async with _called(request, first_s=timeout_s, total_s=timeout_s) as (source, _):
            await source.read_all()

    async def _follow(
        self, start: bytes, source: _Source, pause: asyncio.Timeout, answer: Accumulator, silence: Silence
    ) -> Completion:
        parser = EventParser()
        chunk = start
        while chunk:
            if _take(parser.feed(chunk), answer):
                silence.end()
                pause.reschedule(asyncio.get_running_loop().time() + self._settings.between_tokens_timeout_s)
            if answer.is_done or answer.is_whole:
                break
            chunk = await source.read()
        else:
            _take(parser.finish(), answer)
        if answer.is_whole and not answer.is_aborted:
            pause.reschedule(None)
            await _take_rest(parser, source, answer)
        return answer.finish()


def _take(events: list[Event], answer: Accumulator) -> int:
    for event in events:
        if answer.is_done:
            break
        answer.take(event)
    return len(events)


async def _take_rest(parser: EventParser, source: _Source, answer: Accumulator) -> None:
    """Take the counts behind the text, and the end of the body, so that the connection can be used again."""
    clock = asyncio.get_running_loop()
    with contextlib.suppress(TransportFailed, TimeoutError):
        async with asyncio.timeout(AFTER_DONE_S if answer.is_done else AFTER_FINISH_S) as patience:
            while chunk := await source.read():
                _take(parser.feed(chunk), answer)
                if answer.is_done:
                    patience.reschedule(clock.time() + AFTER_DONE_S)


@contextlib.asynccontextmanager
async def _called(
    request: AbstractAsyncContextManager[Reply], *, first_s: float, total_s: float
) -> AsyncGenerator[tuple[_Source, asyncio.Timeout]]:
    """Open a call under two timers; whatever goes wrong inside leaves as `CallFailed`."""
    status, headers = None, dict[str, str]()
    total = asyncio.timeout(total_s)
    try:
        async with total, asyncio.timeout(first_s) as pause, request as reply:
            status, headers = reply.status, dict(reply.headers)
            if status != HTTP_OK:
                pause.reschedule(None)
                raise await _describe_refusal(reply)
            yield _Source(reply), pause
    except AnswerUnusable as error:
        answer = UpstreamAnswer(http_status=status, headers=headers, body=error.body, exception=_say(error.trouble))
        raise CallFailed(answer, trouble=error.trouble) from error
    except TransportFailed as error:
        proxy_status = error.http_status  # says more than the class of our own exception
        exception = None if proxy_status else error.trouble.value
        answer = UpstreamAnswer(http_status=proxy_status or status, headers=headers, exception=exception)
        raise CallFailed(answer, trouble=error.trouble) from error
    except TimeoutError as error:
        trouble = _which_timer(total)
        answer = UpstreamAnswer(http_status=status, headers=headers, exception=trouble.value)
        raise CallFailed(answer, trouble=trouble) from error


def _which_timer(total: asyncio.Timeout) -> Trouble:
    return Trouble.TOTAL_TIMEOUT if total.expired() else Trouble.READ_TIMEOUT


def _say(trouble: Trouble) -> str | None:
    # Where the body tells what happened, the class of our own exception would only speak over it.
    return None if trouble in TOLD_BY_BODY else trouble.value


class _Source:
    """A reply's body with a limit on it."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._seen_bytes = 0

    async def read(self) -> bytes:
        piece = await self._reply.read()
        self._seen_bytes += len(piece)
        if self._seen_bytes > ANSWER_BYTES_MAX:
            raise AnswerUnusable(Trouble.OVERSIZE, body="")
        return piece

    async def read_start(self) -> bytes:
        """Return enough to tell JSON from events, or all there is."""
        start = b""
        while len(start.lstrip()) < START_BYTES and (piece := await self.read()):
            start += piece
        return start

    async def read_all(self) -> bytes:
        pieces: list[bytes] = []
        while piece := await self.read():
            pieces.append(piece)
        return b"".join(pieces)


async def _describe_refusal(reply: Reply) -> CallFailed:
    """Return what a status other than 200 came with; a body that stalls or breaks off is kept as far as it went."""
    body = b""
    with contextlib.suppress(TransportFailed, TimeoutError):
        async with asyncio.timeout(REFUSAL_BODY_S):
            while len(body) < BODY_CHARACTERS_MAX and (piece := await reply.read()):
                body += piece
    trouble = Trouble.REDIRECTED if reply.status in REDIRECTS else None
    answer = UpstreamAnswer(
        http_status=reply.status,
        headers=dict(reply.headers),
        body=keep_words(body),
        exception=trouble.value if trouble else None,
    )
    return CallFailed(answer, trouble=trouble)


def _read_cards(raw: bytes) -> tuple[ModelCard, ...]:
    try:
        listed = as_object(orjson.loads(raw)).get("data")
    except orjson.JSONDecodeError:
        raise AnswerUnusable(Trouble.NOT_JSON, body=keep_words(raw)) from None
    if not isinstance(listed, list):
        raise AnswerUnusable(Trouble.NO_CONTENT, body=keep_words(raw))
    cards = (_read_card(as_object(item)) for item in cast("list[object]", listed)[:MODELS_MAX])
    return tuple(card for card in cards if card.id)


def _read_card(item: JsonObject) -> ModelCard:
    names = (as_text(item.get(key)) for key in ("model_name", "model_family", "root", "parent"))
    abilities = item.get("model_ability")
    return ModelCard(
        id=as_text(item.get("id")) or "",
        families=tuple(dict.fromkeys(name for name in names if name)),
        sees_images="vision" in cast("list[object]", abilities) if isinstance(abilities, list) else None,
    )
