"""Keys of backends may stand in the environment, and stand in no log wherever they come from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.application.settings import SettingsRefused, list_secrets, load_settings
from ironleaf.foundation.observability import Redactor

if TYPE_CHECKING:
    from pathlib import Path

KEY = "plain-words-as-a-key"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def environ(**given: Any) -> dict[str, str]:
    backend = {"alias": "a", "base_url": "http://127.0.0.1:9/v1", "model": "m", **given}
    return {"IRONLEAF_ENGINES__VL__BACKENDS": json.dumps([backend])}


def test_a_key_is_fetched_from_the_variable_that_is_named() -> None:
    settings = load_settings(environ={**environ(api_key_env="QWEN_KEY"), "QWEN_KEY": KEY})
    assert settings.engines.vl.backends[0].api_key == KEY
    assert KEY not in repr(settings)
    assert list_secrets(settings) == (KEY,)


def test_the_end_of_the_line_after_a_key_is_no_part_of_it() -> None:
    settings = load_settings(environ={**environ(api_key_env="QWEN_KEY"), "QWEN_KEY": f"{KEY}\n"})
    assert settings.engines.vl.backends[0].api_key == KEY


def test_a_key_that_no_header_can_carry_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsRefused) as caught:
        load_settings(environ={**environ(api_key_env="QWEN_KEY"), "QWEN_KEY": f"{KEY}\n{KEY}"})
    assert "engines.vl.backends.0.api_key_env" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENGINES__VL__BACKENDS", '[{"alias": "a", "base_url": "http://h/v1", "model": "m", "profle": "qwen-vl"}]'),
        ("ENGINES__VL__BREAKER__FAILURE_DETECTORS", '[{"limit": 9}]'),
        ("ALERTS__CHANNELS", '[{"nme": "pager"}]'),
    ],
)
def test_a_name_in_a_list_of_tables_is_known_too(name: str, value: str) -> None:
    with pytest.raises(SettingsRefused, match=r"\.0\.(profle|limit|nme) .*: there is no such setting"):
        load_settings(environ={f"IRONLEAF_{name}": value})


@pytest.mark.parametrize("value", [None, "", " \n"])
def test_a_variable_that_is_not_set_is_refused_by_the_settings_name(value: str | None) -> None:
    given = environ(api_key_env="QWEN_KEY") | ({} if value is None else {"QWEN_KEY": value})
    with pytest.raises(SettingsRefused) as caught:
        load_settings(environ=given)
    assert "engines.vl.backends.0.api_key_env" in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"api_key_env": "two words"},
        {"api_key_env": "IRONLEAF_KEY"},
        {"api_key_env": "QWEN_KEY", "api_key": "also"},
        {"relaunch": {"model_uid": "without its name"}},
        {"probes_day_max": -1},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SettingsRefused):
        load_settings(environ={**environ(**given), "QWEN_KEY": KEY})


def test_every_place_of_a_secret_is_known_to_the_log() -> None:
    given = environ(
        api_key="key-in-the-file",
        headers={"Authorization": "Token header-secret", "X-Api-Key": "other-header-secret", "X-Team": "documents"},
        proxy="http://user:proxy-password@10.0.0.1:8080",
    )
    secrets = list_secrets(load_settings(environ=given))
    redactor = Redactor(secrets=secrets)
    line = "key-in-the-file header-secret other-header-secret proxy-password documents"
    assert redactor.redact_text(line) == "<secret> <secret> <secret> <secret> documents"
