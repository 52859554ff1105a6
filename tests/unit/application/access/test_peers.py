"""Promise: nobody seems local or somebody else by writing a header."""

from __future__ import annotations

import pytest

from ironleaf.application.access.peers import PeerRules

DIRECT = PeerRules()
PROXIED = PeerRules.of(("127.0.0.1", "10.0.0.0/8"), behind_proxy=False)


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode()) for value in values]


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", forwarded("127.0.0.1"), "198.51.100.7"),
        ("127.0.0.1", forwarded("198.51.100.9"), "127.0.0.1"),
        ("::ffff:198.51.100.7", [], "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        (None, [], "-"),
        ("not an address", [], "-"),
    ],
)
def test_without_a_trusted_proxy_the_socket_decides(
    peer: str | None, headers: list[tuple[bytes, bytes]], client: str
) -> None:
    assert DIRECT.find_client(peer, headers) == client


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("127.0.0.1", forwarded("198.51.100.9"), "198.51.100.9"),
        ("127.0.0.1", forwarded("203.0.113.1, 198.51.100.9"), "198.51.100.9"),
        ("127.0.0.1", forwarded("198.51.100.9, 10.1.2.3"), "198.51.100.9"),
        ("127.0.0.1", forwarded("203.0.113.1", "198.51.100.9"), "198.51.100.9"),
        ("127.0.0.1", forwarded("198.51.100.9:4711"), "198.51.100.9"),
        ("127.0.0.1", forwarded("[2001:db8::1]:4711"), "2001:db8::/64"),
        ("127.0.0.1", forwarded("198.51.100.9, unknown"), "127.0.0.1"),
        ("127.0.0.1", forwarded(""), "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("198.51.100.7", forwarded("203.0.113.1"), "198.51.100.7"),
        ("127.0.0.1", forwarded(", ".join(["203.0.113.1", *["10.0.0.1"] * 40])), "10.0.0.1"),
    ],
)
def test_a_trusted_proxy_is_believed(peer: str, headers: list[tuple[bytes, bytes]], client: str) -> None:
    assert PROXIED.find_client(peer, headers) == client


@pytest.mark.parametrize(
    ("peer", "headers", "local"),
    [
        ("127.0.0.1", [(b"host", b"localhost:8000")], True),
        ("::1", [(b"host", b"[::1]:8000")], True),
        ("127.0.0.1", [], True),
        ("127.0.0.1", [(b"host", b"ocr.example.org")], False),
        ("127.0.0.1", [(b"host", b"localhost"), *forwarded("127.0.0.1")], False),
        ("127.0.0.1", [(b"via", b"1.1 proxy")], False),
        ("127.0.0.1", [(b"forwarded", b"for=127.0.0.1")], False),
        ("198.51.100.7", [(b"host", b"localhost")], False),
        (None, [(b"host", b"localhost")], False),
    ],
)
def test_who_is_local(peer: str | None, headers: list[tuple[bytes, bytes]], local: bool) -> None:
    assert DIRECT.is_local(peer, headers) is local


@pytest.mark.parametrize("rules", [PROXIED, PeerRules(behind_proxy=True)])
def test_behind_a_proxy_nobody_is_local(rules: PeerRules) -> None:
    assert not rules.is_local("127.0.0.1", [(b"host", b"localhost")])
