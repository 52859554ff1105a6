"""Proxies, TLS and private authorities between us and a model server, with real sockets."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from tests.fixtures.relays import Authority, make_authority, serve_proxy, serve_tls

from ironleaf.faults import FaultyModelServer
from ironleaf.foundation.clock import Deadline, SystemClock
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.canary import CANARY_WORDS, make_canary_page
from ironleaf.services.engines.profiles import load_profile
from ironleaf.services.engines.upstream_failures import FailureKind
from ironleaf.services.engines.vision_language.answer import UpstreamFailure
from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = pytest.mark.anyio
WORDS = " ".join(CANARY_WORDS)
CREDENTIALS = base64.b64encode(b"me:sesame").decode()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def server() -> AsyncGenerator[FaultyModelServer]:
    async with FaultyModelServer("ok", text=WORDS) as server:
        yield server


def port_of(server: FaultyModelServer) -> int:
    return urlsplit(server.base_url).port or 0


@asynccontextmanager
async def engine_at(base_url: str, **more: Any) -> AsyncGenerator[VisionLanguageEngine]:
    engine = VisionLanguageEngine(
        BackendSettings(alias="reader", base_url=base_url, model="m", **more), profile=load_profile("generic")
    )
    try:
        yield engine
    finally:
        await engine.aclose()


async def read(base_url: str, **more: Any) -> str:
    async with engine_at(base_url, **more) as engine:
        request = RecogniseRequest(deadline=Deadline.after(10, SystemClock()))
        return (await engine.recognise(make_canary_page(), request)).text


async def fail(base_url: str, **more: Any) -> FailureKind:
    with pytest.raises(UpstreamFailure) as caught:
        await read(base_url, **more)
    return caught.value.verdict.kind


async def test_a_proxy_is_asked_with_its_password(server: FaultyModelServer) -> None:
    async with serve_proxy() as proxy:
        assert await read(server.base_url, proxy=f"http://me:sesame@127.0.0.1:{proxy.port}") == WORDS
    assert proxy.heads[0].startswith(f"POST {server.base_url}/chat/completions HTTP/1.1\r\n")
    assert f"Proxy-Authorization: Basic {CREDENTIALS}\r\n" in proxy.heads[0]


async def test_the_environments_proxy_is_not(server: FaultyModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve_proxy() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        assert await read(server.base_url) == WORDS
    assert not proxy.heads


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("407 Proxy Authentication Required", FailureKind.AUTH),
        ("403 Forbidden", FailureKind.PERMISSION),
        ("502 Bad Gateway", FailureKind.BAD_GATEWAY),
    ],
)
async def test_a_proxy_that_refuses_is_told_from_the_server(
    server: FaultyModelServer, status: str, kind: FailureKind, scheme: str
) -> None:
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    address = f"{scheme}://127.0.0.1:{port_of(server)}/v1"
    async with serve_proxy(answer) as proxy:
        assert await fail(address, proxy=f"http://127.0.0.1:{proxy.port}") is kind
    assert not server.hits


async def test_a_proxy_that_is_away_is_a_failed_connection(server: FaultyModelServer) -> None:
    async with serve_proxy() as proxy:
        pass
    assert await fail(server.base_url, proxy=f"http://127.0.0.1:{proxy.port}") is FailureKind.CONNECTION


async def test_a_private_authority_is_believed_if_named(server: FaultyModelServer, authority: Authority) -> None:
    async with serve_tls(authority, port_of(server)) as port:
        address = f"https://127.0.0.1:{port}/v1"
        assert await fail(address) is FailureKind.CONNECTION
        assert await read(address, tls_ca_file=str(authority.certificate)) == WORDS
        assert await read(address, tls_verify=False) == WORDS
    assert server.hits == 2


async def test_another_name_than_the_certificates_is_not(server: FaultyModelServer, authority: Authority) -> None:
    async with serve_tls(authority, port_of(server)) as port:
        address = f"https://localhost:{port}/v1"
        assert await fail(address, tls_ca_file=str(authority.certificate)) is FailureKind.CONNECTION
    assert not server.hits


async def test_tls_goes_through_a_proxy(server: FaultyModelServer, authority: Authority) -> None:
    async with serve_tls(authority, port_of(server)) as port, serve_proxy() as proxy:
        address = f"https://127.0.0.1:{port}/v1"
        text = await read(
            address, tls_ca_file=str(authority.certificate), proxy=f"http://me:sesame@127.0.0.1:{proxy.port}"
        )
    assert text == WORDS
    assert proxy.heads[0].startswith(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n")
    assert f"Proxy-Authorization: Basic {CREDENTIALS}\r\n" in proxy.heads[0]
