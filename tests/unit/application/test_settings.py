"""Settings are refused by name, and values never come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ironleaf.application.settings import SettingsRefused, load_settings

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-should-not-be-seen"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(**environ: str) -> str:
    with pytest.raises(SettingsRefused) as caught:
        load_settings(environ=environ)
    return str(caught.value)


def test_defaults_need_nothing() -> None:
    settings = load_settings(environ={})
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8000)
    assert settings.files.limits.bytes_max == 50 * 1024 * 1024


def test_environment_beats_file_and_overrides_beat_both(tmp_path: Path) -> None:
    (tmp_path / "ironleaf.toml").write_text("[server]\nport = 1\nroot_path = '/a'\n", encoding="utf-8")
    environ = {"IRONLEAF_SERVER__PORT": "2"}
    assert load_settings(environ={}).server.port == 1
    assert load_settings(environ=environ).server.port == 2
    last = load_settings(environ=environ, overrides={"server.port": 3})
    assert (last.server.port, last.server.root_path) == (3, "/a")


def test_lists_come_as_json_and_deep_names_are_reached() -> None:
    environ = {"IRONLEAF_FILES__FORMATS": '["pdf", "png"]', "IRONLEAF_FILES__LIMITS__BYTES_MAX": "7"}
    files = load_settings(environ=environ).files
    assert files.formats == ("pdf", "png")
    assert files.limits.bytes_max == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IRONLEAF_SERVER__PORT", SECRET),
        ("IRONLEAF_SERVER__PORT", "70000"),
        ("IRONLEAF_SERVER__NO_SUCH", SECRET),
        ("IRONLEAF_NO_SUCH", SECRET),
        ("IRONLEAF_FILES__FORMATS", SECRET),
        ("IRONLEAF_FILES__FORMATS", f'["{SECRET}"]'),
        ("IRONLEAF_FILES__LIMITS__BYTES_MAX", "0"),
        ("IRONLEAF_FILES__LIMITS__XML_DEPTH_MAX", "-5"),
        ("IRONLEAF_FILES__LIMITS__DECODE_S_MAX", "-0.5"),
        ("IRONLEAF_FILES__QUARANTINE__LOSSES_TO_REFUSE", "0"),
        ("IRONLEAF_WORKERS__DECODERS", "0"),
        ("IRONLEAF_SERVER", SECRET),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(name: str, value: str) -> None:
    said = refusal(**{name: value})
    assert name in said
    assert value not in said or len(value) == 1


def test_a_broken_file_is_refused_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "ironleaf.toml").write_text(f"key = {SECRET}", encoding="utf-8")
    said = refusal()
    assert "ironleaf.toml" in said
    assert SECRET not in said


def test_a_named_file_must_exist() -> None:
    assert "IRONLEAF_CONFIG" in refusal(IRONLEAF_CONFIG="nowhere.toml")
