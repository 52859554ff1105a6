"""Who may use the service, and from where."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from ironleaf.web.hosts import HostRules, parse_authority, read_origin


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """Keys, sessions, and the addresses under which the service is reached."""

    require_key: Literal["auto", "always", "never"] = "auto"
    """Whether converting needs a key. ``auto``: as soon as others than this machine can reach the service, that is
    with a ``server.host`` beyond loopback, or with ``access.public_url``. `/v1/ops` needs one always."""
    allowed_hosts: tuple[str, ...] = ()
    """Names under which the service answers, beside this machine's own, ``server.host`` and that of ``public_url``.
    ``*.example.org`` stands for all below it, ``*`` for any: then web pages can reach a local service by a trick."""
    public_url: str = ""
    """The address that people use when a proxy stands in front, such as ``https://ocr.example.org/ironleaf``. Its
    pages are ours; with https, the session cookie travels on https only."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose ``X-Forwarded-For`` is believed. Nobody else's ever is."""
    login_link: Literal["auto", "always", "never"] = "auto"
    """Whether `ironleaf serve` prints a link that logs one browser in for operation. ``auto``: on a terminal only."""

    def __post_init__(self) -> None:
        try:
            HostRules.of(self.allowed_hosts)
        except ValueError:
            raise ValueError("allowed_hosts: must be names or addresses, without port or scheme") from None
        try:
            [ipaddress.ip_network(proxy, strict=False) for proxy in self.trusted_proxies]
        except ValueError:
            raise ValueError("trusted_proxies: must be addresses or networks, such as 10.0.0.0/8") from None
        if self.public_url and not _is_plain_url(self.public_url):
            raise ValueError("public_url: must be http:// or https://, a host and at most a path")

    @property
    def public_host(self) -> str:
        """The host of ``public_url``, or nothing."""
        authority = parse_authority(urlsplit(self.public_url).netloc)
        return "" if authority is None else authority.host

    @property
    def is_https(self) -> bool:
        """Whether callers speak https to whatever stands in front of us."""
        return self.public_url.startswith("https://")


def _is_plain_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = parts.scheme in {"http", "https"} and not (parts.query or parts.fragment)
    return plain and read_origin(url) is not None
