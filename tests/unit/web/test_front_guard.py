"""Promise: a web page of somebody else cannot use a service on this machine; programs and our own pages can."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from ironleaf.web import FrontRules, HostRules, install
from ironleaf.web.hosts import Authority, is_foreign, parse_authority, parse_origin, read_origin

RULES = FrontRules(hosts=HostRules.of(("ocr.example.org", "*.lab.example", "fd00::7")))


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("localhost", "localhost", None),
        ("LocalHost:8000", "localhost", 8000),
        ("localhost.", "localhost", None),
        ("127.0.0.1:80", "127.0.0.1", 80),
        ("[::1]:8000", "::1", 8000),
        ("[0:0:0:0:0:0:0:1]", "::1", None),
        ("[::ffff:127.0.0.1]", "127.0.0.1", None),
        ("a.b-c_d.example:", "a.b-c_d.example", None),
    ],
)
def test_a_host_has_one_spelling(text: str, host: str, port: int | None) -> None:
    assert parse_authority(text) == Authority(host=host, port=port)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "localhost..", "a..b", "user@localhost", "localhost:99999", "localhost:x", "local host", "::1"),
        *("[::1", "[fe80::1%25eth0]", "[not:an:address]", "localhost/path", "localhost#", "http://localhost"),
        *("localhost\n", "ｌocalhost", "localhost,evil.example", "127.0.0.1:8000:1", "[127.0.0.1]x", "a" * 254),
    ],
)
def test_what_is_no_host_is_none(text: str) -> None:
    assert parse_authority(text) is None


@pytest.mark.parametrize(
    "text", ["localhost", "127.0.0.1:9", "127.8.8.8", "[::1]", "OCR.example.org", "a.lab.example", "x.y.lab.example"]
)
def test_our_names_are_let_in(text: str) -> None:
    authority = parse_authority(text)
    assert authority is not None
    assert RULES.hosts.allows(authority)


@pytest.mark.parametrize(
    "text",
    [
        *("evil.example", "lab.example", "evillab.example", "ocr.example.org.evil.example", "localhost.evil.example"),
        *("10.0.0.1", "[fd00::8]", "127.1", "2130706433", "0x7f.0.0.1", "foo.localhost"),
    ],
)
def test_other_names_are_not(text: str) -> None:
    authority = parse_authority(text)
    assert authority is not None
    assert not RULES.hosts.allows(authority)


def test_a_wildcard_address_lets_addresses_in_but_no_names() -> None:
    rules = HostRules.of((), any_address=True)
    assert rules.allows(Authority(host="10.0.0.1"))
    assert rules.allows(Authority(host="fd00::8"))
    assert not rules.allows(Authority(host="evil.example"))


@pytest.mark.parametrize("name", ["localhost:80", "http://x", "a b", "*x", "**", "*.", ""])
def test_what_is_no_name_cannot_be_allowed(name: str) -> None:
    with pytest.raises(ValueError, match="not a host name"):
        HostRules.of((name,))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    authority = parse_authority(text)
    if authority is not None:
        assert parse_authority(f"[{authority.host}]" if ":" in authority.host else authority.host) is not None
    origin = parse_origin(text)
    assert origin is None or origin[0].isalpha()


HOST = Authority(host="localhost", port=8000)


@pytest.mark.parametrize(
    ("origin", "site", "foreign"),
    [
        (None, None, False),
        ("http://localhost:8000", None, False),
        ("HTTP://LOCALHOST:8000", None, False),
        ("http://localhost.:8000", None, False),
        (None, "same-origin", False),
        (None, "none", False),
        ("null", "same-origin", False),
        ("http://localhost", None, True),
        ("http://localhost:3000", None, True),
        ("https://evil.example", None, True),
        ("http://localhost:8000.evil.example", None, True),
        ("http://localhost:8000@evil.example", None, True),
        ("http://evil.example@localhost:8000", None, True),
        ("http://localhost:8000/", None, True),
        ("null", None, True),
        ("", None, True),
        ("localhost:8000", None, True),
        ("file://", None, True),
        ("http://localhost:8000", "cross-site", True),
        ("http://localhost:8000", "same-site", True),
        ("https://evil.example", "cross-site", True),
        (None, "cross-site", True),
        (None, "Same-Origin", True),
        (None, "", True),
        ("https://app.example.org", "cross-site", False),
        ("https://app.example.org:443", None, False),
        ("http://app.example.org", "cross-site", True),
    ],
)
def test_who_is_foreign(origin: str | None, site: str | None, foreign: bool) -> None:
    trusted = frozenset({read_origin("https://app.example.org/path") or ""})
    origins = [] if origin is None else [origin.encode()]
    sites = [] if site is None else [site.encode()]
    assert is_foreign(host=HOST, origins=origins, sites=sites, trusted=trusted) is foreign


def test_what_is_said_twice_is_foreign() -> None:
    own = b"http://localhost:8000"
    assert is_foreign(host=HOST, origins=[own, own], sites=[])
    assert is_foreign(host=HOST, origins=[], sites=[b"same-origin", b"same-origin"])
    assert is_foreign(host=None, origins=[own], sites=[])


@pytest.mark.parametrize(
    ("host", "origin", "foreign"),
    [
        ("ocr.example.org", "https://ocr.example.org", False),
        ("ocr.example.org", "http://ocr.example.org", False),
        ("ocr.example.org:443", "https://ocr.example.org", False),
        ("ocr.example.org:443", "http://ocr.example.org", True),
        ("[::1]:8000", "http://[::1]:8000", False),
        ("[::1]:8000", "http://[0:0::1]:8000", False),
    ],
)
def test_default_ports_are_the_schemes(host: str, origin: str, foreign: bool) -> None:
    assert is_foreign(host=parse_authority(host), origins=[origin.encode()], sites=[]) is foreign


# --- in an application ------------------------------------------------------------------------------------------------


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.state.bodies = 0

    @app.post("/change")
    async def change(request: Request) -> dict[str, str]:
        app.state.bodies += 1
        await request.body()
        return {"done": "yes"}

    @app.get("/look")
    async def look() -> dict[str, str]:
        return {"seen": "yes"}

    install(app, front=RULES)
    return app


async def ask(app: FastAPI, method: str, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        return await client.request(method, path, headers={name.replace("_", "-"): headers[name] for name in headers})


@pytest.mark.anyio
async def test_a_foreign_name_is_refused_everywhere(app: FastAPI) -> None:
    for method, path in (("GET", "/look"), ("POST", "/change"), ("GET", "/livez"), ("GET", "/nowhere")):
        answer = await ask(app, method, path, host="evil.example")
        assert (answer.status_code, answer.json()["error"]["reason"]) == (400, "bad-host"), path
    assert app.state.bodies == 0


@pytest.mark.anyio
async def test_a_foreign_page_may_look_but_not_touch(app: FastAPI) -> None:
    assert (await ask(app, "GET", "/look", origin="https://evil.example")).status_code == 200
    answer = await ask(app, "POST", "/change", origin="https://evil.example")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "cross-site-request")
    assert app.state.bodies == 0


@pytest.mark.anyio
async def test_programs_and_own_pages_pass(app: FastAPI) -> None:
    assert (await ask(app, "POST", "/change")).status_code == 200
    own = {"origin": "http://localhost:8000", "sec_fetch_site": "same-origin"}
    assert (await ask(app, "POST", "/change", **own)).status_code == 200


async def call(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing of the body may be read")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    base = {"path": "/look", "raw_path": b"/look", "query_string": b"", "root_path": "", "scheme": "http"}
    await app({"asgi": {"version": "3.0"}, "client": ("127.0.0.1", 1), **base, **scope}, receive, send)
    return sent


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        ("1.0", (), 200),
        ("1.1", (), 400),
        ("1.1", (b"localhost", b"localhost"), 400),
        ("1.1", (b"",), 400),
        ("1.1", (b"localhost@evil.example",), 400),
    ],
)
async def test_strange_hosts_on_the_wire(app: FastAPI, version: str, hosts: tuple[bytes, ...], status: int) -> None:
    headers = [(b"host", host) for host in hosts]
    sent = await call(app, {"type": "http", "method": "GET", "http_version": version, "headers": headers})
    assert sent[0]["status"] == status


@pytest.mark.anyio
async def test_a_foreign_page_opens_no_socket(app: FastAPI) -> None:
    headers = [(b"host", b"localhost:8000"), (b"origin", b"https://evil.example")]
    sent = await call(app, {"type": "websocket", "headers": headers, "subprotocols": []})
    assert sent == [{"type": "websocket.close", "code": 1008}]
