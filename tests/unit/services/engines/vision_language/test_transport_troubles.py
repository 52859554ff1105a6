from __future__ import annotations

import errno
import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from ironleaf.services.engines.vision_language.transport import TROUBLES, HttpTransport, name_trouble
from ironleaf.services.engines.vision_language.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

_GENERAL = {aiohttp.ClientError, OSError, ValueError}
KEY = ConnectionKey("host.invalid", 80, False, True, None, None, None)


def below(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


@pytest.mark.parametrize("kind", sorted(set(below(aiohttp.ClientError)), key=lambda kind: kind.__name__))
def test_every_exception_of_the_library_has_a_line_of_its_own_family(kind: type[BaseException]) -> None:
    narrowest = next(base for base in kind.__mro__ if base in TROUBLES)
    assert narrowest not in _GENERAL


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(errno.ECONNREFUSED, "no")), Trouble.REFUSED),
        (aiohttp.ClientConnectorError(KEY, OSError(errno.EHOSTUNREACH, "no")), Trouble.CONNECT),
        (aiohttp.ClientConnectorError(KEY, OSError(errno.ETIMEDOUT, "no")), Trouble.CONNECT_TIMEOUT),
        (aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "no")), Trouble.DNS),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "no")), Trouble.TLS),
        (ConnectionResetError(errno.ECONNRESET, "no"), Trouble.RESET),
        (BrokenPipeError(errno.EPIPE, "no"), Trouble.RESET),
        (aiohttp.ConnectionTimeoutError(), Trouble.CONNECT_TIMEOUT),
        (aiohttp.ServerDisconnectedError(), Trouble.DISCONNECTED),
        (aiohttp.ClientPayloadError(), Trouble.CUT),
        (UnicodeError("label too long"), Trouble.ADDRESS),
    ],
)
def test_the_narrowest_line_and_the_error_number_decide(error: Exception, trouble: Trouble) -> None:
    assert name_trouble(error) is trouble


def test_an_unusable_authority_file_is_refused_by_its_setting(make_settings, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"^tls_ca_file: must be a readable PEM file$"):
        HttpTransport(make_settings(tls_ca_file=str(tmp_path / "none.pem")))


@pytest.mark.anyio
async def test_closing_twice_or_unused_does_no_harm(make_settings) -> None:
    transport = HttpTransport(make_settings())
    await transport.aclose()
    await transport.aclose()
