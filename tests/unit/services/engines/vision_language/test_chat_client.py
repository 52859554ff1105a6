from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.services.engines.vision_language import client as client_module
from ironleaf.services.engines.vision_language.body import RequestBody
from ironleaf.services.engines.vision_language.client import ANSWER_BYTES_MAX, ChatClient
from ironleaf.services.engines.vision_language.trouble import CallFailed, TransportFailed, Trouble

if TYPE_CHECKING:
    from ironleaf.services.engines.vision_language.completion import Completion

pytestmark = pytest.mark.anyio
Make = Callable[..., Any]

TEXT = b'data: {"choices": [{"delta": {"content": "Text"}, "finish_reason": null}]}\n\n'
FINISH = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
COUNTS = b'data: {"choices": [], "usage": {"prompt_tokens": 9}}\n\n'
DONE = b"data: [DONE]\n\n"
UNARY = b'{"choices": [{"message": {"content": "Text"}, "finish_reason": "stop"}]}'
HANG = object()
CUT = object()


class ScriptedReply:
    """Gives its pieces one by one; may hang or break off."""

    def __init__(self, status: int, pieces: list[object]) -> None:
        self.status = status
        self.headers = {"x-server": "one"}
        self.pieces = pieces
        self.reads = 0

    async def read(self) -> bytes:
        self.reads += 1
        piece = self.pieces.pop(0) if self.pieces else b""
        if piece is HANG:
            await asyncio.get_running_loop().create_future()
        if piece is CUT:
            raise TransportFailed(Trouble.CUT)
        assert isinstance(piece, bytes)
        return piece


class ScriptedTransport:
    def __init__(self, reply: ScriptedReply) -> None:
        self.reply = reply
        self.is_left = False

    @contextlib.asynccontextmanager
    async def request(self, *_: object, **__: object) -> AsyncGenerator[ScriptedReply]:
        try:
            yield self.reply
        finally:
            self.is_left = True

    async def aclose(self) -> None:
        return None


@pytest.fixture
def call(make_settings: Make) -> Make:
    settings = make_settings(first_token_timeout_s=0.05, between_tokens_timeout_s=0.05)

    async def run(*pieces: object, status: int = 200, stream: bool = True, total_s: float = 5.0) -> Completion:
        transport = ScriptedTransport(ScriptedReply(status, list(pieces)))
        try:
            return await ChatClient(settings, transport=transport).complete(
                RequestBody(prefix=b"{}"), stream=stream, total_s=total_s
            )
        finally:
            assert transport.is_left

    return run


async def fail(call: Make, *pieces: object, **rest: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await call(*pieces, **rest)
    return caught.value


async def test_a_stream_is_read_to_its_counts(call: Make) -> None:
    completion = await call(TEXT[:9], TEXT[9:], FINISH + COUNTS, DONE)
    assert (completion.text, completion.prompt_tokens) == ("Text", 9)


@pytest.mark.parametrize("rest", [[HANG], [CUT], [], [COUNTS, HANG], [DONE, HANG], [DONE + b"rubbish"]])
async def test_a_whole_text_is_not_lost_to_what_happens_behind_it(
    call: Make, rest: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "AFTER_FINISH_S", 0.01)
    monkeypatch.setattr(client_module, "AFTER_DONE_S", 0.01)
    assert (await call(TEXT, FINISH, *rest)).text == "Text"


async def test_the_counts_behind_the_text_have_more_time_than_a_token(call: Make) -> None:
    assert client_module.AFTER_FINISH_S > 1
    assert (await call(TEXT, FINISH, COUNTS)).prompt_tokens == 9


@pytest.mark.parametrize("start", [b"", b": waiting\n\n", b"\xef\xbb\xbf"])
async def test_comments_and_marks_before_a_stream(call: Make, start: bytes) -> None:
    assert (await call(start + TEXT + FINISH)).text == "Text"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_server_that_does_not_stream_is_understood(call: Make, stream: bool) -> None:
    assert (await call(b"\n\n", UNARY[:20], UNARY[20:], stream=stream)).text == "Text"


@pytest.mark.parametrize(
    ("pieces", "trouble"),
    [
        ([HANG], Trouble.READ_TIMEOUT),
        ([b": keep-alive\n\n", HANG], Trouble.READ_TIMEOUT),
        ([TEXT, HANG], Trouble.READ_TIMEOUT),
        ([TEXT, b": keep-alive\n\n", HANG], Trouble.READ_TIMEOUT),
        ([TEXT, CUT], Trouble.CUT),
        ([TEXT, DONE], Trouble.INCOMPLETE_STREAM),
        ([TEXT], Trouble.INCOMPLETE_STREAM),
        ([b""], Trouble.NOT_JSON),
        ([TEXT, b'data: {"error": "gone"}\n\n', DONE], Trouble.ERROR_EVENT),
        ([b'{"error": "gone"}'], Trouble.ERROR_EVENT),
        ([b"x" * (ANSWER_BYTES_MAX + 1)], Trouble.OVERSIZE),
    ],
)
async def test_what_is_no_answer_is_named(call: Make, pieces: list[object], trouble: Trouble) -> None:
    error = await fail(call, *pieces)
    assert error.trouble is trouble
    assert error.answer.http_status == 200
    assert error.answer.headers == {"x-server": "one"}


async def test_the_whole_call_has_its_own_limit(call: Make) -> None:
    assert (await fail(call, HANG, total_s=0.02)).trouble is Trouble.TOTAL_TIMEOUT
    assert (await fail(call, HANG, total_s=0.02, stream=False)).trouble is Trouble.TOTAL_TIMEOUT


async def test_a_refusal_keeps_status_headers_and_words(call: Make) -> None:
    error = await fail(call, b'{"detail": ', b'"gone"}', status=404)
    assert (error.answer.http_status, error.answer.body) == (404, '{"detail": "gone"}')
    assert error.answer.exception is None


async def test_a_refusal_that_breaks_off_keeps_what_came(call: Make) -> None:
    assert (await fail(call, b'{"detail": ', CUT, status=503)).answer.body == '{"detail": '


async def test_a_refusal_that_stalls_keeps_what_came(call: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "REFUSAL_BODY_S", 0.1)  # longer than the time for a token
    error = await fail(call, b"busy", HANG, status=429)
    assert (error.answer.http_status, error.answer.body) == (429, "busy")


async def test_a_redirect_is_named(call: Make) -> None:
    error = await fail(call, status=302)
    assert (error.answer.http_status, error.trouble) == (302, Trouble.REDIRECTED)
