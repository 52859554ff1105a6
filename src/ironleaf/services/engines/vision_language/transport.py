"""The one place that knows the HTTP library."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from errno import ECONNREFUSED, ETIMEDOUT
from typing import TYPE_CHECKING, Final, Protocol

import aiohttp
from aiohttp.client_exceptions import UnixClientConnectorError
from aiohttp.http_exceptions import HttpProcessingError

from ironleaf.services.engines.vision_language.body import ImageChanged, RequestBody
from ironleaf.services.engines.vision_language.trouble import TransportFailed, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping

    from aiohttp.abc import AbstractStreamWriter

    from ironleaf.services.engines.vision_language.settings import BackendSettings

KEEP_ALIVE_S: Final = 4.0
"""Shorter than the 5 s after which uvicorn closes an idle connection: whoever writes into a closing one fails."""
HEADER_BYTES_MAX: Final = 8_192
HEADERS_MAX: Final = 128
USER_AGENT: Final = "ironleaf"

TROUBLES: Final[Mapping[type[BaseException], Trouble]] = {
    aiohttp.ClientConnectorDNSError: Trouble.DNS,
    aiohttp.ClientConnectorCertificateError: Trouble.CERTIFICATE,
    aiohttp.ServerFingerprintMismatch: Trouble.CERTIFICATE,
    aiohttp.ClientConnectorSSLError: Trouble.TLS,
    aiohttp.ClientSSLError: Trouble.TLS,
    ssl.SSLCertVerificationError: Trouble.CERTIFICATE,
    ssl.SSLError: Trouble.TLS,
    aiohttp.ClientProxyConnectionError: Trouble.PROXY,
    aiohttp.ClientHttpProxyError: Trouble.PROXY,
    aiohttp.ClientConnectorError: Trouble.CONNECT,
    UnixClientConnectorError: Trouble.CONNECT,
    ConnectionRefusedError: Trouble.REFUSED,
    aiohttp.ClientConnectionResetError: Trouble.RESET,
    aiohttp.ClientOSError: Trouble.RESET,
    aiohttp.UploadAbortedError: Trouble.RESET,
    OSError: Trouble.RESET,
    aiohttp.ConnectionTimeoutError: Trouble.CONNECT_TIMEOUT,
    aiohttp.SocketTimeoutError: Trouble.READ_TIMEOUT,
    aiohttp.ServerTimeoutError: Trouble.READ_TIMEOUT,
    aiohttp.ServerDisconnectedError: Trouble.DISCONNECTED,
    aiohttp.ServerConnectionError: Trouble.DISCONNECTED,
    aiohttp.ClientConnectionError: Trouble.DISCONNECTED,
    asyncio.IncompleteReadError: Trouble.CUT,
    aiohttp.ClientPayloadError: Trouble.CUT,
    aiohttp.ClientResponseError: Trouble.MALFORMED,
    aiohttp.ContentTypeError: Trouble.MALFORMED,
    aiohttp.WSServerHandshakeError: Trouble.MALFORMED,
    HttpProcessingError: Trouble.MALFORMED,
    aiohttp.TooManyRedirects: Trouble.REDIRECTED,
    aiohttp.RedirectClientError: Trouble.REDIRECTED,
    aiohttp.InvalidUrlRedirectClientError: Trouble.REDIRECTED,
    aiohttp.NonHttpUrlRedirectClientError: Trouble.REDIRECTED,
    aiohttp.InvalidURL: Trouble.ADDRESS,
    aiohttp.InvalidUrlClientError: Trouble.ADDRESS,
    aiohttp.NonHttpUrlClientError: Trouble.ADDRESS,
    aiohttp.ClientError: Trouble.DISCONNECTED,
    UnicodeError: Trouble.ADDRESS,
    ValueError: Trouble.MALFORMED,
}
"""Every exception that the library may raise. The narrowest class wins; a test asks the library for its list."""

_ERRNO_TROUBLES: Final = {ECONNREFUSED: Trouble.REFUSED, ETIMEDOUT: Trouble.CONNECT_TIMEOUT}


def name_trouble(error: BaseException) -> Trouble:
    """Return the family of an exception of the HTTP library."""
    trouble = next(TROUBLES[kind] for kind in type(error).__mro__ if kind in TROUBLES)
    if trouble in {Trouble.CONNECT, Trouble.RESET} and isinstance(error, OSError) and error.errno is not None:
        return _ERRNO_TROUBLES.get(error.errno, trouble)
    return trouble


@contextlib.contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except (aiohttp.ClientError, HttpProcessingError, asyncio.IncompleteReadError, OSError, ValueError) as error:
        if type(error) is TimeoutError and error.errno is None:  # ours: a timer of the client ran out
            raise
        if isinstance(error.__cause__, ImageChanged):  # not the server's fault
            raise error.__cause__ from None
        refused = error.status if isinstance(error, aiohttp.ClientHttpProxyError) else None
        raise TransportFailed(name_trouble(error), http_status=refused) from error


class Reply(Protocol):
    """An answer whose head is there."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        ...

    async def read(self) -> bytes:
        """Return the next piece of the body, as it comes; nothing at its end.

        Raises:
            TransportFailed: it broke off.
        """
        ...


class Transport(Protocol):
    """Sends requests to one server."""

    def request(
        self,
        method: str,
        path: str,
        body: RequestBody | None = None,
        *,
        accept: str = "application/json",
        traceparent: str | None = None,
    ) -> contextlib.AbstractAsyncContextManager[Reply]:
        """Open a call, as a part of a trace if there is one; leaving the context early cuts the connection.

        Raises:
            TransportFailed: no head came back.
        """
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Reply:
    response: aiohttp.ClientResponse

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return {name.lower(): value[:HEADER_BYTES_MAX] for name, value in self.response.headers.items()}

    async def read(self) -> bytes:
        with _translated():
            return await self.response.content.readany()


class _Payload(aiohttp.Payload):
    """Lets the library send a `RequestBody` block by block, with its length in the head."""

    def __init__(self, body: RequestBody) -> None:
        super().__init__(body, content_type="application/json")
        self._size = body.content_length

    async def write(self, writer: AbstractStreamWriter) -> None:
        body: RequestBody = self._value
        with contextlib.closing(body.chunks()) as chunks:
            for chunk in chunks:
                await writer.write(chunk)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002  # the library's shape
        raise TypeError("a page image is sent, not turned into text")


class HttpTransport:
    """aiohttp, fenced: no redirects, no environment proxies, no cookies, no decompression, bounded heads.

    Raises:
        ValueError: the authority file of the settings is unusable.
    """

    def __init__(self, settings: BackendSettings) -> None:
        self._settings = settings
        self._base = settings.base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._permits = asyncio.Semaphore(settings.connections_max)
        self._tls = _make_tls(settings)

    @contextlib.asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        body: RequestBody | None = None,
        *,
        accept: str = "application/json",
        traceparent: str | None = None,
    ) -> AsyncGenerator[Reply]:
        headers = {"Accept": accept} | ({"Traceparent": traceparent} if traceparent else {})
        async with self._permits:
            response = await self._send(method, path, body, headers)
            try:
                yield _Reply(response)
            finally:
                # Whoever has read to the end gave the connection back already; anyone else cuts it.
                response.close()

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(
        self, method: str, path: str, body: RequestBody | None, headers: dict[str, str]
    ) -> aiohttp.ClientResponse:
        with _translated():
            return await self._open_session().request(
                method,
                f"{self._base}/{path}",
                data=None if body is None else _Payload(body),
                headers=headers,
                allow_redirects=False,
                proxy=self._settings.proxy,
            )

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            # Connections are bounded by our own permits, so that waiting for one never counts as connecting.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, ssl=self._tls)
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers=self._headers(),
                timeout=aiohttp.ClientTimeout(total=None, connect=self._settings.connect_timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=HEADER_BYTES_MAX,
                max_field_size=HEADER_BYTES_MAX,
                max_headers=HEADERS_MAX,
            )
        return self._session

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if self._settings.api_key:
            headers["Authorization"] = f"Bearer {self._settings.api_key}"
        return headers | {name.title(): value for name, value in self._settings.headers.items()}


def _make_tls(settings: BackendSettings) -> ssl.SSLContext | bool:
    if not settings.tls_verify:
        return False
    if settings.tls_ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.tls_ca_file)
    except OSError:  # the path is a setting's value: not said
        raise ValueError("tls_ca_file: must be a readable PEM file") from None
