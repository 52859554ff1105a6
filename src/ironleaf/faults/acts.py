"""What a faulty server does with a call: the behaviours behind the names in `scenarios`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from ironleaf.faults.answers import STREAM_END, make_event, make_events, make_unary
from ironleaf.faults.canaries import ADDRESS, DSN, HOST, PATH, PID, UID
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


async def answer_well(exchange: Exchange) -> None:
    """Answer as a healthy server does."""
    if exchange.latency_s > 0:
        await exchange.clock.sleep(exchange.latency_s)
    await exchange.answer(exchange.told())


# --- the connection -------------------------------------------------------------------------------------------------


async def never_reached(exchange: Exchange) -> None:
    exchange.reset()


async def reset(exchange: Exchange) -> None:
    exchange.reset()


async def stay_silent(exchange: Exchange) -> None:
    await exchange.wait_left()


async def fall_silent(exchange: Exchange) -> None:
    await exchange.start_stream(content_type=_natural_type(exchange))
    await exchange.wait_left()


async def drip(exchange: Exchange) -> None:
    await exchange.start_stream(content_type=_natural_type(exchange))
    for byte in _good_body(exchange):
        await exchange.write(bytes((byte,)))
        await exchange.clock.sleep(DRIP_INTERVAL_S)
    exchange.cut()


async def cut_body(exchange: Exchange) -> None:
    body = _good_body(exchange)
    await exchange.send(200, body[: len(body) // 2], content_type=_natural_type(exchange), length=len(body))
    exchange.cut()


async def cut_stream(exchange: Exchange) -> None:
    if not exchange.call.streamed:
        return await cut_body(exchange)
    await exchange.start_stream()
    events = _good_events(exchange)
    await exchange.write(b"".join(events[:2]) + events[2][:20])
    return exchange.cut()


async def send_endless_headers(exchange: Exchange) -> None:
    exchange.ended = True
    await exchange.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(HEADER_LINES_MAX):
        await exchange.write(f"x-canary-{number}: {PATH}\r\n".encode())
    exchange.cut()


async def send_huge_body(exchange: Exchange) -> None:
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


def refuse_as_fastapi(status: int, text: str, headers: Mapping[str, str] | None = None) -> Act:
    """Xinference and other FastAPI servers."""

    async def act(exchange: Exchange) -> None:
        await exchange.send_json(status, {"detail": text}, headers=headers)

    return act


def refuse_as_openai(
    status: int, message: str, kind: str, code: object, headers: Mapping[str, str] | None = None
) -> Act:
    """OpenAI and its imitators."""

    async def act(exchange: Exchange) -> None:
        error = {"message": message, "type": kind, "param": None, "code": code}
        await exchange.send_json(status, {"error": error}, headers=headers)

    return act


def send_page(status: int, title: str, content_type: str = "text/html") -> Act:
    """Proxies in front of model servers."""
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{HOST} via {ADDRESS}</p></body></html>"

    async def act(exchange: Exchange) -> None:
        await exchange.send(status, body.encode(), content_type=content_type)

    return act


def refuse_in_words(status: int, text: str) -> Act:
    async def act(exchange: Exchange) -> None:
        await exchange.send(status, text.encode(), content_type="text/plain; charset=utf-8")

    return act


async def send_picture(exchange: Exchange) -> None:
    body = b"\x89PNG\r\n\x1a\n" + PATH.encode() + bytes(64)
    await exchange.send(200, body, content_type="image/png")


async def redirect_to_itself(exchange: Exchange) -> None:
    headers = {"location": exchange.call.path, "x-served-by": HOST}
    await exchange.send(307, b"", content_type="text/plain", headers=headers)


async def repeat_request(exchange: Exchange) -> None:
    item = {
        "type": "model_attributes_type",
        "loc": ["body"],
        "msg": f"bad input at {PATH}",
        "input": exchange.call.body,
    }
    await exchange.send_json(422, {"detail": [item]})


STACK: Final = (
    "Internal Server Error: Traceback (most recent call last):\n"
    f'  File "{PATH}", line 218, in generate\n    row = connect("{DSN}")\n'
    f"OperationalError: connection to {HOST} ({ADDRESS}) refused, {PID}"
)

# --- successes that are none ----------------------------------------------------------------------------------------


def say(text: str, finish_reason: str = "stop") -> Act:
    async def act(exchange: Exchange) -> None:
        await exchange.answer(replace(exchange.told(text), finish_reason=finish_reason))

    return act


async def answer_null(exchange: Exchange) -> None:
    await exchange.answer(replace(exchange.told(), text=None))


async def answer_without_choices(exchange: Exchange) -> None:
    await exchange.answer(replace(exchange.told(), has_choices=False))


async def answer_truncated(exchange: Exchange) -> None:
    body = make_unary(exchange.told(), model=UID)
    await exchange.send(200, body[: len(body) * 2 // 3])


async def answer_error_object(exchange: Exchange) -> None:
    message = f"[address={ADDRESS}, {PID}] worker failed at {PATH}"
    await exchange.send_json(200, {"error": {"message": message, "type": "InternalServerError", "code": 500}})


async def answer_prompt(exchange: Exchange) -> None:
    await exchange.answer(exchange.told(exchange.call.prompt))


async def ignore_image(exchange: Exchange) -> None:
    told = exchange.told("A quiet harbour at dawn, with three boats and a lighthouse.")
    await exchange.answer(replace(told, prompt_tokens=exchange.text_tokens))


async def stream_error_event(exchange: Exchange) -> None:
    if not exchange.call.streamed:
        return await answer_error_object(exchange)
    await exchange.start_stream()
    message = f"The engine stopped. See {PATH} on {HOST} ({PID})."
    error = {"error": {"message": message, "type": "InternalServerError", "param": None, "code": 500}}
    await exchange.write(b"".join(_good_events(exchange)[:2]) + make_event(error) + STREAM_END)
    return exchange.cut()


async def stop_without_finish(exchange: Exchange) -> None:
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


async def answer_late(exchange: Exchange) -> None:
    await exchange.clock.sleep((exchange.latency_s or USUAL_LATENCY_S) * SLOW_FACTOR)
    await exchange.answer(exchange.told())
