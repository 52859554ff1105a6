"""Under which names a service answers, and whether a request was sent by one of its own pages. Pure.

A web page may not read another site's answers, but its browser sends what it asks for, also to a
service on the reader's own machine. Two rules keep such pages out:

- the name in ``Host`` must be one of ours, or a page could point its own name at us (DNS rebinding);
- an unsafe request that names another page as its source is refused. Programs name none.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

NAME_CHARACTERS_MAX: Final = 253
"""The longest name that DNS knows."""
PORT_MAX: Final = 65_535
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""They change nothing (RFC 9110 9.2.1)."""
OWN_SITES: Final = frozenset({b"same-origin", b"none"})
"""What a browser says of a page of ours, and of a person who typed the address."""

_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9_.-]+))(?::(?P<port>[0-9]{0,5}))?"
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A host and its port, in one spelling: lower case, no trailing dot, addresses in their shortest form."""

    host: str
    port: int | None = None

    @property
    def address(self) -> IpAddress | None:
        """The address, if the host is one and not a name."""
        return parse_address(self.host)

    @property
    def is_loopback(self) -> bool:
        """Whether this is the machine itself, under a name or address that only it has."""
        return self.host == "localhost" or (self.address is not None and self.address.is_loopback)


def parse_address(text: str) -> IpAddress | None:
    """Return the IP address that ``text`` is; one that is mapped into IPv6 as what it stands for."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def parse_authority(text: str) -> Authority | None:
    """Return what ``host[:port]`` says, or nothing if it is not written as a ``Host`` header is (RFC 9110 7.2)."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    if port is not None and port > PORT_MAX:
        return None
    if match["v6"] is not None:
        address = parse_address(match["v6"])
        return None if address is None else Authority(host=str(address), port=port)
    name = match["name"].lower().removesuffix(".")
    if not all(name.split(".")) or len(name) > NAME_CHARACTERS_MAX:
        return None
    return Authority(host=name, port=port)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRules:
    """The names under which a service answers. Ports do not matter: a name that is ours is ours on all of them."""

    names: frozenset[str] = frozenset()
    """Names and addresses; ``*.example.org`` stands for every name below it, ``*`` for all."""
    any_address: bool = False
    """Whether every IP address passes: nobody can point an address of his own at us, only a name."""

    @classmethod
    def of(cls, names: Iterable[str], *, any_address: bool = False) -> HostRules:
        """Return the rules for ``names`` in any spelling.

        Raises:
            ValueError: one of them is no host name, address or pattern.
        """
        return cls(names=frozenset(map(_normalise, names)), any_address=any_address)

    def allows(self, authority: Authority) -> bool:
        """Tell whether the service answers under this name. This machine's own names always pass."""
        if authority.is_loopback or not self.names.isdisjoint({"*", authority.host}):
            return True
        if authority.address is not None:
            return self.any_address
        return any(name.startswith("*.") and authority.host.endswith(name[1:]) for name in self.names)


def _normalise(name: str) -> str:
    if name == "*":
        return name
    prefix = "*." if name.startswith("*.") else ""
    bare = name.removeprefix(prefix)
    authority = parse_authority(f"[{bare}]" if ":" in bare and not bare.startswith("[") else bare)
    if authority is None or authority.port is not None:
        raise ValueError("not a host name")
    return prefix + authority.host


def parse_origin(text: str) -> tuple[str, Authority] | None:
    """Return scheme and authority of an ``Origin`` header, or nothing for ``null`` and whatever no browser writes."""
    scheme, separator, rest = text.partition("://")
    authority = parse_authority(rest) if separator else None
    if authority is None or not scheme.isascii() or not scheme.isalpha():
        return None
    return scheme.lower(), authority


def read_origin(url: str) -> str | None:
    """Return the origin of ``url`` in the spelling that `is_foreign` compares, or nothing if it has none."""
    parts = urlsplit(url)
    origin = parse_origin(f"{parts.scheme}://{parts.netloc}")
    return None if origin is None else _spell(*origin)


def _spell(scheme: str, authority: Authority) -> str:
    return f"{scheme}://{authority.host}:{_port(scheme, authority)}"


def _port(scheme: str, authority: Authority) -> int | None:
    return _DEFAULT_PORTS.get(scheme) if authority.port is None else authority.port


def is_foreign(
    *, host: Authority | None, origins: list[bytes], sites: list[bytes], trusted: frozenset[str] = frozenset()
) -> bool:
    """Tell whether an unsafe request was sent by a page that is not ours.

    ``origins`` and ``sites`` are the values of ``Origin`` and ``Sec-Fetch-Site``, each of which a
    browser sends once at most, and which no page can forge. Where the browser judges by itself it
    is believed; else the origin must be the host that was asked.
    """
    origin = parse_origin(origins[0].decode("latin-1")) if len(origins) == 1 else None
    if origin is not None and _spell(*origin) in trusted:
        return False
    if sites:
        return len(sites) > 1 or sites[0] not in OWN_SITES
    if not origins:
        return False
    if origin is None or host is None:
        return True
    scheme, source = origin
    return (source.host, _port(scheme, source)) != (host.host, _port(scheme, host))
