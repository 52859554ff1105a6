"""Promise: nobody beyond this machine uses the service without a key, unless the operator said so by name."""

from __future__ import annotations

import pytest

from ironleaf.application.access.exposure import (
    demands_keys,
    listens_beyond,
    make_front_rules,
    make_peer_rules,
    require_guarded,
    say_login_base,
)
from ironleaf.application.settings import Settings, SettingsRefused, load_settings
from ironleaf.web.hosts import parse_authority


def make(**named: object) -> Settings:
    overrides = {name.replace("__", "."): value for name, value in named.items()}
    return load_settings(environ={}, overrides=overrides)


@pytest.mark.parametrize(
    ("host", "beyond"),
    [
        *(("127.0.0.1", False), ("127.9.9.9", False), ("localhost", False), ("LOCALHOST", False), ("::1", False)),
        *(("0.0.0.0", True), ("::", True), ("192.0.2.1", True), ("ocr.example.org", True), ("", True)),  # noqa: S104
        *(("::ffff:127.0.0.1", False), ("localhost.evil.example", True), ("fe80::1%eth0", True)),
    ],
)
def test_what_listens_beyond_this_machine(host: str, beyond: bool) -> None:
    assert listens_beyond(make(server__host=host).server) is beyond


@pytest.mark.parametrize(
    ("settings", "demanded"),
    [
        ({}, False),
        ({"server__host": "192.0.2.1"}, True),
        ({"server__host": "192.0.2.1", "server__allow_public": True}, False),
        ({"server__host": "192.0.2.1", "server__allow_public": True, "access__require_key": "always"}, True),
        ({"server__host": "192.0.2.1", "access__require_key": "never"}, False),
        ({"access__require_key": "always"}, True),
        ({"access__public_url": "https://ocr.example.org"}, True),
        ({"access__public_url": "http://localhost:9000"}, False),
    ],
)
def test_who_needs_a_key(settings: dict[str, object], demanded: bool) -> None:
    assert demands_keys(make(**settings)) is demanded


@pytest.mark.parametrize(
    ("settings", "has_key", "starts"),
    [
        ({"server__host": "127.0.0.1"}, None, True),
        ({"server__host": "192.0.2.1"}, False, False),
        ({"server__host": "192.0.2.1"}, True, True),
        ({"server__host": "192.0.2.1"}, None, True),
        ({"server__host": "192.0.2.1", "server__allow_public": True}, False, True),
        ({"server__host": "192.0.2.1", "access__require_key": "always"}, False, True),
        ({"server__host": "192.0.2.1", "access__require_key": "never"}, True, False),
        ({"server__host": "192.0.2.1", "access__require_key": "never", "server__allow_public": True}, None, True),
    ],
)
def test_when_the_service_starts(settings: dict[str, object], has_key: bool | None, starts: bool) -> None:
    if starts:
        require_guarded(make(**settings), has_key=has_key)
        return
    with pytest.raises(SettingsRefused) as refused:
        require_guarded(make(**settings), has_key=has_key)
    assert "IRONLEAF_SERVER__ALLOW_PUBLIC" in refused.value.lines[0]
    assert "192.0.2.1" not in refused.value.lines[0]


@pytest.mark.parametrize(
    ("settings", "host", "allowed"),
    [
        ({}, "localhost", True),
        ({}, "evil.example", False),
        ({}, "192.0.2.1", False),
        ({"server__host": "192.0.2.1"}, "192.0.2.1", True),
        ({"server__host": "192.0.2.1"}, "192.0.2.2", False),
        ({"server__host": "0.0.0.0"}, "192.0.2.2", True),  # noqa: S104
        ({"server__host": "0.0.0.0"}, "evil.example", False),  # noqa: S104
        ({"server__host": "::"}, "[2001:db8::1]", True),
        ({"server__host": "ocr.lan"}, "OCR.lan:8000", True),
        ({"access__allowed_hosts": ["ocr.example.org"]}, "ocr.example.org", True),
        ({"access__public_url": "https://ocr.example.org/x"}, "ocr.example.org", True),
    ],
)
def test_under_which_names_the_service_answers(settings: dict[str, object], host: str, allowed: bool) -> None:
    authority = parse_authority(host)
    assert authority is not None
    assert make_front_rules(make(**settings)).hosts.allows(authority) is allowed


def test_the_public_address_has_pages_of_ours() -> None:
    rules = make_front_rules(make(access__public_url="https://OCR.example.org/x"))
    assert rules.origins == {"https://ocr.example.org:443"}
    assert make_front_rules(make()).origins == frozenset()


@pytest.mark.parametrize(
    ("settings", "behind"),
    [
        ({}, False),
        ({"server__root_path": "/ocr"}, True),
        ({"access__public_url": "https://ocr.example.org"}, True),
        ({"access__trusted_proxies": ["10.0.0.0/8"]}, True),
    ],
)
def test_a_proxy_in_front_makes_nobody_local(settings: dict[str, object], behind: bool) -> None:
    assert make_peer_rules(make(**settings)).behind_proxy is behind


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"server__host": "::1"}, "http://[::1]:8000"),
        ({"server__host": "0.0.0.0"}, "http://127.0.0.1:8000"),  # noqa: S104
        ({"server__host": "::"}, "http://[::1]:8000"),
        ({"server__host": "ocr.lan", "server__root_path": "/x/"}, "http://ocr.lan:8000/x"),
        ({"access__public_url": "https://ocr.example.org/x/"}, "https://ocr.example.org/x"),
    ],
)
def test_the_link_leads_to_the_service(settings: dict[str, object], base: str) -> None:
    assert say_login_base(make(**settings), 8000) == base


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("access.require_key", "sometimes-secret"),
        ("access.allowed_hosts", ["https://secret.example"]),
        ("access.allowed_hosts", ["secret.example:80"]),
        ("access.public_url", "secret.example"),
        ("access.public_url", "https://user:secret@host.example"),
        ("access.public_url", "https://host.example?secret"),
        ("access.public_url", "ftp://secret.example"),
        ("access.trusted_proxies", ["secret.example"]),
        ("access.login_link", "secret"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(SettingsRefused) as refused:
        load_settings(environ={}, overrides={name: value})
    assert refused.value.lines[0].startswith(f"{name} (IRONLEAF_ACCESS__")
    assert "secret" not in "".join(refused.value.lines)
