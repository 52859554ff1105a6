"""A signed webhook: JSON, an HMAC over time and body, and no way into the private network behind us.

The receiver checks ``X-Ironleaf-Signature: v1=<hex>``, an HMAC-SHA256 with the
shared secret over ``<timestamp>.<id>.<body>``, and that the timestamp is new;
docs/howto/alerts.md has the code.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from ironleaf.foundation.alerting.channels.base import ChannelUnusable
from ironleaf.foundation.alerting.deliveries import SEND_S, Finding

if TYPE_CHECKING:
    import socket

    from ironleaf.foundation.alerting.templates import Message
    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.errors import Language

_OK: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_TRANSLATED: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))
"""IPv6 addresses that stand for an IPv4 one."""

logger = logging.getLogger(__name__)


class WebhookChannel:
    """Posts each notice to one address.

    Names are resolved by us, once for each connection, and the addresses found are
    those that are connected to: a name cannot lead elsewhere after it was checked.
    ``allow_private`` lets them be of the private network. Redirects are not followed,
    and the environment's proxies not used.

    Raises:
        ChannelUnusable: the address is not http or https, or there is no secret.
    """

    def __init__(
        self, name: str, url: str, *, secret: str, language: Language, clock: Clock, allow_private: bool = False
    ) -> None:
        self.name: str = name
        self.language: Language = language
        self._url = _parse(url)
        if not secret:
            raise ChannelUnusable
        self._secret = secret.encode()
        self._clock = clock
        self._allow_private = allow_private

    async def send(self, message: Message) -> Finding:
        """Post it; only an answer of 2xx counts."""
        body = orjson.dumps(message.data)
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "content-type": "application/json",
            "user-agent": "Ironleaf",
            "x-ironleaf-id": message.id,
            "x-ironleaf-timestamp": timestamp,
            "x-ironleaf-signature": f"v1={sign(self._secret, timestamp, message.id, body)}",
        }
        try:
            async with asyncio.timeout(SEND_S):
                return _judge(await self._post(body, headers))
        except TimeoutError:
            return Finding.TIMEOUT
        except AddressNotAllowed:
            return Finding.ADDRESS_NOT_ALLOWED
        except aiohttp.ClientConnectorError as error:
            return Finding.ADDRESS_NOT_ALLOWED if _is_refusal(error) else Finding.UNREACHABLE
        except (aiohttp.ClientError, OSError, ValueError):
            return Finding.UNREACHABLE
        except Exception as error:  # noqa: BLE001 - a channel never raises
            logger.warning("alert channel %s failed: %s", self.name, type(error).__name__)
            return Finding.BROKEN

    async def aclose(self) -> None:
        """Nothing is held between two sends."""

    async def _post(self, body: bytes, headers: dict[str, str]) -> int:
        if not self._allow_private and is_literal(self._url.host or "") and not is_public(self._url.host or ""):
            raise AddressNotAllowed
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(allow_private=self._allow_private), use_dns_cache=False, force_close=True, limit=1
        )
        async with (
            aiohttp.ClientSession(connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(self._url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            return response.status  # nobody reads the body: it may be endless


class AddressNotAllowed(OSError):
    """A name leads to an address that is not public."""


class GuardedResolver(AbstractResolver):
    """Resolves names to public addresses only, all or nothing."""

    def __init__(self, *, allow_private: bool, inner: AbstractResolver | None = None) -> None:
        self._allow_private = allow_private
        self._inner = inner or ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily | int = 0) -> list[ResolveResult]:
        """Return the addresses of ``host``.

        Raises:
            AddressNotAllowed: one of them is not public.
            OSError: the name is not known.
        """
        found = await self._inner.resolve(host, port, family)  # pyright: ignore[reportArgumentType]
        if not self._allow_private and not all(is_public(each["host"]) for each in found):
            raise AddressNotAllowed
        return found

    async def close(self) -> None:
        """Let go of the resolver."""
        await self._inner.close()


def sign(secret: bytes, timestamp: str, message_id: str, body: bytes) -> str:
    """Return the signature of a notice, in hexadecimal."""
    return hmac.new(secret, b".".join((timestamp.encode(), message_id.encode(), body)), hashlib.sha256).hexdigest()


def is_literal(host: str) -> bool:
    """Tell whether a host is written as an address."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the open internet; one that stands for another is judged by that."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif any(found in network for network in _TRANSLATED):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def _parse(url: str) -> URL:
    try:
        parsed = URL(url)
    except (ValueError, TypeError):
        raise ChannelUnusable from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ChannelUnusable
    return parsed


def _is_refusal(error: Any) -> bool:
    return isinstance(error.os_error, AddressNotAllowed)


def _judge(status: int) -> Finding:
    if status in _OK:
        return Finding.SENT
    return Finding.REDIRECTED if status in _REDIRECT else Finding.REFUSED
