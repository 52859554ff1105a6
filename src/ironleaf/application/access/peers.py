"""Where a request comes from: the socket's word, and a proxy's only where the operator trusts it. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ironleaf.web.hosts import IpAddress, parse_address, parse_authority

FORWARDED_NAMES: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via"})
"""A proxy's traces. Anyone can write them, so they only ever take trust away."""
HOPS_MAX: Final = 32
"""Entries of ``X-Forwarded-For`` that are looked at."""
NEIGHBOURS_V6: Final = 64
"""The first bits of an IPv6 address that one customer has to himself."""
UNKNOWN: Final = "-"

Headers = Iterable[tuple[bytes, bytes]]
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRules:
    """Whom to believe."""

    proxies: tuple[IpNetwork, ...] = ()
    behind_proxy: bool = False
    """Whether a proxy stands in front: then nobody is local, however close the socket's other end is."""

    @classmethod
    def of(cls, proxies: Iterable[str], *, behind_proxy: bool) -> PeerRules:
        """Return the rules for networks written as text."""
        networks = tuple(ipaddress.ip_network(proxy, strict=False) for proxy in proxies)
        return cls(proxies=networks, behind_proxy=behind_proxy or bool(networks))

    def find_client(self, peer: str | None, headers: Headers) -> str:
        """Return whom to count a request against: the nearest address that is no proxy of ours."""
        address = parse_address(peer or "")
        if address is None:
            return UNKNOWN
        for said in self._hops(headers) if self._is_proxy(address) else ():
            hop = _read_hop(said)
            if hop is None:
                break
            address = hop
            if not self._is_proxy(hop):
                break
        return _group(address)

    def is_local(self, peer: str | None, headers: Headers) -> bool:
        """Tell whether the request comes from this machine and was passed on by nobody."""
        address = parse_address(peer or "")
        if self.behind_proxy or address is None or not address.is_loopback:
            return False
        headers = tuple(headers)
        if any(name in FORWARDED_NAMES for name, _ in headers):
            return False
        hosts = [parse_authority(value.decode("latin-1")) for name, value in headers if name == b"host"]
        return all(host is not None and host.is_loopback for host in hosts)

    def _is_proxy(self, address: IpAddress) -> bool:
        return any(address in network for network in self.proxies)

    def _hops(self, headers: Headers) -> list[str]:
        values = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
        return [hop.strip() for hop in ",".join(values).rsplit(",", HOPS_MAX)[::-1][:HOPS_MAX]] if values else []


def _read_hop(text: str) -> IpAddress | None:
    authority = parse_authority(text)
    return parse_address(text) or (None if authority is None else authority.address)


def _group(address: IpAddress) -> str:
    if address.version == 4:  # noqa: PLR2004
        return str(address)
    return str(ipaddress.ip_network((address, NEIGHBOURS_V6), strict=False))
