"""The channels, against real sockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.abc import AbstractResolver
from tests.fixtures.alerts import START
from tests.fixtures.service import find_port

from ironleaf.faults import ManualClock
from ironleaf.foundation.alerting.channels import AppriseChannel, ChannelUnusable, LogChannel, WebhookChannel, webhook
from ironleaf.foundation.alerting.channels import services as services_module
from ironleaf.foundation.alerting.deliveries import Finding
from ironleaf.foundation.alerting.templates import render_test

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = pytest.mark.anyio
SECRET = "a-secret-of-enough-characters"
MESSAGE = render_test(delivery_id="01X:test:hook", language="zh", now=START)


@dataclass
class Receiver:
    """A door on loopback that keeps what it is sent."""

    answer: bytes = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    silent: bool = False
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        pairs = (line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received.append((headers, body))
        if not self.silent:
            writer.write(self.answer)
            await writer.drain()
            writer.close()

    async def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@asynccontextmanager
async def receive(**how: Any) -> AsyncGenerator[Receiver]:
    receiver = Receiver(**how)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
        await receiver.hang_up()


def make_hook(url: str, *, allow_private: bool = True) -> WebhookChannel:
    return WebhookChannel("hook", url, secret=SECRET, language="en", clock=ManualClock(), allow_private=allow_private)


async def test_a_webhook_can_be_verified() -> None:
    async with receive() as receiver:
        assert await make_hook(receiver.url).send(MESSAGE) is Finding.SENT
    ((headers, body),) = receiver.received
    signed = b".".join((headers["x-ironleaf-timestamp"].encode(), headers["x-ironleaf-id"].encode(), body))
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-ironleaf-signature"] == f"v1={expected}"
    assert headers["x-ironleaf-timestamp"] == str(int(START.timestamp()))
    assert json.loads(body)["kind"] == "test"


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", Finding.REDIRECTED),
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", Finding.REFUSED),
        (b"nonsense\r\n\r\n", Finding.UNREACHABLE),
        (b"", Finding.UNREACHABLE),
    ],
)
async def test_a_webhook_says_what_came_of_it(answer: bytes, finding: Finding) -> None:
    async with receive(answer=answer) as receiver:
        assert await make_hook(receiver.url).send(MESSAGE) is finding
    assert len(receiver.received) == 1


async def test_a_webhook_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "SEND_S", 0.2)
    async with receive(silent=True) as receiver:
        assert await make_hook(receiver.url).send(MESSAGE) is Finding.TIMEOUT


async def test_nobody_there_is_said() -> None:
    assert await make_hook(f"http://127.0.0.1:{find_port()}/").send(MESSAGE) is Finding.UNREACHABLE


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f000001", "127.1"])
async def test_a_webhook_does_not_reach_behind_the_wall(host: str) -> None:
    async with receive() as receiver:
        hook = make_hook(f"http://{host}:{receiver.port}/", allow_private=False)
        assert await hook.send(MESSAGE) in {Finding.ADDRESS_NOT_ALLOWED, Finding.UNREACHABLE}
    assert receiver.received == []


class Liar(AbstractResolver):
    """A name server that gives a public address among private ones."""

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        return [{"hostname": host, "host": each, "port": port, "family": family} for each in ("8.8.8.8", "10.0.0.1")]

    async def close(self) -> None:
        pass


async def test_a_name_with_one_private_address_is_refused() -> None:
    with pytest.raises(webhook.AddressNotAllowed):
        await webhook.GuardedResolver(allow_private=False, inner=Liar()).resolve("x", 80)
    assert len(await webhook.GuardedResolver(allow_private=True, inner=Liar()).resolve("x", 80)) == 2


async def test_apprise_sends_and_says_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    ok = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    with caplog.at_level(logging.DEBUG):
        async with receive(answer=ok) as receiver:
            channel = AppriseChannel("chat", f"json://user:{SECRET}@127.0.0.1:{receiver.port}/x", language="zh")
            assert await channel.send(MESSAGE) is Finding.SENT
        assert await channel.send(MESSAGE) is Finding.REFUSED
        await channel.aclose()
    assert "测试" in json.loads(receiver.received[0][1])["title"]
    assert SECRET not in caplog.text
    assert {record.name for record in caplog.records} <= {"asyncio"}


async def test_apprise_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services_module, "SEND_S", 0.2)
    async with receive(silent=True) as receiver:
        channel = AppriseChannel("chat", f"json://127.0.0.1:{receiver.port}/?rto=2&cto=2", language="en")
        findings = [await channel.send(MESSAGE) for _ in range(3)]
    assert findings == [Finding.TIMEOUT, Finding.TIMEOUT, Finding.CROWDED]


@pytest.mark.parametrize("url", ["nonsense", "nosuchservice://x", "feishu://", "", "mailto://"])
def test_an_address_that_apprise_does_not_know_is_refused_without_its_words(url: str) -> None:
    with pytest.raises(ChannelUnusable) as refused:
        AppriseChannel("chat", url, language="en")
    assert refused.value.args == ()


async def test_the_log_always_takes_it() -> None:
    assert await LogChannel().send(MESSAGE) is Finding.SENT
