"""Every fault that the faulty model server can play, by name.

The bodies are inventions in the shapes that real servers use; each carries some
of the `CANARIES`, so that a test for leaks has something to find.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ironleaf.faults.answers import STREAM_END, make_event, make_events, make_unary
from ironleaf.faults.canaries import ACCOUNT, ADDRESS, DSN, HOST, KEY, PATH, PID, UID
from ironleaf.faults.exchange import Exchange

Act = Callable[[Exchange], Awaitable[None]]

SLOW_FACTOR: Final = 100
USUAL_LATENCY_S: Final = 0.02
"""What counts as usual for a server that was given no latency."""
DRIP_INTERVAL_S: Final = 0.05
"""Between two bytes: fast enough to keep a read timeout from firing, far too slow to be of use."""
HUGE_BODY_BYTES: Final = 64 * 1024 * 1024
"""Several times what a client may take as an answer."""
HEADER_LINES_MAX: Final = 100_000
"""A client that reads so many header lines has no limit."""
FLAP_PERIOD: Final = 3
ONE_IN: Final = 5


class Reach(StrEnum):
    """How far a client gets; decides the server's address and whether it listens."""

    ANSWERED = "answered"
    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to fail."""

    name: str
    description: str
    act: Act
    reach: Reach = Reach.ANSWERED


async def answer_well(exchange: Exchange) -> None:
    """Answer as a healthy server does."""
    if exchange.latency_s > 0:
        await exchange.clock.sleep(exchange.latency_s)
    await exchange.answer(exchange.told())


# --- the connection -------------------------------------------------------------------------------------------------


async def _never_reached(exchange: Exchange) -> None:
    exchange.reset()


async def _reset(exchange: Exchange) -> None:
    exchange.reset()


async def _silent_before_headers(exchange: Exchange) -> None:
    await exchange.wait_left()


async def _silent_after_headers(exchange: Exchange) -> None:
    await exchange.start_stream(content_type=_natural_type(exchange))
    await exchange.wait_left()


async def _slow_drip(exchange: Exchange) -> None:
    await exchange.start_stream(content_type=_natural_type(exchange))
    for byte in _good_body(exchange):
        await exchange.write(bytes((byte,)))
        await exchange.clock.sleep(DRIP_INTERVAL_S)
    exchange.cut()


async def _cut_body(exchange: Exchange) -> None:
    body = _good_body(exchange)
    await exchange.send(200, body[: len(body) // 2], content_type=_natural_type(exchange), length=len(body))
    exchange.cut()


async def _cut_stream(exchange: Exchange) -> None:
    if not exchange.call.streamed:
        return await _cut_body(exchange)
    await exchange.start_stream()
    events = _good_events(exchange)
    await exchange.write(b"".join(events[:2]) + events[2][:20])
    return exchange.cut()


async def _endless_headers(exchange: Exchange) -> None:
    exchange.ended = True
    await exchange.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(HEADER_LINES_MAX):
        await exchange.write(f"x-canary-{number}: {PATH}\r\n".encode())
    exchange.cut()


async def _huge_body(exchange: Exchange) -> None:
    await exchange.start_stream(content_type="application/json")
    await exchange.write(b'{"choices":[{"message":{"content":"')
    block = b"A" * 65_536
    for _ in range(HUGE_BODY_BYTES // len(block)):
        await exchange.write(block)
    exchange.cut()


def _natural_type(exchange: Exchange) -> str:
    return "text/event-stream" if exchange.call.streamed else "application/json"


def _good_events(exchange: Exchange) -> list[bytes]:
    return make_events(exchange.told(), model=UID, with_usage=True)


def _good_body(exchange: Exchange) -> bytes:
    return b"".join(_good_events(exchange)) if exchange.call.streamed else make_unary(exchange.told(), model=UID)


# --- whole answers that refuse --------------------------------------------------------------------------------------


def _detail(status: int, text: str, headers: Mapping[str, str] | None = None) -> Act:
    """Xinference and other FastAPI servers."""

    async def act(exchange: Exchange) -> None:
        await exchange.send_json(status, {"detail": text}, headers=headers)

    return act


def _envelope(status: int, message: str, kind: str, code: object, headers: Mapping[str, str] | None = None) -> Act:
    """OpenAI and its imitators."""

    async def act(exchange: Exchange) -> None:
        error = {"message": message, "type": kind, "param": None, "code": code}
        await exchange.send_json(status, {"error": error}, headers=headers)

    return act


def _page(status: int, title: str, content_type: str = "text/html") -> Act:
    """Proxies in front of model servers."""
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{HOST} via {ADDRESS}</p></body></html>"

    async def act(exchange: Exchange) -> None:
        await exchange.send(status, body.encode(), content_type=content_type)

    return act


def _text(status: int, text: str) -> Act:
    async def act(exchange: Exchange) -> None:
        await exchange.send(status, text.encode(), content_type="text/plain; charset=utf-8")

    return act


async def _wrong_content_type(exchange: Exchange) -> None:
    body = b"\x89PNG\r\n\x1a\n" + PATH.encode() + bytes(64)
    await exchange.send(200, body, content_type="image/png")


async def _redirect_loop(exchange: Exchange) -> None:
    headers = {"location": exchange.call.path, "x-served-by": HOST}
    await exchange.send(307, b"", content_type="text/plain", headers=headers)


async def _echo_input(exchange: Exchange) -> None:
    item = {
        "type": "model_attributes_type",
        "loc": ["body"],
        "msg": f"bad input at {PATH}",
        "input": exchange.call.body,
    }
    await exchange.send_json(422, {"detail": [item]})


_TRACE: Final = (
    "Internal Server Error: Traceback (most recent call last):\n"
    f'  File "{PATH}", line 218, in generate\n    row = connect("{DSN}")\n'
    f"OperationalError: connection to {HOST} ({ADDRESS}) refused, {PID}"
)

# --- successes that are none ----------------------------------------------------------------------------------------


def _says(text: str, finish_reason: str = "stop") -> Act:
    async def act(exchange: Exchange) -> None:
        await exchange.answer(replace(exchange.told(text), finish_reason=finish_reason))

    return act


async def _null(exchange: Exchange) -> None:
    await exchange.answer(replace(exchange.told(), text=None))


async def _no_choices(exchange: Exchange) -> None:
    await exchange.answer(replace(exchange.told(), has_choices=False))


async def _truncated_json(exchange: Exchange) -> None:
    body = make_unary(exchange.told(), model=UID)
    await exchange.send(200, body[: len(body) * 2 // 3])


async def _error_object(exchange: Exchange) -> None:
    message = f"[address={ADDRESS}, {PID}] worker failed at {PATH}"
    await exchange.send_json(200, {"error": {"message": message, "type": "InternalServerError", "code": 500}})


async def _echo_prompt(exchange: Exchange) -> None:
    await exchange.answer(exchange.told(exchange.call.prompt))


async def _image_ignored(exchange: Exchange) -> None:
    told = exchange.told("A quiet harbour at dawn, with three boats and a lighthouse.")
    await exchange.answer(replace(told, prompt_tokens=exchange.text_tokens))


async def _stream_error_event(exchange: Exchange) -> None:
    if not exchange.call.streamed:
        return await _error_object(exchange)
    await exchange.start_stream()
    message = f"The engine stopped. See {PATH} on {HOST} ({PID})."
    error = {"error": {"message": message, "type": "InternalServerError", "param": None, "code": 500}}
    await exchange.write(b"".join(_good_events(exchange)[:2]) + make_event(error) + STREAM_END)
    return exchange.cut()


async def _stream_done_without_finish(exchange: Exchange) -> None:
    if not exchange.call.streamed:
        return await exchange.answer(replace(exchange.told(), finish_reason=None))
    await exchange.start_stream()
    await exchange.write(b"".join(_good_events(exchange)[:3]) + STREAM_END)
    return exchange.cut()


# --- now and then ---------------------------------------------------------------------------------------------------


def flap(act: Act, *, period: int = FLAP_PERIOD) -> Act:
    """Return an act that fails ``period`` times, answers well ``period`` times, and so on."""

    async def flapping(exchange: Exchange) -> None:
        is_bad = (exchange.number - 1) // period % 2 == 0
        await (act if is_bad else answer_well)(exchange)

    return flapping


def fail_one_in(every: int, act: Act) -> Act:
    """Return an act that fails at every ``every``-th call and answers the others well."""

    async def now_and_then(exchange: Exchange) -> None:
        await (act if exchange.number % every == 0 else answer_well)(exchange)

    return now_and_then


async def _slow(exchange: Exchange) -> None:
    await exchange.clock.sleep((exchange.latency_s or USUAL_LATENCY_S) * SLOW_FACTOR)
    await exchange.answer(exchange.told())


_OVERLOAD: Final = _envelope(503, f"no free slot on {HOST}", "ServiceUnavailable", 503)
_GONE: Final = f"[address={ADDRESS}, {PID}] Model not found"

_ALL: Final[tuple[Fault, ...]] = (
    Fault(name="ok", description="answers well", act=answer_well),
    Fault(name="refused", description="nothing listens", act=_never_reached, reach=Reach.REFUSED),
    Fault(name="reset", description="RST once the request is in", act=_reset),
    Fault(name="silent-before-headers", description="takes the request, never answers", act=_silent_before_headers),
    Fault(name="silent-after-headers", description="sends a head, then nothing", act=_silent_after_headers),
    Fault(name="slow-drip", description="one byte at a time, for ever", act=_slow_drip),
    Fault(name="cut-body", description="half of the promised body, then the end", act=_cut_body),
    Fault(name="cut-stream", description="a stream that ends in the middle of an event", act=_cut_stream),
    Fault(name="dns", description="a host name that does not exist", act=_never_reached, reach=Reach.DNS),
    Fault(name="tls", description="plain text where TLS is expected", act=_never_reached, reach=Reach.TLS),
    Fault(name="wrong-content-type", description="200 with a picture", act=_wrong_content_type),
    Fault(name="huge-body", description="200 with a body without end", act=_huge_body),
    Fault(name="endless-headers", description="header lines without end", act=_endless_headers),
    Fault(name="redirect-loop", description="307 to itself", act=_redirect_loop),
    Fault(name="400-model-gone", description="the replica is lost", act=_detail(400, f"{_GONE}, uid: {UID}")),
    Fault(
        name="404-model-gone",
        description="the model is not served",
        act=_envelope(404, f"The model `{UID}` does not exist at {ADDRESS}.", "NotFoundError", 404),
    ),
    Fault(
        name="400-bad-key",
        description="a refused key under 400",
        act=_envelope(400, f"API key not valid: {KEY}.", "INVALID_ARGUMENT", 400),
    ),
    Fault(
        name="400-unpaid",
        description="an unpaid account under 400",
        act=_envelope(400, f"Access denied: account {ACCOUNT} is in arrears.", "Arrearage", "Arrearage"),
    ),
    Fault(
        name="401",
        description="the key is refused",
        act=_envelope(401, f"Incorrect API key provided: {KEY}.", "invalid_request_error", "invalid_api_key"),
    ),
    Fault(
        name="402",
        description="no balance left",
        act=_envelope(402, f"Insufficient balance on {ACCOUNT}.", "insufficient_balance", 402),
    ),
    Fault(
        name="403-region",
        description="the country is not served",
        act=_envelope(403, f"Country not supported ({ADDRESS}).", "request_forbidden", "unsupported_country"),
    ),
    Fault(
        name="404-no-images",
        description="the model takes no images",
        act=_envelope(404, f"No endpoints found that support image input ({UID}).", "not_found", 404),
    ),
    Fault(name="408", description="the server gave up waiting", act=_detail(408, f"Request timed out on {HOST}")),
    Fault(
        name="413-rate-tier",
        description="larger than the account's token rate",
        act=_envelope(
            413,
            f"Request too large for {UID} in {ACCOUNT} on tokens per minute (TPM): Limit 6000, Requested 9120.",
            "tokens",
            "rate_limit_exceeded",
        ),
    ),
    Fault(name="422-echo", description="a validation error that repeats the request", act=_echo_input),
    Fault(
        name="429-rate",
        description="too many requests a minute",
        act=_envelope(429, f"Rate limit reached for {ACCOUNT}: 20 requests per minute.", "requests", "rate_limit"),
    ),
    Fault(
        name="429-quota",
        description="the plan's quota is used up",
        act=_envelope(
            429,
            f"You exceeded your current quota, check plan and billing of {ACCOUNT}.",
            "insufficient_quota",
            "insufficient_quota",
        ),
    ),
    Fault(
        name="429-overload",
        description="the engine is full",
        act=_envelope(429, f"The engine on {HOST} is overloaded, try again later.", "engine_overloaded_error", 429),
    ),
    Fault(
        name="429-retry-after-7",
        description="too many requests, come back in 7 s",
        act=_envelope(429, f"Rate limit reached for {ACCOUNT}.", "requests", "rate_limit", {"retry-after": "7"}),
    ),
    Fault(name="500-bad-image", description="500 for one input", act=_detail(500, "cannot identify image file")),
    Fault(name="500-stack", description="a stack and a DSN", act=_text(500, _TRACE)),
    Fault(
        name="500-stopping",
        description="the replica is stopping",
        act=_detail(500, f"[address={ADDRESS}, {PID}] Model {UID} is in stopping state"),
    ),
    Fault(name="502-html", description="a proxy's page", act=_page(502, "502 Bad Gateway")),
    Fault(name="503", description="no free slot", act=_OVERLOAD),
    Fault(name="504", description="a proxy's time-out page", act=_page(504, "504 Gateway Time-out")),
    Fault(
        name="529",
        description="overloaded, under a status of its own",
        act=_envelope(529, f"Overloaded ({HOST})", "overloaded_error", None),
    ),
    Fault(name="200-html", description="a log-in page", act=_page(200, "Sign in")),
    Fault(name="200-error-object", description="an error under 200", act=_error_object),
    Fault(name="200-empty", description="empty content", act=_says("")),
    Fault(name="200-no-choices", description="no choices at all", act=_no_choices),
    Fault(name="200-null", description="null content", act=_null),
    Fault(name="200-truncated-json", description="two thirds of a JSON body", act=_truncated_json),
    Fault(name="200-length", description="cut by max_tokens", act=_says("The text breaks off in the", "length")),
    Fault(name="200-loop", description="one line again and again", act=_says("Total amount due 17.00\n" * 400)),
    Fault(
        name="200-refusal",
        description="the model declines",
        act=_says("I'm sorry, but I can't assist with reading this document."),
    ),
    Fault(name="200-echo", description="the prompt as the answer", act=_echo_prompt),
    Fault(
        name="200-error-text",
        description="an error message as content",
        act=_says(f"Error: upstream connect error at {ADDRESS}, connection refused ({PATH})"),
    ),
    Fault(name="200-image-ignored", description="an answer without a look at the image", act=_image_ignored),
    Fault(name="stream-error-event", description="an error event inside a 200", act=_stream_error_event),
    Fault(
        name="stream-done-without-finish",
        description="[DONE] without a finish_reason",
        act=_stream_done_without_finish,
    ),
    Fault(name="flapping", description=f"{FLAP_PERIOD} bad, {FLAP_PERIOD} good, ...", act=flap(_OVERLOAD)),
    Fault(name="slow-100x", description=f"{SLOW_FACTOR} times the usual time", act=_slow),
    Fault(name="one-in-n", description=f"every {ONE_IN}th call fails", act=fail_one_in(ONE_IN, _OVERLOAD)),
)

FAULTS: Final[Mapping[str, Fault]] = {fault.name: fault for fault in _ALL}
"""Every fault by name; ``ok`` is the healthy server."""
