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


@pytest.mark.parametrize("value", [None, ""])
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
