"""What arrives on the wire and is not a proper request: an answer from the catalogue or a plain close, in time."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

H = b"Host: s\r\n"

REFUSED = [
    pytest.param(b"NONSENSE / HTTP/1.1\r\n\r\n", 400, "malformed-request", id="unknown method"),
    pytest.param(b"GET\r\n\r\n", 400, "malformed-request", id="no target"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "malformed-request", id="TLS on a plain port"),
    pytest.param(b"GET /\x00a HTTP/1.1\r\n" + H + b"\r\n", 400, "malformed-request", id="NUL in the target"),
    pytest.param(b"GET /\xff HTTP/1.1\r\n" + H + b"\r\n", 400, "malformed-request", id="bytes above ASCII"),
    pytest.param(b"GET / HTTP/9.9\r\n" + H + b"\r\n", 505, "unsupported-http-version", id="unknown version"),
    pytest.param(b"GET / HTTP/2.0\r\n" + H + b"\r\n", 505, "unsupported-http-version", id="version 2 in words"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "unsupported-http-version", id="version 2 preface"),
    pytest.param(b"GET / HTTP/1.1\r\n" + H + b"Bad Name: x\r\n\r\n", 400, "malformed-header", id="space in a name"),
    pytest.param(b"GET / HTTP/1.1\r\n" + H + b"A: x\x00y\r\n\r\n", 400, "malformed-header", id="NUL in a value"),
    pytest.param(b"GET / HTTP/1.1\r\n" + H + b" folded\r\n\r\n", 400, "malformed-header", id="folded line"),
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, "malformed-header", id="no host"),
    pytest.param(b"GET / HTTP/1.1\r\n" + H + H + b"\r\n", 400, "malformed-header", id="two hosts"),
    pytest.param(b"POST /read HTTP/1.1\r\n" + H + b"Content-Length: ten\r\n\r\n", 400, "malformed-length", id="words"),
    pytest.param(
        b"POST /read HTTP/1.1\r\n" + H + b"Content-Length: -1\r\n\r\n", 400, "malformed-length", id="negative"
    ),
    pytest.param(
        b"POST /read HTTP/1.1\r\n" + H + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        400,
        "malformed-length",
        id="two lengths",
    ),
    pytest.param(
        b"POST /read HTTP/1.1\r\n" + H + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "malformed-length",
        id="length and chunks",
    ),
    pytest.param(
        b"POST /read HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        400,
        "malformed-chunking",
        id="bad chunk size",
    ),
    pytest.param(
        b"POST /read HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX\r\n",
        400,
        "malformed-chunking",
        id="bad chunk end",
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\n" + H + b"A: " + b"a" * 5000, 431, "request-header-too-large", id="one huge header"
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\n" + H + b"A: b\r\n" * 30 + b"\r\n", 431, "request-header-too-large", id="many headers"
    ),
    pytest.param(b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\n" + H + b"\r\n", 414, "uri-too-long", id="long target"),
    pytest.param(
        b"GET / HTTP/1.1\r\n" + H + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        400,
        "unsupported-upgrade",
        id="WebSocket",
    ),
    pytest.param(b"CONNECT a:80 HTTP/1.1\r\n" + H + b"\r\n", 400, "unsupported-upgrade", id="tunnel"),
    pytest.param(b"GET /hello HTTP/1.1\r\nHost: s\r\nX-Ha", 408, "request-timeout", id="half a head"),
    pytest.param(
        b"POST /read HTTP/1.1\r\n" + H + b"Content-Length: 10\r\n\r\nabc", 408, "body-stalled", id="half a body"
    ),
]


@pytest.mark.parametrize(("raw", "status", "reason"), REFUSED)
def test_a_bad_request_is_answered_from_the_catalogue(
    speak: Callable[..., list[Any]], raw: bytes, status: int, reason: str
) -> None:
    (reply,) = speak(raw)
    assert (reply.status, reply.reason) == (status, reason)
    body = json.loads(reply.body)
    assert body["code"] // 100 == status
    assert reply.headers["x-request-id"] == body["request_id"]
    assert reply.headers["connection"] == "close"
    assert "server" not in reply.headers


def test_a_refusal_speaks_the_language_of_headers_that_came_before_it(speak: Callable[..., list[Any]]) -> None:
    (reply,) = speak(b"GET / HTTP/1.1\r\nAccept-Language: zh\r\nAccept: application/problem+json\r\n\r\n")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["content-language"] == "zh"


def test_a_head_that_drips_is_not_waited_for(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=5) as connection:
        connection.settimeout(0.05)
        received = b""
        for byte in b"GET /hello HTTP/1.1\r\nHost: service\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyy":
            try:
                connection.sendall(bytes([byte]))
                received += connection.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
            if received:
                break
    assert b" 408 " in received


def test_a_connection_that_never_speaks_is_closed_without_a_word(speak: Callable[..., list[Any]]) -> None:
    assert speak() == []


def test_requests_in_a_row_and_pipelined_are_answered_in_order(speak: Callable[..., list[Any]]) -> None:
    get = b"GET /hello HTTP/1.1\r\n" + H + b"\r\n"
    post = b"POST /read HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\nabc"
    replies = speak(get + post + get, get, b"GET /hello HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n")
    assert [reply.body for reply in replies] == [b'"hello"', b"3", b'"hello"', b'"hello"', b'"hello"']


def test_a_bad_request_behind_a_good_one_does_not_take_its_answer(speak: Callable[..., list[Any]]) -> None:
    replies = speak(b"GET /hello HTTP/1.1\r\n" + H + b"\r\nNONSENSE / HTTP/1.1\r\n\r\n")
    assert replies[0].status == 200
    assert all(reply.reason == "malformed-request" for reply in replies[1:])


def test_an_upgrade_that_may_be_ignored_is_answered_as_plain_http(speak: Callable[..., list[Any]]) -> None:
    (reply,) = speak(b"GET /hello HTTP/1.1\r\n" + H + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n")
    assert reply.status == 200


def test_an_early_answer_arrives_while_the_client_still_sends(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"POST /refuse HTTP/1.1\r\n" + H + b"Content-Length: 500000\r\n\r\n" + b"x" * 100_000)
        assert b" 500 " in connection.recv(65_536)
        connection.sendall(b"x" * 400_000)


def test_what_is_sent_after_an_early_answer_has_an_end(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"POST /refuse HTTP/1.1\r\n" + H + b"Content-Length: 90000000\r\n\r\n")
        with pytest.raises(OSError):  # noqa: PT011, PT012 - reset or broken pipe, as the kernel has it
            for _ in range(90):
                connection.sendall(b"x" * 1_000_000)


def test_a_client_that_never_reads_does_not_hold_the_stream(address: tuple[str, int], flood_ended: Any) -> None:
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"GET /flood HTTP/1.1\r\n" + H + b"\r\n")
        assert flood_ended.wait(5)


def test_protocol_errors_are_heard_by_the_observer(speak: Callable[..., list[Any]], heard: list[Any]) -> None:
    heard.clear()
    speak(b"NONSENSE / HTTP/1.1\r\n\r\n")
    # A caller of an earlier test may be found gone only now.
    said = [(seen.entry.reason, seen.route) for seen in heard if seen.entry.reason != "client-closed"]
    assert said == [("malformed-request", "-")]
