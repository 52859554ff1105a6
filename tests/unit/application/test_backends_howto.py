"""The block that the how-to shows is one that the service takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ironleaf.application.bootstrap import build_readers
from ironleaf.application.settings import SettingsRefused, load_settings

HOWTO = Path(__file__).parents[3] / "docs" / "howto" / "backends.md"


def test_a_profile_of_the_operators_own_is_taken(tmp_path: Path) -> None:
    block = re.findall(r"```toml\n(.*?)```", HOWTO.read_text(encoding="utf-8"), re.DOTALL)[1]
    (tmp_path / "mine.toml").write_text(block, encoding="utf-8")
    backend = {"alias": "reader", "base_url": "http://127.0.0.1:9/v1", "model": "m", "profile": "mine"}
    vl = {"engines.vl.backends": [backend], "engines.vl.profile_directory": str(tmp_path)}
    (reader,) = build_readers(load_settings(environ={}, overrides=vl).engines.vl)
    assert reader.alias == "reader"
    with pytest.raises(SettingsRefused, match=r"^engines.vl.backends.0.profile: must be one of generic, .*qwen-vl$"):
        build_readers(load_settings(environ={}, overrides={"engines.vl.backends": [backend]}).engines.vl)


def test_a_folder_of_profiles_that_is_not_there_is_refused(tmp_path: Path) -> None:
    vl = {"engines.vl.profile_directory": str(tmp_path / "none")}
    with pytest.raises(SettingsRefused, match=r"^engines.vl.profile_directory: must be a directory that is there$"):
        build_readers(load_settings(environ={}, overrides=vl).engines.vl)


def test_the_block_of_the_how_to_is_taken(tmp_path: Path) -> None:
    block = re.search(r"```toml\n(.*?)```", HOWTO.read_text(encoding="utf-8"), re.DOTALL)
    assert block
    file = tmp_path / "ironleaf.toml"
    file.write_text(block[1], encoding="utf-8")
    settings = load_settings(environ={"XINFERENCE_KEY": "one-key", "DASHSCOPE_API_KEY": "another-key"}, file=file)
    first, *_, last = settings.engines.vl.backends
    assert [backend.alias for backend in settings.engines.vl.backends] == [
        "reader",
        "reader-2",
        "small-reader",
        "cloud-reader",
    ]
    assert (first.relaunch["model_uid"], first.api_key) == ("qwen2-vl-instruct", "one-key")
    assert (last.probes_day_max, last.api_key) == (50, "another-key")
    assert len(build_readers(settings.engines.vl)) == 4, "the profiles exist"
