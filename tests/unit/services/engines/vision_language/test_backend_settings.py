from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from pydantic import TypeAdapter

from ironleaf.services.engines.vision_language.settings import BackendSettings

Make = Callable[..., BackendSettings]


def test_minimal_settings_have_bounded_times_and_stream(make_settings: Make) -> None:
    settings = make_settings()
    assert settings.stream
    assert 0 < settings.connect_timeout_s < settings.first_token_timeout_s < settings.total_timeout_s


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alias", "two words"),
        ("alias", ""),
        ("model", ""),
        ("base_url", "ftp://host/v1"),
        ("base_url", "http://user:canary-word@host/v1"),
        ("base_url", "http://host/v1?key=canary-word"),
        ("base_url", "http://host:99999/v1"),
        ("proxy", "socks5://host"),
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", float("nan")),
        ("top_p", 1.5),
        ("max_tokens", 0),
        ("max_tokens", 10_000_000),
        ("extra_body", {"messages": "canary-word"}),
        ("headers", {"x-a": "canary-word\r\nx-b: 1"}),
        ("extra_body", {"seed": 2**70}),
        ("relaunch", {"model_name": "canary-word\ud800"}),
        ("headers", {"bad name": "1"}),
        ("headers", {"Content-Length": "1"}),
        ("headers", {"accept-encoding": "gzip"}),
        ("api_key", "canary-word\n"),
        ("api_key", "canary-word\u00e9"),
        ("connections_max", 0),
        ("connect_timeout_s", 0.0),
        ("first_token_timeout_s", -1.0),
        ("between_tokens_timeout_s", float("inf")),
        ("total_timeout_s", 100_000.0),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_not_shown(make_settings: Make, name: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: must be ") as caught:
        make_settings(**{name: value})
    assert "canary-word" not in str(caught.value)


def test_secrets_stay_out_of_the_repr(make_settings: Make) -> None:
    settings = make_settings(api_key="sk-one", headers={"x-key": "sk-two"}, proxy="http://u:sk-three@proxy:3128")
    assert "sk-" not in repr(settings)


def test_settings_load_from_plain_data() -> None:
    raw = {"alias": "a", "base_url": "http://h/v1", "model": "m", "image_style": "image", "extra_body": {"top_k": 1}}
    settings = TypeAdapter(BackendSettings).validate_python(raw)
    assert settings.image_style == "image"
    assert dataclasses.replace(settings, model="n").extra_body == {"top_k": 1}
