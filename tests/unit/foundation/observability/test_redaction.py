"""Secrets are known by their shape, whatever name they travel under."""

from __future__ import annotations

import base64
import urllib.parse

import pytest

from ironleaf.foundation.observability import Redactor

SHAPES = {
    "dsn": ("postgresql://ann:p4ss%40w@db.local:5432/x", "p4ss"),
    "url with a token as user": ("https://s3cr3tt0k3n@host/x", "s3cr3tt0k3n"),
    "bearer": ("Authorization: Bearer abcdef123456", "abcdef123456"),
    "basic, alone": ("sent basic dXNlcjpwYXNz today", "dXNlcjpwYXNz"),
    "api key": ("used sk-abcDEF123456789012345 for it", "abcDEF123456789012345"),
    "jwt": ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123", "eyJzdWIiOiIxMjM0In0"),
    "assigned": ("login password=hunter2 failed", "hunter2"),
    "assigned, quoted": ("{'token': 'a b c'}", "a b c"),
    "assigned, json": ('{"api_key": "zz9"}', "zz9"),
    "assigned, Chinese": ("密码：无 密码=秘密123", "秘密123"),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "MIIabc"),
    "email": ("mail bob.smith+x@example.co.uk now", "bob.smith"),
    "card": ("paid with 4111 1111 1111 1111.", "4111 1111"),
    "identity card": ("号码110101199003078515", "110101199003078515"),
    "mobile": ("call +86 13812345678", "13812345678"),
    "iban": ("to DE89 3704 0044 0532 0130 00 please", "3704 0044"),
    "data uri": ("<img src='data:image/png;base64,iVBORw0KGgo='>", "iVBORw0KGgo"),
    "blob": ("body /9j/4AAQSkZJRgABAQEASABIAAD2wBDAAMCAgICAgMCAgIDAwMDBAYEBA== end", "4AAQSkZJRg"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_secret_is_masked_by_its_shape(name: str) -> None:
    text, secret = SHAPES[name]
    masked = Redactor().redact_text(text)
    assert secret not in masked
    assert "<" in masked


@pytest.mark.parametrize(
    "text",
    [
        "page 3 of 500 read in 1234 ms",
        "01JDA2B3C4D5E6F7G8H9J0K1M2",
        "ironleaf.application.flow:ConversionFlow.convert:112",
        "POST /v1/convert 200",
        "2026-11-24T04:31:21.123456Z",
        "会议纪要 三十二万页",
        "sha256 mismatch",
        "exit code -11, signal 11",
    ],
)
def test_what_operators_need_stays(text: str) -> None:
    assert Redactor().redact_text(text) == text


def test_a_configured_secret_is_masked_in_every_form() -> None:
    secret = "corr/ect horse"
    redactor = Redactor(secrets=(secret,))
    raw = secret.encode()
    forms = [secret, urllib.parse.quote(secret, safe=""), base64.b64encode(raw).decode()]
    forms += [base64.b64encode(b"x" * n + raw + b"yy").decode() for n in range(3)]
    for form in forms:
        masked = redactor.redact_text(f"a {form} b")
        assert secret not in masked
        assert "<" in masked, form


def test_short_configured_secrets_do_not_mask_words() -> None:
    assert Redactor(secrets=("on",)).redact_text("online") == "online"


def test_addresses_stay_unless_they_are_to_be_hidden() -> None:
    text = "refused by 10.0.0.7:28264 and [fe80::1]:80 and model-host:9997"
    assert Redactor().redact_text(text) == text
    hidden = Redactor(hide_addresses=True).redact_text(text)
    assert hidden == "refused by <address> and <address> and <address>"


def test_names_that_say_secret_hide_any_value() -> None:
    event = Redactor().redact_event({"password": "x", "x-api-key": 7, "db": {"Token": ["a"]}, "tokens_used": 12})
    assert event == {"password": "<secret>", "x-api-key": "<secret>", "db": {"Token": "<secret>"}, "tokens_used": 12}


def test_page_content_and_bytes_never_pass() -> None:
    event = Redactor().redact_event({"text": "Dear Ms Smith", "blob": b"abc", "prompt": "read", "event": "x"})
    assert event == {"text": "<content 13>", "blob": "<bytes 3>", "prompt": "<content 4>", "event": "x"}


def test_long_values_are_cut_and_a_secret_across_the_cut_does_not_survive() -> None:
    masked = Redactor().redact_text("x " * 496 + "password=hunter2hunter2")
    assert "hunter2" not in masked
    assert Redactor().redact_text("y" * 5000).endswith("<cut 4000>")


def test_deep_wide_and_cyclic_values_end() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    redacted = Redactor().redact({"c": cycle, "many": list(range(1000)), "o": object()})
    assert isinstance(redacted, dict)
    assert len(redacted["many"]) == 100
    assert redacted["o"] == "<object>"
    assert "<deep>" in repr(redacted["c"])


def test_numbers_that_are_identities_are_masked_and_others_are_not() -> None:
    assert Redactor().redact(110101199003078515) == "<number>"
    assert Redactor().redact(52_428_800) == 52_428_800
    assert Redactor().redact(1.5) == 1.5
    assert Redactor().redact(True) is True
