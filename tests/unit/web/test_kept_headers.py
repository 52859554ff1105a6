"""Which headers of somebody else's error answer are passed on, and what may stand in them."""

from __future__ import annotations

import pytest

from ironleaf.web.translation import keep_headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allow", "GET, HEAD"),
        ("allow", ""),
        ("retry-after", "120"),
        ("www-authenticate", "Bearer"),
        ("www-authenticate", 'Basic realm="Simple"'),
        ("www-authenticate", 'Bearer error="invalid_token", scope="a b"'),
        ("content-range", "bytes */1234"),
        ("access-control-allow-origin", "https://shop.example:8443"),
    ],
)
def test_what_http_asks_for_is_kept(name: str, value: str) -> None:
    assert keep_headers([(name.title().encode(), value.encode())]) == ((name.encode(), value.encode()),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allow", "postgres://root:pw@10.0.0.7/db"),
        ("allow", "GET\r\nx-injected: 1"),
        ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ("retry-after", "9" * 5000),
        ("www-authenticate", "key sk-canary-4f1d88e02b7c was wrong"),
        ("www-authenticate", f'Basic realm="{"x" * 500}"'),
        ("content-range", "bytes 0-1/2 of /srv/file"),
        ("access-control-debug", "1"),
        ("access-control-allow-origin", "a\r\nb"),
        ("server", "x"),
        ("location", "/a"),
    ],
)
def test_anything_else_is_not(name: str, value: str) -> None:
    assert keep_headers([(name.encode(), value.encode())]) == ()
