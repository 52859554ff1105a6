"""The wall around the service as a process: real workers, a sick model server, bytes on a socket, files of logs."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from tests.faults.leaks.canaries import ADDRESS, ALL, DSN, HOME, KEY, PAGE_TEXT
from tests.faults.leaks.closed_lists import Expected
from tests.faults.leaks.doors import CARRYING_DOORS, FACES, READ_BACK, Face, Request
from tests.faults.leaks.scan import Answer, find_secrets
from tests.faults.leaks.seams import READ, VL_ALIAS, WALL_HOST
from tests.faults.leaks.wall import Tally
from tests.fixtures.service import Service, find_port, run_service

from ironleaf.application.settings import SettingsRefused, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SOCKET_S = 20.0
_HEAD = "Host: service.example\r\nConnection: close\r\n"
_CHUNKED = "POST /v1/convert HTTP/1.1\r\n" + _HEAD + "Transfer-Encoding: chunked\r\n\r\n"
RAW: dict[str, bytes] = {
    "no request": f"{KEY}\r\n\r\n".encode(),
    "method": f"CANARY{KEY} / HTTP/1.1\r\n{_HEAD}\r\n".encode(),
    "version": f"GET / HTTP/9.{KEY}\r\n{_HEAD}\r\n".encode(),
    "old version": f"GET /{KEY} HTTP/0.9\r\n{_HEAD}\r\n".encode(),
    "two": f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{KEY}".encode(),
    "header without a colon": f"GET / HTTP/1.1\r\n{_HEAD}{KEY}\r\n\r\n".encode(),
    "header with nul": f"GET / HTTP/1.1\r\n{_HEAD}x-a: {KEY}\0\r\n\r\n".encode(),
    "folded header": f"GET / HTTP/1.1\r\n{_HEAD}x-a: b\r\n {KEY}\r\n\r\n".encode(),
    "two lengths": f"POST /v1/convert HTTP/1.1\r\n{_HEAD}Content-Length: 3\r\nContent-Length: 4\r\n\r\n{KEY}".encode(),
    "length that is none": f"POST /v1/convert HTTP/1.1\r\n{_HEAD}Content-Length: {KEY}\r\n\r\n".encode(),
    "length and chunks": (
        f"POST / HTTP/1.1\r\n{_HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}".encode()
    ),
    "unknown coding": f"POST / HTTP/1.1\r\n{_HEAD}Transfer-Encoding: {KEY}\r\n\r\n".encode(),
    "bad chunk": f"{_CHUNKED}{KEY}\r\n{ALL}\r\n".encode(),
    "chunk with extension": f"{_CHUNKED}1;{KEY}={DSN}\r\nx\r\n0\r\n\r\n".encode(),
    "trailers": f"{_CHUNKED}1\r\nx\r\n0\r\nx-trailer: {KEY}\r\n\r\n".encode(),
    "long head": f"GET / HTTP/1.1\r\n{_HEAD}x-a: {ALL * 200}\r\n\r\n".encode(),
    "many headers": b"GET / HTTP/1.1\r\n" + _HEAD.encode() + f"x-a: {KEY}\r\n".encode() * 200 + b"\r\n",
    "long address": f"GET /{KEY * 900} HTTP/1.1\r\n{_HEAD}\r\n".encode(),
    "upgrade": f"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: {KEY}\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n".encode(),
    "upgrade to h2c": (
        f"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: {KEY}\r\n\r\n".encode()
    ),
    "tunnel": f"CONNECT {ADDRESS} HTTP/1.1\r\n{_HEAD}\r\n".encode(),
    "no host": f"GET /{KEY} HTTP/1.1\r\nConnection: close\r\n\r\n".encode(),
    "two hosts": f"GET / HTTP/1.1\r\n{_HEAD}Host: {KEY}\r\n\r\n".encode(),
    "absolute address": f"GET http://canary:canary-word@{ADDRESS}/{KEY} HTTP/1.1\r\n{_HEAD}\r\n".encode(),
    "star": f"OPTIONS * HTTP/1.1\r\n{_HEAD}x-a: {KEY}\r\n\r\n".encode(),
    "trace": f"TRACE /{KEY} HTTP/1.1\r\n{_HEAD}cookie: {KEY}\r\n\r\n".encode(),
    "expectation": f"GET /{KEY} HTTP/1.1\r\n{_HEAD}Expect: {KEY}\r\n\r\n".encode(),
    "high bytes": b"GET /\xff\xfe" + KEY.encode() + b" HTTP/1.1\r\n" + _HEAD.encode() + b"\r\n",
    "nul in the path": f"GET /%00{KEY} HTTP/1.1\r\n{_HEAD}\r\n".encode(),
    "bare line feeds": f"GET /{KEY} HTTP/1.1\nHost: a\nConnection: close\n\n".encode(),
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + KEY.encode(),
    "half a head": f"GET /{KEY} HTTP/1.1\r\nHost: a\r\nx-".encode(),
    "half a body": f"POST /v1/convert HTTP/1.1\r\n{_HEAD}Content-Length: 900\r\n\r\n{KEY}".encode(),
    "one after another": f"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n{KEY}\r\n\r\n".encode(),
    "nothing": b"",
}
UNFINISHED = frozenset({"half a head", "half a body", "nothing", "tls"})
"""Those for which the server would wait; the time limits have tests of their own."""


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service over a model server that answers with stacks and secrets."""
    port = find_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "ironleaf.faults.model_server", "--fault", "500-stack", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    backend = {
        "alias": VL_ALIAS,
        "base_url": f"http://127.0.0.1:{port}/v1",
        "model": "canary-vl-instruct-rep0",
        "api_key": KEY,
    }
    try:
        yield from run_service(
            tmp_path_factory.mktemp("sick"),
            IRONLEAF_ENGINES__VL__BACKENDS=json.dumps([backend]),
            IRONLEAF_ACCESS__ALLOWED_HOSTS=json.dumps([WALL_HOST, "a"]),
            IRONLEAF_WORKERS__RECOGNISERS="1",
            IRONLEAF_WORKERS__DECODERS="1",
        )
    finally:
        server.terminate()
        server.wait(timeout=10)


def test_nothing_gets_out_of_the_process(sick: Service) -> None:
    address = ("127.0.0.1", int(sick.url.rpartition(":")[2]))
    tally, closed = Tally(), 0
    for name, payload in RAW.items():
        answers = parse(speak(address, payload, leave=name in UNFINISHED))
        closed += not answers
        for answer in answers:
            tally.take(name, answer, Expected(language=None, problem=None), faulted=True)
    for number, door in enumerate(each for each in CARRYING_DOORS if each.name not in READ_BACK):
        request, face = door.make(), FACES[number % len(FACES)]
        for answer in parse(speak(address, write(request, face)), method=request.method):
            expected = Expected(
                language=None,  # a server refuses some before it has read what is wanted
                problem=None,
                filename=request.filename,
                texts=frozenset({READ, "■"}),  # as the embedded engine sees the black box
                aliases=frozenset({VL_ALIAS}),
            )
            tally.take(door.name, answer, expected, faulted=True)
    assert not tally.findings, tally.report()
    assert tally.responses + closed >= len(RAW) + len(CARRYING_DOORS) * 0.9, tally.report()
    assert sick.process.poll() is None
    tally.refused.clear()  # what the server refuses by itself has no record of its own in every case
    tally.read_logs(sick.directory / "logs")
    assert not tally.findings, tally.report()
    told = (sick.directory / "output.txt").read_text()
    assert not [secret for secret in (KEY, "canary-word", PAGE_TEXT) if secret in told]
    print(tally, f"{closed} closed without a word")  # noqa: T201


def speak(address: tuple[str, int], payload: bytes, *, leave: bool = False) -> bytes:
    """Send the bytes and return everything that comes; ``leave`` ends our side first."""
    received = b""
    with socket.create_connection(address, timeout=SOCKET_S) as connection:
        try:
            connection.sendall(payload)
            if leave:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65_536):
                received += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
    return received


def write(request: Request, face: Face) -> bytes:
    """Return the request as bytes."""
    target = quote(request.path, safe="/%") + (f"?{quote(request.query, safe='=&')}" if request.query else "")
    headers = {"Host": "service.example", "Connection": "close", **face.headers(), **request.headers}
    if request.body and not any(name.lower() == "content-length" for name in headers):
        headers["Content-Length"] = str(len(request.body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{request.method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + request.body


def parse(raw: bytes, *, method: str = "GET") -> list[Answer]:
    """Return the answers that stand in ``raw``, interim ones left out."""
    answers: list[Answer] = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        found = re.fullmatch(rb"HTTP/1\.1 (\d{3}) [A-Za-z '-]*", first)
        assert found, first
        headers = tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))
        status = int(found[1])
        if status < 200:
            continue
        body, raw = _take_body(headers, raw, method)
        answers.append(Answer(status=status, headers=headers, chunks=(body,), facts={"method": method}))
    return answers


def _take_body(headers: tuple[tuple[bytes, bytes], ...], raw: bytes, method: str) -> tuple[bytes, bytes]:
    named = {name.lower(): value for name, value in headers}
    if method == "HEAD":
        return b"", raw
    if named.get(b"transfer-encoding") == b"chunked":
        body = b""
        while True:
            size, _, raw = raw.partition(b"\r\n")
            length = int(size, 16)
            body, raw = body + raw[:length], raw[length + 2 :]
            if not length:
                return body, raw
    length = int(named.get(b"content-length", b"0"))
    return raw[:length], raw[length:]


REFUSED_SETTINGS: dict[str, str] = {
    "IRONLEAF_SERVER__PORT": KEY,
    "IRONLEAF_SERVER": KEY,
    "IRONLEAF_SERVER__ALLOW_PUBLIC": KEY,
    "IRONLEAF_ACCESS__REQUIRE_KEY": KEY,
    "IRONLEAF_ACCESS__ALLOWED_HOSTS": json.dumps([DSN]),
    "IRONLEAF_ACCESS__PUBLIC_URL": DSN,
    "IRONLEAF_ACCESS__TRUSTED_PROXIES": json.dumps([KEY]),
    "IRONLEAF_LOGS__LEVEL": KEY,
    "IRONLEAF_FILES__LIMITS__BYTES_MAX": DSN,
    "IRONLEAF_FILES__FORMATS": json.dumps([KEY]),
    "IRONLEAF_WORKERS__DECODERS": KEY,
    "IRONLEAF_CONFIG": HOME,
    "IRONLEAF_ENGINES__VL__BACKENDS": json.dumps([{"alias": "a", "api_key": KEY, "base_url": DSN, "model": PAGE_TEXT}]),
    "IRONLEAF_ENGINES__VL__RESERVE_S": KEY,
}


@pytest.mark.parametrize("name", REFUSED_SETTINGS)
def test_a_setting_is_refused_without_its_value(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsRefused) as refused:
        load_settings(environ={name: REFUSED_SETTINGS[name]})
    assert not find_secrets("\n".join(refused.value.lines).encode())


@pytest.mark.parametrize("name", ["IRONLEAF_SERVER__PORT", "IRONLEAF_SERVER__HOST"])
def test_the_process_refuses_to_start_without_the_value(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ironleaf", "serve"],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", name: DSN},
        capture_output=True,
        timeout=60,
        check=False,
    )
    told = (done.stdout + done.stderr).decode()
    assert done.returncode == 78, told
    assert "Traceback" not in told
    assert not find_secrets(told.encode()), told
